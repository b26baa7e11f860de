import { equal } from 'node:assert/strict';
import type { LeaseStore } from '../ports/lease-store.ts';
import type { ConformanceCase } from './conformance-case.ts';

/** What the cases need: stores over the same, empty data, and a way to let time pass for them. @public */
export interface LeaseStoreHarness {
  /** So many stores, as different processes would have them; all without any lease. */
  open(count: number): Promise<readonly LeaseStore[]>;
  /** Lets so many milliseconds pass: really, or by the clock that the stores were given. */
  pass(durationMs: number): Promise<void>;
}

type LeaseRule = readonly [
  rule: string,
  check: (one: LeaseStore, two: LeaseStore, pass: LeaseStoreHarness['pass']) => Promise<void>,
];

const LONG_MS = 60_000;
const SHORT_MS = 100;

const RULES: readonly LeaseRule[] = [
  [
    'a lease that somebody has is not given to another',
    async (one, two) => {
      equal(await one.acquire('poll', 'a', LONG_MS), true);
      equal(await two.acquire('poll', 'b', LONG_MS), false);
      equal(await one.acquire('poll', 'b', LONG_MS), false);
    },
  ],
  [
    'leases on different names know nothing of each other',
    async (one, two) => {
      equal(await one.acquire('poll', 'a', LONG_MS), true);
      equal(await two.acquire('poll:b', 'b', LONG_MS), true);
      equal(await two.acquire('', 'b', LONG_MS), true);
    },
  ],
  [
    'a lease that lapsed goes to the next who asks',
    async (one, two, pass) => {
      equal(await one.acquire('poll', 'a', SHORT_MS), true);
      await pass(SHORT_MS * 2);
      equal(await two.acquire('poll', 'b', LONG_MS), true);
      equal(await one.acquire('poll', 'a', LONG_MS), false);
    },
  ],
  [
    'the holder renews its lease, from whichever process',
    async (one, two, pass) => {
      equal(await one.acquire('poll', 'a', SHORT_MS), true);
      equal(await two.acquire('poll', 'a', LONG_MS), true);
      await pass(SHORT_MS * 2);
      equal(await two.acquire('poll', 'b', LONG_MS), false);
    },
  ],
  [
    'a lease that was given back is free at once',
    async (one, two) => {
      await one.acquire('poll', 'a', LONG_MS);
      await one.release('poll', 'a');
      equal(await two.acquire('poll', 'b', LONG_MS), true);
    },
  ],
  [
    "another's lease is not given back, nor one that nobody has",
    async (one, two) => {
      await one.release('poll', 'a');
      await one.acquire('poll', 'a', LONG_MS);
      await two.release('poll', 'b');
      equal(await two.acquire('poll', 'b', LONG_MS), false);
    },
  ],
  [
    'of many that ask at once one gets it',
    async (one, two) => {
      const asked = Array.from({ length: 40 }, (_, index) =>
        (index % 2 === 0 ? one : two).acquire('poll', `holder-${index}`, LONG_MS),
      );
      equal((await Promise.all(asked)).filter(Boolean).length, 1);
    },
  ],
  [
    'closing twice is closing once',
    async (one) => {
      await one.close();
      await one.close();
    },
  ],
];

/** What every {@link LeaseStore} must do. @public */
export function leaseStoreConformance(harness: LeaseStoreHarness): readonly ConformanceCase[] {
  return RULES.map(([name, check]) => ({
    name,
    run: async (): Promise<void> => {
      const stores = await harness.open(2);
      const [one, two] = stores;
      try {
        if (one === undefined || two === undefined) throw new Error('the harness opens as many stores as asked for');
        await check(one, two, (durationMs) => harness.pass(durationMs));
      } finally {
        await Promise.all(stores.map((store) => store.close()));
      }
    },
  }));
}
