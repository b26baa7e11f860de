import { nanoUsd, type NanoUsd, ZERO_USD } from '../money.ts';

/** Amounts by bucket of the budget's window. Keys are bucket numbers as text; see `windowPosition`. @public */
export type BucketAmounts = Readonly<Record<string, NanoUsd>>;

/** What one owner (a process) has to do with an account. @public */
export interface OwnerShare {
  /** The highest sequence number that was applied. */
  readonly sequence: number;
  /** The slice: money held for the owner, spent or not yet. */
  readonly heldNanoUsd: NanoUsd;
  /** What the owner has reported as spent since it joined. */
  readonly settled: BucketAmounts;
}

/**
 * One account as a store keeps it. Used is the sum of `base` and of all owners' `settled` in the buckets of the window; held is the sum of
 * all slices. Used and held together never pass the limit, but for bills above their bound.
 * @public
 */
export interface AccountState {
  /** Spent by owners that are gone, and adjustments. */
  readonly base: BucketAmounts;
  readonly owners: Readonly<Record<string, OwnerShare>>;
  /** Owners that were folded, with the time it happened: what they send late is refused, and folding again does nothing. */
  readonly folded: Readonly<Record<string, number>>;
  /** First bucket of the window. Never goes back, so that a clock that does cannot bring spent money back to life. */
  readonly floorBucket: number;
  /** The bucket in which each alert ratio was last crossed. */
  readonly alerts: BucketAmounts;
  /** Until when owners should hold no more than they need, since somebody was refused for what others hold. */
  readonly pressureUntilMs: number;
}

/** An account that nothing happened on. @public */
export const EMPTY_ACCOUNT: AccountState = {
  base: {},
  owners: {},
  folded: {},
  floorBucket: Number.MIN_SAFE_INTEGER,
  alerts: {},
  pressureUntilMs: 0,
};

/** One exchange between an owner and an account: what was spent, what is still held, what more is needed. @public */
export interface ExchangeRequest {
  readonly ownerId: string;
  /** Above that of every exchange the owner has sent on this account, tries whose answer was lost included; the first is 1. */
  readonly sequence: number;
  /** The owner's last sequence number that was answered; 0 for none. An account that does not know it any more has lost money. */
  readonly acknowledgedSequence: number;
  readonly nowMs: number;
  /** First bucket of the window now. */
  readonly floorBucket: number;
  /**
   * Up to which first bucket of the account the owner's clock is good enough: where the account's window is further on, a clock that is behind
   * would spend in a window that is over, and gets nothing. The same as `floorBucket` for calendar windows, one more for rolling ones, whose
   * buckets expire late.
   */
  readonly latestFloorBucket: number;
  /** Bucket of now, for alerts. */
  readonly bucket: number;
  readonly limitNanoUsd: NanoUsd;
  /** Whether the limit is enforced; a soft budget's owners hold nothing. */
  readonly isHard: boolean;
  readonly alertAtRatios: readonly number[];
  /** All that the owner has spent since it joined, by bucket; buckets before the window may be left out. */
  readonly settled: BucketAmounts;
  /** What the owner must go on holding: promised to calls, or kept of its slice. */
  readonly keepNanoUsd: NanoUsd;
  /** What it needs on top for a call that waits; 0 for none. All or nothing. */
  readonly neededNanoUsd: NanoUsd;
  /** What it would like on top of that, for calls to come. Given in part or not at all. */
  readonly wishNanoUsd: NanoUsd;
}

/** What an account answers. @public */
export type ExchangeReply =
  | {
      readonly kind: 'held';
      /** The owner's slice from now on: `keep`, and `needed` where it fitted, and a part of the wish. */
      readonly heldNanoUsd: NanoUsd;
      /** Whether `needed` was given. */
      readonly isGranted: boolean;
      /** Spent in the window, this owner's share included. */
      readonly usedNanoUsd: NanoUsd;
      /** Held for the others. */
      readonly otherHeldNanoUsd: NanoUsd;
      /** Whether owners should give back what they do not need. */
      readonly isUnderPressure: boolean;
      /** Alert ratios that this exchange crossed. */
      readonly crossedRatios: readonly number[];
      /** The oldest bucket of the window with money in it; undefined when nothing was spent. */
      readonly oldestBucket: number | undefined;
    }
  /** A later exchange of the owner has been applied already: this one came late and did nothing. */
  | { readonly kind: 'superseded' }
  /** The owner was taken for dead and its money settled by the ledger: it must join again under another id. */
  | { readonly kind: 'fenced' }
  /** The store has lost what it had acknowledged: all counters must be built again. */
  | { readonly kind: 'lost' };

/** For how long a refusal makes owners give back what they do not need, in milliseconds: longer than a call may wait. */
const PRESSURE_MS = 5000;

/** Of what is left an owner gets at the most this share beyond its need, so that the last money is not stuck in idle slices. */
const WISH_SHARE = 4;

/** A sum that stays a safe integer: no limit is above nine million dollars, and what is more than that counts as that. */
function clamped(sum: number): NanoUsd {
  return nanoUsd(Math.min(sum, Number.MAX_SAFE_INTEGER));
}

/** A sum in the window: from `floorBucket` on. @internal */
export function sumFrom(amounts: BucketAmounts, floorBucket: number): number {
  let sum = 0;
  for (const bucket in amounts) if (Number(bucket) >= floorBucket) sum += amounts[bucket] ?? 0;
  return sum;
}

/** What was spent in the window as the store knows it. @public */
export function usedOf(state: AccountState, floorBucket: number = state.floorBucket): NanoUsd {
  let used = sumFrom(state.base, floorBucket);
  for (const ownerId in state.owners) used += sumFrom(state.owners[ownerId]?.settled ?? {}, floorBucket);
  return clamped(used);
}

/** What is held for owners, without `exceptOwnerId`. @public */
export function heldOf(state: AccountState, exceptOwnerId?: string): NanoUsd {
  let held = 0;
  for (const ownerId in state.owners) {
    if (ownerId !== exceptOwnerId) held += state.owners[ownerId]?.heldNanoUsd ?? 0;
  }
  return nanoUsd(held);
}

/**
 * Carries out one exchange. A request states all that is so (what was spent since the owner joined, what it holds), so that one whose answer
 * was lost is made good by the next. Every store does exactly this, atomically for each account.
 * @public
 */
export function exchange(
  state: AccountState,
  request: ExchangeRequest,
): { readonly state: AccountState; readonly reply: ExchangeReply } {
  const { ownerId, sequence } = request;
  const share = state.owners[ownerId];
  if (state.folded[ownerId] !== undefined) return { state, reply: { kind: 'fenced' } };
  const last = share?.sequence ?? 0;
  if (last < request.acknowledgedSequence) return { state, reply: { kind: 'lost' } };
  if (sequence <= last) return { state, reply: { kind: 'superseded' } };
  const floorBucket = Math.max(state.floorBucket, request.floorBucket);
  const own: OwnerShare = { sequence, heldNanoUsd: request.keepNanoUsd, settled: within(request.settled, floorBucket) };
  const next: AccountState = {
    ...state,
    floorBucket,
    base: within(state.base, floorBucket),
    owners: { ...state.owners, [ownerId]: own },
  };
  const used = usedOf(next);
  const others = heldOf(next, ownerId);
  const isBehind = state.floorBucket > request.latestFloorBucket;
  const grant = grantOf(request, used, others, { isBehind, isUnderPressure: request.nowMs < state.pressureUntilMs });
  const pressureUntilMs =
    grant.isGranted || isBehind || !request.isHard
      ? state.pressureUntilMs
      : Math.max(state.pressureUntilMs, request.nowMs + PRESSURE_MS);
  const crossedRatios = crossed(next, request, used);
  return {
    state: {
      ...next,
      owners: { ...next.owners, [ownerId]: { ...own, heldNanoUsd: grant.held } },
      alerts: crossedRatios.length === 0 ? next.alerts : withAlerts(next.alerts, crossedRatios, request.bucket),
      pressureUntilMs,
    },
    reply: {
      kind: 'held',
      heldNanoUsd: grant.held,
      isGranted: grant.isGranted,
      usedNanoUsd: used,
      otherHeldNanoUsd: others,
      isUnderPressure: request.nowMs < pressureUntilMs,
      crossedRatios,
      oldestBucket: oldestOf(next),
    },
  };
}

function grantOf(
  request: ExchangeRequest,
  used: number,
  others: number,
  { isBehind, isUnderPressure }: { readonly isBehind: boolean; readonly isUnderPressure: boolean },
): { readonly held: NanoUsd; readonly isGranted: boolean } {
  const { keepNanoUsd, neededNanoUsd, wishNanoUsd } = request;
  if (!request.isHard) return { held: ZERO_USD, isGranted: true };
  if (isBehind) return { held: keepNanoUsd, isGranted: neededNanoUsd === 0 };
  const available = request.limitNanoUsd - used - others - keepNanoUsd;
  if (neededNanoUsd > 0 && neededNanoUsd > available) return { held: keepNanoUsd, isGranted: false };
  const left = Math.max(0, available - neededNanoUsd);
  const extra = isUnderPressure ? 0 : Math.min(wishNanoUsd, Math.floor(left / WISH_SHARE));
  return { held: nanoUsd(keepNanoUsd + neededNanoUsd + extra), isGranted: true };
}

function crossed(state: AccountState, request: ExchangeRequest, used: number): readonly number[] {
  return request.alertAtRatios.filter((ratio) => {
    const firedAt = state.alerts[ratio];
    if (firedAt !== undefined && firedAt >= state.floorBucket) return false;
    return used >= ratio * request.limitNanoUsd;
  });
}

function withAlerts(alerts: BucketAmounts, ratios: readonly number[], bucket: number): BucketAmounts {
  return { ...alerts, ...Object.fromEntries(ratios.map((ratio) => [String(ratio), bucket as NanoUsd])) };
}

/** The buckets of the window; the same object when all are. */
function within(amounts: BucketAmounts, floorBucket: number): BucketAmounts {
  for (const bucket in amounts) {
    if (Number(bucket) < floorBucket) {
      return Object.fromEntries(Object.entries(amounts).filter(([each]) => Number(each) >= floorBucket));
    }
  }
  return amounts;
}

/** The oldest bucket of the window with money in it; undefined when nothing was spent. @internal */
export function oldestOf(state: AccountState, floorBucket: number = state.floorBucket): number | undefined {
  let oldest: number | undefined;
  const look = (amounts: BucketAmounts): void => {
    for (const bucket in amounts) {
      const number = Number(bucket);
      if (number >= floorBucket && (amounts[bucket] ?? 0) > 0 && (oldest === undefined || number < oldest))
        oldest = number;
    }
  };
  look(state.base);
  for (const ownerId in state.owners) look(state.owners[ownerId]?.settled ?? {});
  return oldest;
}

/** For how long an account remembers which owners were folded, in milliseconds: what one sends later than this was never on its way. */
const FOLDED_MEMORY_MS = 7 * 24 * 3_600_000;

/**
 * Ends an owner's part: its slice goes, and what it spent becomes part of the base. Folding it again does nothing.
 * @param totals - what the owner spent since it joined, as the ledger says.
 * @public
 */
export function foldOwner(state: AccountState, ownerId: string, totals: BucketAmounts, nowMs: number): AccountState {
  if (state.folded[ownerId] !== undefined) return state;
  const { [ownerId]: _gone, ...owners } = state.owners;
  const remembered = Object.entries(state.folded).filter(([, atMs]) => atMs > nowMs - FOLDED_MEMORY_MS);
  return {
    ...state,
    base: plus(state.base, within(totals, state.floorBucket)),
    owners,
    folded: { ...Object.fromEntries(remembered), [ownerId]: nowMs },
  };
}

/** Adds amounts to the base: an adjustment, which may be negative. @public */
export function adjustAccount(state: AccountState, amounts: BucketAmounts): AccountState {
  return { ...state, base: plus(state.base, within(amounts, state.floorBucket)) };
}

/** The amounts that bring what is used to nothing, by bucket. @public */
export function clearingAmounts(state: AccountState): BucketAmounts {
  const used = Object.values(state.owners).reduce((sum, share) => plus(sum, share.settled), state.base);
  return Object.fromEntries(
    Object.entries(within(used, state.floorBucket)).map(([bucket, amount]) => [bucket, nanoUsd(0 - amount)]),
  );
}

/** Adds amounts bucket by bucket. @public */
export function plus(left: BucketAmounts, right: BucketAmounts): BucketAmounts {
  const sum: Record<string, NanoUsd> = { ...left };
  for (const bucket in right) sum[bucket] = clamped((sum[bucket] ?? 0) + (right[bucket] ?? 0));
  return sum;
}
