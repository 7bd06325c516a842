const CHUNK = 4 * 1024 * 1024;

export async function checksum(blob) {
  const digest = await crypto.subtle.digest("SHA-256", await blob.arrayBuffer());
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function sendChunk(url, file, start) {
  const end = Math.min(start + CHUNK, file.size);
  const response = await fetch(url, {
    method: "PUT",
    headers: { "content-range": `bytes ${start}-${end - 1}/${file.size}` },
    body: file.slice(start, end),
  });
  if (!response.ok) throw new Error(`The server answered ${response.status}.`);
  return end;
}

export async function upload(url, file, onProgress) {
  let sent = 0;
  while (sent < file.size) {
    sent = await sendChunk(url, file, sent);
    onProgress(sent / file.size);
  }
}
