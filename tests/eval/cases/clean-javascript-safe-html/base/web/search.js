const results = document.querySelector("#results");

function show(hits, query) {
  results.replaceChildren(
    ...hits.map((hit) => {
      const item = document.createElement("li");
      item.textContent = hit.title;
      return item;
    }),
  );
}

export async function search(query) {
  const response = await fetch(`/search?q=${encodeURIComponent(query)}`);
  show(response.ok ? await response.json() : [], query);
}
