export interface ClientOptions {
  baseUrl: string;
  token?: string;
  timeoutMs?: number;
  /** Milliseconds between two attempts; 0 retries at once. */
  retryDelayMs?: number;
}

export interface ResolvedOptions {
  readonly baseUrl: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly retryDelayMs: number;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_RETRY_DELAY_MS = 1_000;

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
    retryDelayMs: options.retryDelayMs || DEFAULT_RETRY_DELAY_MS,
  };
}
