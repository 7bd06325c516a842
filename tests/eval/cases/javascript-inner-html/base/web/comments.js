const list = document.querySelector("#comments");
const form = document.querySelector("#comment-form");
const dates = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

function showError(message) {
  const box = form.querySelector(".error");
  box.textContent = message;
  box.hidden = false;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const response = await fetch("/comments", { method: "POST", body: new FormData(form) });
  if (!response.ok) {
    showError("The comment could not be saved. Try again.");
    return;
  }
  window.location.reload();
});
