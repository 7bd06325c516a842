// Keeps times current: how long something has been running, and how long ago something was.
"use strict";

(() => {
  // The words are the page's, in its language.
  const words = document.documentElement.dataset;
  const unit = (pattern, number) => pattern.replace("{number}", number);
  const seconds = (number) => unit(words.seconds, number);
  const minutes = (number) => unit(words.minutes, number);
  const hours = (number) => unit(words.hours, number);

  const duration = (total) => {
    if (total < 60) return seconds(total);
    if (total < 3600) return `${minutes(Math.floor(total / 60))} ${seconds(total % 60)}`;
    return `${hours(Math.floor(total / 3600))} ${minutes(Math.floor((total % 3600) / 60))}`;
  };

  // The server writes days and what is older; a page is seldom open for so long.
  const ago = (total) => {
    if (total < 60) return words.now;
    if (total >= 86400) return null;
    const time = total < 3600 ? minutes(Math.floor(total / 60)) : hours(Math.floor(total / 3600));
    return words.ago.replace("{time}", time);
  };

  setInterval(() => {
    for (const time of document.querySelectorAll("time[data-running], time[data-ago]")) {
      const total = Math.max(0, Math.round((Date.now() - Date.parse(time.dateTime)) / 1000));
      const text = "running" in time.dataset ? duration(total) : ago(total);
      if (text !== null && time.textContent !== text) time.textContent = text;
    }
  }, 1000);
})();
