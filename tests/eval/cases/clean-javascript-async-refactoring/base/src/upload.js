const CHUNK = 4 * 1024 * 1024;

export function checksum(blob) {
  return blob
    .arrayBuffer()
    .then((buffer) => crypto.subtle.digest("SHA-256", buffer))
    .then((digest) =>
      Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join(""),
    );
}

function sendChunk(url, file, start) {
  const end = Math.min(start + CHUNK, file.size);
  return fetch(url, {
    method: "PUT",
    headers: { "content-range": `bytes ${start}-${end - 1}/${file.size}` },
    body: file.slice(start, end),
  }).then((response) => {
    if (!response.ok) throw new Error(`The server answered ${response.status}.`);
    return end;
  });
}

export async function upload(url, file, onProgress) {
  let sent = 0;
  while (sent < file.size) {
    sent = await sendChunk(url, file, sent);
    onProgress(sent / file.size);
  }
}
