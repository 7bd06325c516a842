export interface ClientOptions {
  baseUrl: string;
  token?: string;
  timeoutMs?: number;
}

export interface ResolvedOptions {
  readonly baseUrl: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

const DEFAULT_TIMEOUT_MS = 30_000;

/** Options with every default filled in. Throws RangeError for a time-out below 1. */
export function resolve(options: ClientOptions): ResolvedOptions {
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  if (timeoutMs < 1) {
    throw new RangeError(`timeoutMs is ${timeoutMs}; it has to be at least 1.`);
  }
  return {
    baseUrl: options.baseUrl.replace(/\/+$/, ""),
    headers: options.token ? { authorization: `Bearer ${options.token}` } : {},
    timeoutMs,
  };
}
