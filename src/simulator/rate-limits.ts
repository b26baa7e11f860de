import type { Protocol } from '../core/model/protocol.ts';

/** What an account may ask for in a minute. @public */
export interface SimulatedRateLimits {
  /** @defaultValue no limit */
  readonly requestsPerMinute?: number;
  /** @defaultValue no limit */
  readonly tokensPerMinute?: number;
  /**
   * `reserved`: a request weighs the greater of its stated output limit and its input, and stays at that (OpenAI, rate limit guide).
   * `actual`: it is let in by its input and weighs what it took in the end (Anthropic).
   * @defaultValue `reserved` for OpenAI's protocol, `actual` for Anthropic's
   */
  readonly counting?: 'reserved' | 'actual';
}

/** How the limits were used, over all accounts. @public */
export interface RateLimitUse {
  /** Requests that were refused with 429 by these limits. */
  readonly limitErrors: number;
  readonly requests: number;
  readonly tokens: number;
  /**
   * What was used of all that could have been by the time of the last request: one minute's worth at the start, and what was refilled since
   * the first. 0 where there is no limit or no request.
   */
  readonly requestsUsedRatio: number;
  readonly tokensUsedRatio: number;
}

/** A request that is let in, or for how long it is not. @internal */
export type RateAdmission =
  | { readonly kind: 'admitted'; readonly tokens: number; readonly isCorrected: boolean }
  | { readonly kind: 'limited'; readonly of: 'requests' | 'tokens'; readonly retryAfterMs: number };

const MINUTE_MS = 60_000;

/** A bucket that holds one minute's worth and refills evenly. */
class Bucket {
  readonly limit: number;
  #level: number;
  #atMs: number;

  constructor(limit: number, nowMs: number) {
    this.limit = limit;
    this.#level = limit;
    this.#atMs = nowMs;
  }

  level(nowMs: number): number {
    const refilled = ((nowMs - this.#atMs) * this.limit) / MINUTE_MS;
    this.#level = Math.min(this.limit, this.#level + Math.max(0, refilled));
    this.#atMs = Math.max(this.#atMs, nowMs);
    return this.#level;
  }

  take(units: number): void {
    this.#level = Math.min(this.limit, this.#level - units);
  }

  /** Until so many units are there; what is more than a minute's worth never is, and waits for a minute. */
  missingMs(units: number, nowMs: number): number {
    const missing = Math.min(units, this.limit) - this.level(nowMs);
    return missing <= 0 && units <= this.limit ? 0 : Math.max(1, (missing * MINUTE_MS) / this.limit);
  }

  fullInMs(nowMs: number): number {
    return ((this.limit - this.level(nowMs)) * MINUTE_MS) / this.limit;
  }
}

interface Account {
  readonly requests: Bucket | undefined;
  readonly tokens: Bucket | undefined;
  readonly firstAtMs: number;
  lastAtMs: number;
}

/** Meters the live requests of each account. Times are monotonic milliseconds. @internal */
export class RateLimits {
  readonly #limits: SimulatedRateLimits;
  readonly #accounts: Map<string, Account> = new Map<string, Account>();
  #limitErrors = 0;
  #requests = 0;
  #tokens = 0;

  /** @throws RangeError when a limit is not above 0. */
  constructor(limits: SimulatedRateLimits) {
    for (const limit of [limits.requestsPerMinute, limits.tokensPerMinute]) {
      if (limit !== undefined && !(limit > 0)) throw new RangeError(`not a limit: ${limit}`);
    }
    this.#limits = limits;
  }

  /** Lets a request in and takes its share, or says how long it has to wait; nothing is taken then. */
  admit(
    account: string,
    request: { readonly protocol: Protocol; readonly inputTokens: number; readonly maxTokens: number },
    nowMs: number,
  ): RateAdmission {
    const buckets = this.#account(account, nowMs);
    const counting = this.#limits.counting ?? (request.protocol === 'anthropic' ? 'actual' : 'reserved');
    const isCorrected = counting === 'actual';
    const tokens = isCorrected ? request.inputTokens : Math.max(request.inputTokens, request.maxTokens);
    const missing = {
      requests: buckets.requests?.missingMs(1, nowMs),
      tokens: buckets.tokens?.missingMs(tokens, nowMs),
    };
    for (const kind of ['requests', 'tokens'] as const) {
      const retryAfterMs = missing[kind] ?? 0;
      if (retryAfterMs === 0) continue;
      this.#limitErrors += 1;
      return { kind: 'limited', of: kind, retryAfterMs };
    }
    buckets.requests?.take(1);
    buckets.tokens?.take(tokens);
    buckets.lastAtMs = nowMs;
    this.#requests += 1;
    this.#tokens += tokens;
    return { kind: 'admitted', tokens, isCorrected };
  }

  /** Puts right what a request weighs when it is over, where the truth counts. */
  correct(account: string, admission: RateAdmission, actualTokens: number, nowMs: number): void {
    if (admission.kind !== 'admitted' || !admission.isCorrected) return;
    const more = actualTokens - admission.tokens;
    const { tokens } = this.#account(account, nowMs);
    tokens?.level(nowMs); // what was refilled until now comes first: a full bucket gets nothing back
    tokens?.take(more);
    this.#tokens += more;
  }

  /** What the provider tells of its limits on each reply, in its protocol's words. */
  headers(account: string, protocol: Protocol, nowMs: number): Record<string, string> {
    const { requests, tokens } = this.#account(account, nowMs);
    const headers: Record<string, string> = {};
    for (const [name, bucket] of [['requests', requests] as const, ['tokens', tokens] as const]) {
      if (bucket === undefined) continue;
      const remaining = String(Math.max(0, Math.floor(bucket.level(nowMs))));
      const fullInMs = bucket.fullInMs(nowMs);
      if (protocol === 'anthropic') {
        headers[`anthropic-ratelimit-${name}-limit`] = String(bucket.limit);
        headers[`anthropic-ratelimit-${name}-remaining`] = remaining;
      } else {
        headers[`x-ratelimit-limit-${name}`] = String(bucket.limit);
        headers[`x-ratelimit-remaining-${name}`] = remaining;
        headers[`x-ratelimit-reset-${name}`] = openaiDuration(fullInMs);
      }
    }
    return headers;
  }

  /** When Anthropic's buckets will be full, as its headers say it: by the wall clock. */
  resetHeaders(account: string, nowMs: number, wallMs: number): Record<string, string> {
    const { requests, tokens } = this.#account(account, nowMs);
    const headers: Record<string, string> = {};
    for (const [name, bucket] of [['requests', requests] as const, ['tokens', tokens] as const]) {
      if (bucket === undefined) continue;
      // Anthropic states whole seconds; it never says that a bucket is full before it is.
      const atSeconds = Math.ceil((wallMs + bucket.fullInMs(nowMs)) / 1000);
      headers[`anthropic-ratelimit-${name}-reset`] = new Date(atSeconds * 1000).toISOString().replace('.000Z', 'Z');
    }
    return headers;
  }

  use(): RateLimitUse {
    return {
      limitErrors: this.#limitErrors,
      requests: this.#requests,
      tokens: this.#tokens,
      requestsUsedRatio: this.#usedRatio(this.#requests, this.#limits.requestsPerMinute),
      tokensUsedRatio: this.#usedRatio(this.#tokens, this.#limits.tokensPerMinute),
    };
  }

  #usedRatio(used: number, perMinute: number | undefined): number {
    if (perMinute === undefined) return 0;
    let available = 0;
    for (const { firstAtMs, lastAtMs } of this.#accounts.values()) {
      available += perMinute * (1 + (lastAtMs - firstAtMs) / MINUTE_MS);
    }
    return available === 0 ? 0 : used / available;
  }

  #account(name: string, nowMs: number): Account {
    const known = this.#accounts.get(name);
    if (known !== undefined) return known;
    const { requestsPerMinute, tokensPerMinute } = this.#limits;
    const account: Account = {
      requests: requestsPerMinute === undefined ? undefined : new Bucket(requestsPerMinute, nowMs),
      tokens: tokensPerMinute === undefined ? undefined : new Bucket(tokensPerMinute, nowMs),
      firstAtMs: nowMs,
      lastAtMs: nowMs,
    };
    this.#accounts.set(name, account);
    return account;
  }
}

/** A duration as OpenAI's headers write it: `120ms`, `8.64s`, `6m0s`. */
function openaiDuration(durationMs: number): string {
  if (durationMs < 1000) return `${Math.ceil(durationMs)}ms`;
  const seconds = Math.ceil(durationMs / 10) / 100;
  if (seconds < 60) return `${seconds}s`;
  return `${Math.floor(seconds / 60)}m${Math.round((seconds % 60) * 100) / 100}s`;
}
