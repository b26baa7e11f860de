/** Milliseconds that a bucket's refill is stated for. */
const MINUTE_MS = 60_000;

/**
 * For how much the clock of a claim may lie behind the bucket's, in milliseconds, before the bucket's is taken for wrong. Processes differ by
 * far less; a machine that started with a wrong date would otherwise stop its buckets until that date.
 */
const MAX_CLOCK_LAG_MS = 600_000;

/** What a bucket holds and what comes in. */
interface Terms {
  readonly capacity: number;
  readonly perMinute: number;
}

/**
 * A token bucket: it refills evenly, holds no more than its capacity and may be in debt. Its level is kept in 60,000ths of a token, which
 * is what one token a minute brings in a millisecond: whole numbers, so that nothing is lost to rounding.
 * @public
 */
export interface TokenBucket {
  /** What it held at `atMs`, in 60,000ths; negative in debt. */
  readonly units: number;
  readonly atMs: number;
}

/** A bucket after a claim, and what the claim got. @public */
export interface BucketTake {
  readonly bucket: TokenBucket;
  /** 0, or between `least` and `want`. */
  readonly granted: number;
  /** For how long to wait until `least` is there above the floor; 0 when it was given, infinite when it is more than the bucket can hold. */
  readonly waitMs: number;
}

/** A bucket that was never used, or so long ago that it does not matter. @public */
export function fullBucket(terms: Terms, nowMs: number): TokenBucket {
  return { units: terms.capacity * MINUTE_MS, atMs: nowMs };
}

/** The bucket at a moment. Time never moves backwards: a clock that lies behind the bucket's brings nothing in. @public */
export function refilledBucket(bucket: TokenBucket, terms: Terms, nowMs: number): TokenBucket {
  const elapsedMs = nowMs - bucket.atMs;
  const atMs = elapsedMs < -MAX_CLOCK_LAG_MS ? nowMs : Math.max(bucket.atMs, nowMs);
  const units = bucket.units + Math.max(0, elapsedMs) * terms.perMinute;
  return { units: Math.min(terms.capacity * MINUTE_MS, units), atMs };
}

/** Takes as much as there is of `want` above the floor, or nothing when there is less than `least`. @public */
export function takeFromBucket(
  bucket: TokenBucket,
  terms: Terms,
  claim: { readonly want: number; readonly least: number; readonly floor?: number; readonly nowMs: number },
): BucketTake {
  const { want, least, floor = 0 } = claim;
  const now = refilledBucket(bucket, terms, claim.nowMs);
  const missing = (least + floor) * MINUTE_MS - now.units;
  if (missing > 0) {
    const waitMs = least + floor > terms.capacity ? Number.POSITIVE_INFINITY : Math.ceil(missing / terms.perMinute);
    return { bucket: now, granted: 0, waitMs: waitMs + Math.max(0, now.atMs - claim.nowMs) };
  }
  const granted = Math.min(want, Math.max(least, Math.floor(now.units / MINUTE_MS - floor)));
  return { bucket: { ...now, units: now.units - granted * MINUTE_MS }, granted, waitMs: 0 };
}

/** Puts back (positive) or takes in arrears (negative) what a claim was wrong by. @public */
export function correctedBucket(bucket: TokenBucket, terms: Terms, amount: number, nowMs: number): TokenBucket {
  const now = refilledBucket(bucket, terms, nowMs);
  return { ...now, units: Math.min(terms.capacity * MINUTE_MS, now.units + amount * MINUTE_MS) };
}

/** When the bucket is full again, if nothing is taken until then: from then on it need not be kept. Infinite when nothing comes in. @public */
export function bucketFullAtMs(bucket: TokenBucket, terms: Terms): number {
  const missing = terms.capacity * MINUTE_MS - bucket.units;
  return missing <= 0 ? bucket.atMs : bucket.atMs + Math.ceil(missing / terms.perMinute);
}
