/** A bucket that refills evenly. @public */
export interface BucketTerms {
  /** Most that it holds. */
  readonly capacity: number;
  /** What comes in a minute. */
  readonly perMinute: number;
}

/** What a bucket gave. @public */
export interface BucketGrant {
  /** 0, or between `least` and `want`. */
  readonly granted: number;
  /** For how long to wait until `least` is there, in milliseconds; 0 when it was given. Infinity: it never will be. */
  readonly waitMs: number;
}

/** A claim on a bucket. @public */
export interface BucketClaim {
  readonly want: number;
  readonly least: number;
  /** What must stay in the bucket, for claims that go first: only what lies above is given. @defaultValue 0 */
  readonly floor?: number;
  readonly nowMs: number;
}

/** Permits that an owner wants to hold. @public */
export interface PermitClaim {
  readonly ownerId: string;
  /** How many it wants to hold from now on, those it has included; fewer gives the rest back. */
  readonly count: number;
  /** Most that all owners together may hold. */
  readonly limit: number;
  /** For how long they are held without being claimed again, in milliseconds: those of a dead owner come back then. */
  readonly leaseMs: number;
  readonly nowMs: number;
}

/** Rates and concurrency caps that several processes share. Faults are thrown as `store-unavailable`. @public */
export interface LimitStore {
  take(bucket: string, terms: BucketTerms, claim: BucketClaim): Promise<BucketGrant>;
  /** Puts back (positive) or takes in arrears (negative) what a claim was wrong by. A bucket never holds more than its capacity; it may be in debt. */
  correct(bucket: string, terms: BucketTerms, amount: number, nowMs: number): Promise<void>;
  /** Says how many the owner holds now: what it claimed, or fewer, but never fewer than it held before unless it claimed fewer. */
  hold(permit: string, claim: PermitClaim): Promise<number>;
  close(): Promise<void>;
}
