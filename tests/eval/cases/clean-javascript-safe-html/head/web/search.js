const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const results = document.querySelector("#results");

function escapeHtml(text) {
  return text.replace(/[&<>"']/g, (char) => ESCAPES[char]);
}

function escapeRegExp(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

function marked(text, words) {
  if (words.length === 0) return escapeHtml(text);
  const pattern = new RegExp(`(${words.map(escapeRegExp).join("|")})`, "gi");
  return text
    .split(pattern)
    .map((part, index) => (index % 2 ? `<mark>${escapeHtml(part)}</mark>` : escapeHtml(part)))
    .join("");
}

function show(hits, query) {
  const words = query.split(/\s+/).filter(Boolean);
  results.replaceChildren(
    ...hits.map((hit) => {
      const item = document.createElement("li");
      item.innerHTML = marked(hit.title, words);
      return item;
    }),
  );
}

export async function search(query) {
  const response = await fetch(`/search?q=${encodeURIComponent(query)}`);
  show(response.ok ? await response.json() : [], query);
}
