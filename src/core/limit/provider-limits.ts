/** One limit of an account, as a provider's reply states it. @public */
export interface StatedLimit {
  /** How much there is at the most. */
  readonly limit: number;
  readonly remaining: number;
  /** In how many milliseconds it is whole again; undefined: not said. */
  readonly resetMs: number | undefined;
}

/** What a reply says of its account's limits. @public */
export interface ProviderLimits {
  readonly requests: StatedLimit | undefined;
  readonly tokens: StatedLimit | undefined;
}

/** The head of a provider's reply, as far as it tells how fast one may ask. @public */
export interface PaceNotice {
  /** `provider/model` that replied. */
  readonly target: string;
  readonly status: number;
  readonly limits: ProviderLimits | undefined;
  /** For how long the provider asks to be left alone, in milliseconds. */
  readonly retryAfterMs: number | undefined;
}

type Headers = Readonly<Record<string, string | readonly string[]>>;

/**
 * Names of one limit: OpenAI's and Anthropic's (facts/providers.md). Where Anthropic tells of all tokens and of input alone, its `tokens` is
 * the tighter of the two already (platform.claude.com, rate limits).
 */
const NAMES = {
  requests: [
    ['x-ratelimit-limit-requests', 'x-ratelimit-remaining-requests', 'x-ratelimit-reset-requests'],
    [
      'anthropic-ratelimit-requests-limit',
      'anthropic-ratelimit-requests-remaining',
      'anthropic-ratelimit-requests-reset',
    ],
  ],
  tokens: [
    ['x-ratelimit-limit-tokens', 'x-ratelimit-remaining-tokens', 'x-ratelimit-reset-tokens'],
    ['anthropic-ratelimit-tokens-limit', 'anthropic-ratelimit-tokens-remaining', 'anthropic-ratelimit-tokens-reset'],
  ],
} as const;

const COUNT = /^\d{1,15}$/;
/** One part of a duration as Go writes it, which OpenAI does: `6m0s`, `1.5s`, `17ms`. A number alone is seconds. */
const DURATION_PART = /(\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h|d|$)/y;
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, '': 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Reads the limits that a provider's reply states; undefined when it states none.
 * @param nowMs - Unix time in milliseconds: Anthropic names the moment of a reset.
 * @public
 */
export function readProviderLimits(headers: Headers, nowMs: number): ProviderLimits | undefined {
  const requests = statedLimit(headers, NAMES.requests, nowMs);
  const tokens = statedLimit(headers, NAMES.tokens, nowMs);
  return requests === undefined && tokens === undefined ? undefined : { requests, tokens };
}

function statedLimit(
  headers: Headers,
  names: readonly (readonly [limit: string, remaining: string, reset: string])[],
  nowMs: number,
): StatedLimit | undefined {
  for (const [limitName, remainingName, resetName] of names) {
    const limit = count(headers[limitName]);
    const remaining = count(headers[remainingName]);
    // A limit of 0 is how some say that there is none.
    if (limit === undefined || limit === 0 || remaining === undefined) continue;
    return { limit, remaining, resetMs: durationMs(headers[resetName], nowMs) };
  }
  return undefined;
}

function count(value: string | readonly string[] | undefined): number | undefined {
  return typeof value === 'string' && COUNT.test(value) ? Number(value) : undefined;
}

function durationMs(value: string | readonly string[] | undefined, nowMs: number): number | undefined {
  if (typeof value !== 'string' || value === '') return undefined;
  if (value.includes('T')) {
    const atMs = Date.parse(value);
    return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
  }
  let sumMs = 0;
  DURATION_PART.lastIndex = 0;
  while (DURATION_PART.lastIndex < value.length) {
    const part = DURATION_PART.exec(value);
    if (part === null) return undefined;
    sumMs += Number(part[1]) * (UNIT_MS[part[2] ?? ''] ?? 0);
  }
  return sumMs;
}
