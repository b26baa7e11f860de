import { deepEqual, equal, ok } from 'node:assert/strict';
import type { BucketClaim, BucketGrant, BucketTerms, LimitStore, PermitClaim } from '../ports/limit-store.ts';
import { seededRandom } from '../simulator/seeded-random.ts';
import type { ConformanceCase } from './conformance-case.ts';

/** Makes so many stores over the same, empty data, as different processes would have them. @public */
export type OpenLimitStores = (count: number) => Promise<readonly LimitStore[]>;

type LimitRule = readonly [rule: string, check: (one: LimitStore, two: LimitStore) => Promise<void>];

/** One a second. */
const TERMS: BucketTerms = { capacity: 10, perMinute: 60 };
const START_MS = 1_800_000_000_000;

function claim(want: number, nowMs: number = START_MS, least: number = want): BucketClaim {
  return { want, least, nowMs };
}

function permits(ownerId: string, count: number, changes: Partial<PermitClaim> = {}): PermitClaim {
  return { ownerId, count, limit: 10, leaseMs: 1000, nowMs: START_MS, ...changes };
}

/** Fails unless exactly then, and not a millisecond before, the claim would be granted. */
async function comesAfterItsWait(store: LimitStore, bucket: string, wanted: BucketClaim): Promise<void> {
  const { granted, waitMs } = await store.take(bucket, TERMS, wanted);
  equal(granted, 0);
  ok(waitMs > 0, `a wait that is no wait: ${waitMs}`);
  const early = await store.take(bucket, TERMS, { ...wanted, nowMs: wanted.nowMs + Math.ceil(waitMs) - 2 });
  equal(early.granted, 0);
  const later = await store.take(bucket, TERMS, { ...wanted, nowMs: wanted.nowMs + Math.ceil(waitMs) + 1 });
  ok(later.granted >= wanted.least, 'not granted after the wait that was asked for');
}

const BUCKET_RULES: readonly LimitRule[] = [
  [
    'a bucket begins full, and both see what is taken',
    async (one, two) => {
      deepEqual(await one.take('k', TERMS, claim(7)), { granted: 7, waitMs: 0 });
      deepEqual(await two.take('k', TERMS, claim(3)), { granted: 3, waitMs: 0 });
      equal((await one.take('k', TERMS, claim(1))).granted, 0);
      deepEqual(await one.take('other', TERMS, claim(10)), { granted: 10, waitMs: 0 });
    },
  ],
  [
    'a claim that does not fit gets what is there, down to its least',
    async (one) => {
      await one.take('k', TERMS, claim(6));
      deepEqual(await one.take('k', TERMS, claim(8, START_MS, 2)), { granted: 4, waitMs: 0 });
    },
  ],
  [
    'what is refused is not taken',
    async (one) => {
      await one.take('k', TERMS, claim(6));
      equal((await one.take('k', TERMS, claim(5))).granted, 0);
      deepEqual(await one.take('k', TERMS, claim(4)), { granted: 4, waitMs: 0 });
    },
  ],
  [
    'the wait is until the least is there',
    async (one, two) => {
      await one.take('k', TERMS, claim(10));
      await comesAfterItsWait(one, 'k', claim(9, START_MS, 3));
      await two.take('odd', { capacity: 10, perMinute: 7 }, claim(10));
      const { waitMs } = await two.take('odd', { capacity: 10, perMinute: 7 }, claim(1));
      ok(waitMs >= 60_000 / 7 - 1e-6 && waitMs <= 60_000 / 7 + 1, `${waitMs}`);
    },
  ],
  [
    'what never fits never will',
    async (one) => {
      deepEqual(await one.take('k', TERMS, claim(11)), { granted: 0, waitMs: Infinity });
      const frozen: BucketTerms = { capacity: 2, perMinute: 0 };
      await one.take('frozen', frozen, claim(2));
      deepEqual(await one.take('frozen', frozen, claim(1)), { granted: 0, waitMs: Infinity });
    },
  ],
  [
    'a bucket fills to its capacity and no further',
    async (one, two) => {
      await one.take('k', TERMS, claim(10));
      deepEqual(await two.take('k', TERMS, claim(10, START_MS + 86_400_000)), { granted: 10, waitMs: 0 });
      equal((await two.take('k', TERMS, claim(1, START_MS + 86_400_000))).granted, 0);
    },
  ],
  [
    'a clock that goes back fills nothing, nor does coming forward again',
    async (one, two) => {
      await one.take('k', TERMS, claim(10));
      equal((await two.take('k', TERMS, claim(1, START_MS - 60_000))).granted, 0);
      equal((await one.take('k', TERMS, claim(1, START_MS))).granted, 0);
      equal((await one.take('k', TERMS, claim(2, START_MS + 1000))).granted, 0);
    },
  ],
  [
    'what was claimed too much comes back, up to the capacity',
    async (one, two) => {
      await one.take('k', TERMS, claim(8));
      await two.correct('k', TERMS, 5, START_MS);
      deepEqual(await one.take('k', TERMS, claim(7)), { granted: 7, waitMs: 0 });
      await two.correct('k', TERMS, 1000, START_MS);
      equal((await one.take('k', TERMS, claim(11))).granted, 0);
      deepEqual(await one.take('k', TERMS, claim(10)), { granted: 10, waitMs: 0 });
    },
  ],
  [
    'a bucket in debt gives nothing until the debt is paid',
    async (one, two) => {
      await one.take('k', TERMS, claim(10));
      await two.correct('k', TERMS, -20, START_MS);
      equal((await one.take('k', TERMS, claim(1, START_MS + 20_000))).granted, 0);
      await comesAfterItsWait(two, 'k', claim(1, START_MS + 20_000));
    },
  ],
  [
    'a correction of a bucket that nobody took from counts',
    async (one) => {
      await one.correct('k', TERMS, -4, START_MS);
      equal((await one.take('k', TERMS, claim(7))).granted, 0);
      deepEqual(await one.take('k', TERMS, claim(6)), { granted: 6, waitMs: 0 });
    },
  ],
  [
    'other terms hold from the next claim on',
    async (one, two) => {
      await one.take('k', TERMS, claim(2));
      deepEqual(await two.take('k', { capacity: 5, perMinute: 60 }, claim(5)), { granted: 5, waitMs: 0 });
      equal((await two.take('k', TERMS, claim(1))).granted, 0);
    },
  ],
  [
    'a claim with a floor gets what lies above it, and leaves the rest to others',
    async (one, two) => {
      deepEqual(await one.take('k', TERMS, { ...claim(10, START_MS, 1), floor: 4 }), { granted: 6, waitMs: 0 });
      equal((await two.take('k', TERMS, { ...claim(1), floor: 4 })).granted, 0);
      await comesAfterItsWait(one, 'k', { ...claim(2), floor: 4 });
      deepEqual(await two.take('k', TERMS, claim(4, START_MS + 2001)), { granted: 4, waitMs: 0 });
      deepEqual(await one.take('k', TERMS, { ...claim(7), floor: 4 }), { granted: 0, waitMs: Infinity });
    },
  ],
  ['no span of time gives more than the capacity and what came in', neverMoreThanCameIn],
];

async function neverMoreThanCameIn(one: LimitStore, two: LimitStore): Promise<void> {
  const random = seededRandom(7);
  const terms: BucketTerms = { capacity: 25, perMinute: 90 };
  const grants: { readonly atMs: number; readonly granted: number }[] = [];
  let nowMs = START_MS;
  for (let step = 0; step < 200; step += 1) {
    nowMs += Math.floor(random.fraction() ** 4 * 20_000);
    const want = 1 + Math.floor(random.fraction() * 12);
    const least = 1 + Math.floor(random.fraction() * want);
    // oxlint-disable-next-line no-await-in-loop -- one after the other is the point
    const grant = await (step % 2 === 0 ? one : two).take('k', terms, { want, least, nowMs });
    checkGrant(grant, want, least);
    grants.push({ atMs: nowMs, granted: grant.granted });
  }
  for (let first = 0; first < grants.length; first += 1) {
    let sum = 0;
    for (const { atMs, granted } of grants.slice(first)) {
      sum += granted;
      const cameIn = ((atMs - (grants[first]?.atMs ?? 0)) * terms.perMinute) / 60_000;
      ok(sum <= terms.capacity + cameIn + 1e-6, `${sum} in a span that allows ${terms.capacity + cameIn}`);
    }
  }
  ok(grants.filter(({ granted }) => granted > 0).length > 40, 'hardly anything was granted');
}

function checkGrant({ granted, waitMs }: BucketGrant, want: number, least: number): void {
  if (granted === 0) ok(waitMs > 0, 'refused without a wait');
  else ok(granted >= least && granted <= want && waitMs === 0, `${granted} of ${least} to ${want}, wait ${waitMs}`);
}

const PERMIT_RULES: readonly LimitRule[] = [
  [
    'permits of all owners together never pass the limit',
    async (one, two) => {
      equal(await one.hold('k', permits('a', 6)), 6);
      equal(await two.hold('k', permits('b', 6)), 4);
      equal(await two.hold('k', permits('c', 1)), 0);
      equal(await two.hold('other', permits('c', 1)), 1);
    },
  ],
  [
    'fewer gives the rest back',
    async (one, two) => {
      equal(await one.hold('k', permits('a', 10)), 10);
      equal(await one.hold('k', permits('a', 3)), 3);
      equal(await two.hold('k', permits('b', 10)), 7);
      equal(await one.hold('k', permits('a', 0)), 0);
      equal(await two.hold('k', permits('b', 10)), 10);
    },
  ],
  [
    'nobody is left with fewer than it held, also when the limit falls',
    async (one, two) => {
      equal(await one.hold('k', permits('a', 6)), 6);
      equal(await two.hold('k', permits('b', 4)), 4);
      equal(await one.hold('k', permits('a', 8, { limit: 5 })), 6);
      equal(await two.hold('k', permits('b', 4, { limit: 5 })), 4);
      equal(await two.hold('k', permits('c', 1, { limit: 5 })), 0);
    },
  ],
  [
    'the permits of a dead owner come back when its lease ends',
    async (one, two) => {
      equal(await one.hold('k', permits('a', 10)), 10);
      equal(await two.hold('k', permits('b', 10, { nowMs: START_MS + 999 })), 0);
      equal(await two.hold('k', permits('b', 10, { nowMs: START_MS + 1001 })), 10);
      equal(await one.hold('k', permits('a', 10, { nowMs: START_MS + 1002 })), 0);
    },
  ],
  [
    'claiming again renews the lease',
    async (one, two) => {
      await one.hold('k', permits('a', 6));
      equal(await one.hold('k', permits('a', 6, { nowMs: START_MS + 900 })), 6);
      equal(await two.hold('k', permits('b', 10, { nowMs: START_MS + 1500 })), 4);
    },
  ],
  [
    'many at once never hold more than the limit',
    async (one, two) => {
      const held = await Promise.all(
        Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? one : two).hold('k', permits(`owner-${index}`, 3))),
      );
      equal(
        held.reduce((sum, count) => sum + count, 0),
        10,
      );
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

/** What every {@link LimitStore} must do. @public */
export function limitStoreConformance(open: OpenLimitStores): readonly ConformanceCase[] {
  return [...BUCKET_RULES, ...PERMIT_RULES].map(([name, check]) => ({
    name,
    run: async (): Promise<void> => {
      const stores = await open(2);
      const [one, two] = stores;
      try {
        if (one === undefined || two === undefined) throw new Error('as many stores are opened as asked for');
        await check(one, two);
      } finally {
        await Promise.all(stores.map((store) => store.close()));
      }
    },
  }));
}
