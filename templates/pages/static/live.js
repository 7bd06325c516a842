// Keeps the page of a review current: progress as the feed tells it, everything else by
// reading the page anew. Without it the page is complete, only not live.
"use strict";

(() => {
  const region = () => document.getElementById("live");
  if (!region() || region().dataset.finished === "true") return;

  const FIRST_WAIT = 500, LONGEST_WAIT = 15000, PING_EVERY = 30000, REFRESH_EVERY = 1000;
  const ENDS = new Set(["completed", "failed", "cancelled"]);
  let after = region().dataset.after;
  let wait = FIRST_WAIT;
  let refreshing = null;
  let shown = "";
  let connection = "";

  const put = (id, text) => {
    const element = document.getElementById(id);
    if (element && element.textContent !== text) element.textContent = text;
  };

  function say(text) {
    connection = text;
    put("connection", text);
  }

  function showProgress(told) {
    const bar = document.getElementById("bar");
    if (bar) bar.value = told.progress;
    put("percent", `${told.progress} %`);
    if (told.current_step) put("step", told.current_step);
    put("findings-count", String(told.findings));
    const of = region().dataset.of;
    put("files", told.files_total && of
      ? of.replace("{done}", told.files_done).replace("{total}", told.files_total)
      : String(told.files_done));
    const now = `${told.status} ${told.files_done} ${told.findings}`;
    if (now !== shown) refreshSoon();
    shown = now;
  }

  function refreshSoon() {
    if (refreshing === null) refreshing = setTimeout(refresh, REFRESH_EVERY);
  }

  async function refresh() {
    refreshing = null;
    let fresh;
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      if (!answer.ok) throw new Error(String(answer.status));
      fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    } catch {
      setTimeout(refreshSoon, wait);
      return;
    }
    const next = fresh.getElementById("live");
    if (!next) return;
    // A reader's place is kept: what is open stays open, and the focus where it was.
    const open = [...region().querySelectorAll("details")].map((d) => d.open);
    const focused = [...region().querySelectorAll("a, pre, summary")].indexOf(document.activeElement);
    document.title = fresh.title;
    region().replaceWith(document.adoptNode(next));
    put("connection", connection); // the server knows nothing of it
    region().querySelectorAll("details").forEach((d, i) => { if (open[i]) d.open = true; });
    renewActions(fresh);
    if (focused >= 0) region().querySelectorAll("a, pre, summary")[focused]?.focus({ preventScroll: true });
  }

  // Left alone while they are the same: a button that is replaced while it is pressed does nothing.
  function renewActions(fresh) {
    const old = document.getElementById("actions"), next = fresh.getElementById("actions");
    if (!old || !next || old.isEqualNode(next)) return;
    const focused = old.contains(document.activeElement);
    old.replaceWith(document.adoptNode(next));
    if (focused) document.getElementById("main").focus({ preventScroll: true });
  }

  function connect() {
    const address = new URL(region().dataset.feed, location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    const key = new URLSearchParams(location.search).get("key");
    if (key) address.searchParams.set("key", key);
    address.searchParams.set("after", after);
    const socket = new WebSocket(address);
    const pings = setInterval(() => {
      if (socket.readyState === WebSocket.OPEN) socket.send("ping");
    }, PING_EVERY);
    let over = false;

    socket.onmessage = (event) => {
      const told = JSON.parse(event.data);
      if (told.type === "connected") {
        wait = FIRST_WAIT;
        say(region().dataset.connected);
      }
      if (!told.id) return;
      after = told.id;
      if (ENDS.has(told.type)) {
        over = true;
        refresh();
      } else {
        showProgress(told);
      }
    };
    socket.onclose = (event) => {
      clearInterval(pings);
      if (over || event.code === 1000) return void refreshSoon();
      say(region().dataset.lost);
      setTimeout(connect, wait * (0.5 + Math.random()));
      wait = Math.min(wait * 2, LONGEST_WAIT);
    };
  }

  connect();
})();
