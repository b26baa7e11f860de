import { permitsAfterClaim } from '../../core/limit/permits.ts';
import {
  bucketFullAtMs,
  correctedBucket,
  fullBucket,
  takeFromBucket,
  type TokenBucket,
} from '../../core/limit/token-bucket.ts';
import type { BucketClaim, BucketGrant, BucketTerms, LimitStore, PermitClaim } from '../../ports/limit-store.ts';

interface KeptBucket {
  readonly bucket: TokenBucket;
  readonly fullAtMs: number;
}

interface HeldPermits {
  readonly count: number;
  readonly untilMs: number;
}

/** Operations between two looks for what need not be kept any more. */
const OPERATIONS_A_SWEEP = 1000;

/**
 * Rates and caps of one process. Buckets that are full again and permits whose leases have lapsed are forgotten.
 * @public
 */
export class MemoryLimitStore implements LimitStore {
  readonly #buckets = new Map<string, KeptBucket>();
  /** By name of the permit, then by owner. */
  readonly #permits = new Map<string, Map<string, HeldPermits>>();
  #operations = 0;

  async take(name: string, terms: BucketTerms, claim: BucketClaim): Promise<BucketGrant> {
    this.#sweep(claim.nowMs);
    const { bucket, granted, waitMs } = takeFromBucket(this.#bucket(name, terms, claim.nowMs), terms, claim);
    this.#keep(name, bucket, terms);
    return { granted, waitMs };
  }

  async correct(name: string, terms: BucketTerms, amount: number, nowMs: number): Promise<void> {
    this.#keep(name, correctedBucket(this.#bucket(name, terms, nowMs), terms, amount, nowMs), terms);
  }

  async hold(permit: string, claim: PermitClaim): Promise<number> {
    this.#sweep(claim.nowMs);
    const owners = this.#permits.get(permit) ?? new Map<string, HeldPermits>();
    let held = 0;
    let heldByOthers = 0;
    for (const [ownerId, { count, untilMs }] of owners) {
      if (untilMs <= claim.nowMs) continue;
      if (ownerId === claim.ownerId) held = count;
      else heldByOthers += count;
    }
    const count = permitsAfterClaim(held, heldByOthers, claim);
    if (count > 0) owners.set(claim.ownerId, { count, untilMs: claim.nowMs + claim.leaseMs });
    else owners.delete(claim.ownerId);
    if (owners.size > 0) this.#permits.set(permit, owners);
    else this.#permits.delete(permit);
    return count;
  }

  async close(): Promise<void> {
    this.#buckets.clear();
    this.#permits.clear();
  }

  #bucket(name: string, terms: BucketTerms, nowMs: number): TokenBucket {
    return this.#buckets.get(name)?.bucket ?? fullBucket(terms, nowMs);
  }

  #keep(name: string, bucket: TokenBucket, terms: BucketTerms): void {
    this.#buckets.set(name, { bucket, fullAtMs: bucketFullAtMs(bucket, terms) });
  }

  #sweep(nowMs: number): void {
    this.#operations += 1;
    if (this.#operations % OPERATIONS_A_SWEEP !== 0) return;
    for (const [name, { fullAtMs }] of this.#buckets) if (fullAtMs <= nowMs) this.#buckets.delete(name);
    for (const [permit, owners] of this.#permits) {
      for (const [ownerId, { untilMs }] of owners) if (untilMs <= nowMs) owners.delete(ownerId);
      if (owners.size === 0) this.#permits.delete(permit);
    }
  }
}
