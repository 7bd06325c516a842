// Reads the dashboard again every few seconds, unless somebody is using its form or a button.
"use strict";

(() => {
  const EVERY = 5000;
  const busy = () => document.hidden || document.activeElement?.matches("main input, main select, main button, main .scroll");

  async function refresh() {
    if (busy()) return;
    const answer = await fetch(location.href, { cache: "no-store" });
    if (!answer.ok || answer.redirected || busy()) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const next = fresh.getElementById("main"), now = document.getElementById("main");
    if (next && !next.isEqualNode(now)) now.replaceWith(document.adoptNode(next));
  }

  setInterval(() => refresh().catch(() => {}), EVERY); // the next one may succeed
})();
