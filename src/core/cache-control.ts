/** What a request's `Cache-Control` asks of the response cache (RFC 9111, 5.2.1). Durations in milliseconds. @public */
export interface RequestCacheControl {
  /** Do not serve from the cache; the new answer may be stored. */
  readonly noCache: boolean;
  /** Neither serve nor store. */
  readonly noStore: boolean;
  /** Serve from the cache or answer 504. */
  readonly onlyIfCached: boolean;
  /** Serve nothing older than this. */
  readonly maxAgeMs: number | undefined;
  /** Serve only what stays fresh for at least this long. */
  readonly minFreshMs: number | undefined;
  /** Accept what has been stale for at most this long; `Infinity` without a value. Bound by the operator's `staleIfError`. */
  readonly maxStaleMs: number | undefined;
}

/** A request without the header. @public */
export const NO_CACHE_CONTROL: RequestCacheControl = Object.freeze({
  noCache: false,
  noStore: false,
  onlyIfCached: false,
  maxAgeMs: undefined,
  minFreshMs: undefined,
  maxStaleMs: undefined,
});

/** Longest header that is looked at; the six directives need less than 100 characters. */
const MAX_HEADER_LENGTH = 1024;

/** RFC 9111, 1.2.2: a larger delta counts as 2^31 seconds. */
const MAX_DELTA_SECONDS = 2 ** 31;

/**
 * Reads a request's `Cache-Control`. Unknown directives are ignored. A known one with a value that cannot be read takes its strictest meaning
 * (`max-age=soon` is `max-age=0`, and so is a header that is too long): what the caller meant was less caching, not more.
 * @public
 */
export function parseCacheControl(header: string | undefined): RequestCacheControl {
  if (header === undefined || header === '') return NO_CACHE_CONTROL;
  if (header.length > MAX_HEADER_LENGTH) return { ...NO_CACHE_CONTROL, noCache: true };
  const given = new Map<string, string | undefined>();
  for (const part of header.split(',')) {
    const equals = part.indexOf('=');
    const name = (equals === -1 ? part : part.slice(0, equals)).trim().toLowerCase();
    // RFC 9111, 4.2.1 leaves the choice between duplicates; the first is taken, as most caches do.
    if (!given.has(name)) given.set(name, equals === -1 ? undefined : part.slice(equals + 1).trim());
  }
  return {
    noCache: given.has('no-cache'),
    noStore: given.has('no-store'),
    onlyIfCached: given.has('only-if-cached'),
    maxAgeMs: given.has('max-age') ? deltaMs(given.get('max-age'), 0) : undefined,
    minFreshMs: given.has('min-fresh') ? deltaMs(given.get('min-fresh'), Infinity) : undefined,
    maxStaleMs: given.has('max-stale') ? staleMs(given.get('max-stale')) : undefined,
  };
}

/** `max-stale` without a value accepts any age. */
function staleMs(value: string | undefined): number {
  return value === undefined ? Infinity : deltaMs(value, 0);
}

function deltaMs(value: string | undefined, strictest: number): number {
  const digits = /^"?(\d+)"?$/.exec(value ?? '')?.[1];
  return digits === undefined ? strictest : Math.min(Number(digits), MAX_DELTA_SECONDS) * 1000;
}
