export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

export interface Project {
  readonly id: string;
  readonly name: string;
  readonly archived: boolean;
}

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export async function get<T>(path: string): Promise<T> {
  const response = await fetch(`/api${path}`, { headers: { accept: "application/json" } });
  if (!response.ok) {
    throw new ApiError(response.status, await response.text());
  }
  return (await response.json()) as T;
}

export async function projects(): Promise<Project[]> {
  const found: Project[] = [];
  let next: string | null = "/projects";
  while (next) {
    const page: Page<Project> = await get(next);
    found.push(...page.items);
    next = page.next;
  }
  return found;
}
