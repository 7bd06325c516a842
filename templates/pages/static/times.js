// Keeps times current: how long something has been running, and how long ago something was.
"use strict";

(() => {
  const duration = (total) => {
    if (total < 60) return `${total} s`;
    if (total < 3600) return `${Math.floor(total / 60)} min ${total % 60} s`;
    return `${Math.floor(total / 3600)} h ${Math.floor((total % 3600) / 60)} min`;
  };

  // The server writes days and what is older; a page is seldom open for so long.
  const ago = (total) => {
    if (total < 60) return "just now";
    if (total < 3600) return `${Math.floor(total / 60)} min ago`;
    return total < 86400 ? `${Math.floor(total / 3600)} h ago` : null;
  };

  setInterval(() => {
    for (const time of document.querySelectorAll("time[data-running], time[data-ago]")) {
      const total = Math.max(0, Math.round((Date.now() - Date.parse(time.dateTime)) / 1000));
      const text = "running" in time.dataset ? duration(total) : ago(total);
      if (text !== null && time.textContent !== text) time.textContent = text;
    }
  }, 1000);
})();
