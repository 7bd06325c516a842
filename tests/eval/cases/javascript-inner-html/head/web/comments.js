const list = document.querySelector("#comments");
const form = document.querySelector("#comment-form");
const dates = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

function showError(message) {
  const box = form.querySelector(".error");
  box.textContent = message;
  box.hidden = false;
}

function append(comment) {
  const item = document.createElement("li");
  item.className = comment.own ? "comment own" : "comment";
  const when = dates.format(new Date(comment.at));
  item.innerHTML = `<header>${when}</header><p>${comment.text}</p>`;
  list.append(item);
}

async function refresh() {
  const last = list.dataset.last ?? "0";
  const response = await fetch(`/comments?after=${encodeURIComponent(last)}`);
  if (!response.ok) return;
  const comments = await response.json();
  comments.forEach(append);
  if (comments.length > 0) list.dataset.last = String(comments.at(-1).id);
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const response = await fetch("/comments", { method: "POST", body: new FormData(form) });
  if (!response.ok) {
    showError("The comment could not be saved. Try again.");
    return;
  }
  form.reset();
  await refresh();
});

setInterval(refresh, 15_000);
