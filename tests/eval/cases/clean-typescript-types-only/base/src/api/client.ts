export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export async function get(path: string): Promise<any> {
  const response = await fetch(`/api${path}`, { headers: { accept: "application/json" } });
  if (!response.ok) {
    throw new ApiError(response.status, await response.text());
  }
  return response.json();
}

export async function projects(): Promise<any[]> {
  const found = [];
  let next = "/projects";
  while (next) {
    const page = await get(next);
    found.push(...page.items);
    next = page.next;
  }
  return found;
}
