import { equal } from 'node:assert/strict';
import { isFarthingError } from '../core/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { LedgerOwner, SpendingQuery, SpendingReader } from '../ports/ledger.ts';
import { collect } from './collect.ts';
import { FakeClock } from './fake-clock.ts';
import type { ReadableLedger } from './ledger-conformance.ts';

/** A ledger that several owners write and budgets count. @public */
export type OwnedLedger = ReadableLedger & LedgerOwner & SpendingReader;

/** Where the owners of one rule keep their rows; empty at first. @public */
export interface LedgerStorage {
  /** Opens the ledger as one more owner, with a lease of `leaseMs` that is judged by `clock`. */
  open(owner: { readonly clock: Clock; readonly leaseMs: number }): Promise<OwnedLedger>;
  /** Called when the rule is done and every ledger is closed. */
  close(): Promise<void>;
}

/** One rule's owners. */
interface OwnerStage {
  readonly clock: FakeClock;
  readonly open: () => Promise<OwnedLedger>;
  /** Lets the lease of the first run out and the second end it. Says how many intents became charges. */
  readonly endFirst: (first: OwnedLedger, second: OwnedLedger) => Promise<number>;
}

/** A rule and how it is checked. @internal */
export type OwnerRule = readonly [rule: string, check: (stage: OwnerStage) => Promise<void>];

/** So long that no timer fires within a rule, on the slowest machine. @internal */
export const LEASE_MS = 3_600_000;

/** Ids of a call and its first attempt. @internal */
export function callIds(callId: string): { readonly callId: string; readonly chargeId: string } {
  return { callId, chargeId: `${callId}.1` };
}

/** The error of a ledger that does not take a row. @internal */
export function isUnavailable(error: unknown): boolean {
  return isFarthingError(error) && error.code === 'store-unavailable';
}

/** What an owner's rows sum to. @internal */
export async function spentBy(ledger: OwnedLedger, ownerId: string): Promise<number> {
  const rows = await collect(ledger.spending({ ownerId }));
  return rows.reduce((sum, row) => sum + row.amountNanoUsd, 0);
}

/** Amounts in ascending order. @internal */
export async function amounts(ledger: OwnedLedger, query: SpendingQuery): Promise<readonly number[]> {
  const rows = await collect(ledger.spending(query));
  return rows.map((row): number => row.amountNanoUsd).toSorted((left, right) => left - right);
}

/** Living owners in a fixed order. @internal */
export async function living(ledger: OwnedLedger): Promise<readonly string[]> {
  return (await ledger.livingOwners()).toSorted();
}

/** Opens owners for one rule and closes them behind it. @internal */
export async function runRule(storage: LedgerStorage, check: OwnerRule[1]): Promise<void> {
  const clock = new FakeClock();
  const opened: OwnedLedger[] = [];
  try {
    await check({
      clock,
      open: async () => {
        const ledger = await storage.open({ clock, leaseMs: LEASE_MS });
        opened.push(ledger);
        return ledger;
      },
      endFirst: async (first, second) => {
        const { ownerId } = first;
        clock.advance(LEASE_MS - 1);
        await second.recover(clock.nowMs());
        clock.advance(1);
        const turned = await second.recover(clock.nowMs());
        equal((await second.livingOwners()).includes(ownerId), false);
        return turned;
      },
    });
  } finally {
    await Promise.allSettled(opened.map((ledger) => ledger.close()));
    await storage.close();
  }
}
