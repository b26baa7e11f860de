import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LimitStore } from '../../ports/limit-store.ts';
import { MemoryLimitStore } from '../../stores/memory/memory-limit-store.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { SharedBucket } from './shared-bucket.ts';

/** A store that counts what it is asked and can be made to fail, before or after it has done its work. */
class WatchedStore extends MemoryLimitStore {
  asked = 0;
  trouble: 'none' | 'before' | 'after' = 'none';

  override async take(...claim: Parameters<LimitStore['take']>): ReturnType<LimitStore['take']> {
    return this.#watched(() => super.take(...claim));
  }

  override async correct(...correction: Parameters<LimitStore['correct']>): Promise<void> {
    return this.#watched(() => super.correct(...correction));
  }

  async #watched<Result>(work: () => Promise<Result>): Promise<Result> {
    this.asked += 1;
    const { trouble } = this;
    if (trouble === 'before') throw new Error('the store is gone');
    const result = await work();
    if (trouble === 'after') throw new Error('the answer is lost');
    return result;
  }
}

function bucketsOn(store: LimitStore, clock: FakeClock, perMinute: number, count: number): readonly SharedBucket[] {
  return Array.from({ length: count }, () => new SharedBucket('k', perMinute, { store, clock }));
}

test('a small rate is given to the last request, by whichever process', async () => {
  const [one, two] = bucketsOn(new MemoryLimitStore(), new FakeClock(), 3, 2) as [SharedBucket, SharedBucket];
  expect(await one.take(1, 3)).toBeUndefined();
  expect(await two.take(1, 3)).toBeUndefined();
  expect(await one.take(1, 3)).toBeUndefined();
  expect(await two.take(1, 3)).toEqual({ waitMs: 20_000, remaining: 0 });
});

test('most calls under a large rate ask nobody', async () => {
  const store = new WatchedStore();
  const [bucket] = bucketsOn(store, new FakeClock(), 6000, 1) as [SharedBucket];
  for (let call = 0; call < 900; call += 1) await bucket.take(1, 6000);
  expect(store.asked).toBe(3);
});

test('those who come at once share one question', async () => {
  const store = new WatchedStore();
  const [bucket] = bucketsOn(store, new FakeClock(), 100, 1) as [SharedBucket];
  const answers = await Promise.all(Array.from({ length: 150 }, async () => bucket.take(1, 100)));
  expect(answers.filter((shortage) => shortage === undefined)).toHaveLength(100);
  expect(store.asked).toBeLessThan(5);
});

test('what was refused is refused again without asking, until something is given back', async () => {
  const store = new WatchedStore();
  const [bucket] = bucketsOn(store, new FakeClock(), 10, 1) as [SharedBucket];
  await bucket.take(10, 10);
  await bucket.take(5, 10);
  const { asked } = store;
  expect(await bucket.take(6, 10)).toEqual({ waitMs: 36_000, remaining: 0 });
  expect(store.asked).toBe(asked);
  bucket.correct(6);
  expect(await bucket.take(6, 10)).toBeUndefined();
});

test('more than the bucket holds is given when it is full, and paid for by waiting', async () => {
  const clock = new FakeClock();
  const [bucket, other] = bucketsOn(new MemoryLimitStore(), clock, 100, 2) as [SharedBucket, SharedBucket];
  expect(await bucket.take(250, 100)).toBeUndefined();
  await bucket.tick();
  expect(await other.take(1, 100)).toEqual({ waitMs: 90_600, remaining: 0 });
  clock.advance(60_000);
  expect(await other.take(250, 100)).toMatchObject({ waitMs: 90_000 });
});

test('a slice that idles is with the others after a second', async () => {
  const clock = new FakeClock();
  const [one, two] = bucketsOn(new MemoryLimitStore(), clock, 600, 2) as [SharedBucket, SharedBucket];
  await one.take(1, 600);
  expect(await two.take(590, 600)).toBeDefined();
  clock.advance(1001);
  await one.tick();
  expect(await two.take(589, 600)).toBeUndefined();
});

test('slices that were taken a second ago and a full bucket are no more than the limit', async () => {
  const clock = new FakeClock();
  const buckets = bucketsOn(new MemoryLimitStore(), clock, 6000, 3);
  for (const bucket of buckets) await bucket.take(1, 6000);
  clock.advance(1000);
  let given = 0;
  for (const bucket of buckets) while ((await bucket.take(1, 6000)) === undefined) given += 1;
  expect(given).toBeGreaterThan(5900);
  expect(given).toBeLessThanOrEqual(6000);
});

test('when the store fails, the slice is used up and then calls are refused', async () => {
  const store = new WatchedStore();
  const [bucket] = bucketsOn(store, new FakeClock(), 6000, 1) as [SharedBucket];
  await bucket.take(1, 6000);
  store.trouble = 'before';
  for (let call = 0; call < 299; call += 1) expect(await bucket.take(1, 6000)).toBeUndefined();
  await expect(bucket.take(1, 6000)).rejects.toThrow('the store is gone');
  store.trouble = 'none';
  expect(await bucket.take(1, 6000)).toBeUndefined();
});

test('a debt that the store did not hear of is told again; what was to be given back is not', async () => {
  const store = new WatchedStore();
  const clock = new FakeClock();
  const [bucket, other] = bucketsOn(store, clock, 100, 2) as [SharedBucket, SharedBucket];
  await bucket.take(50, 100);
  store.trouble = 'before';
  bucket.correct(-40);
  await expect(bucket.tick()).rejects.toThrow();
  store.trouble = 'none';
  await bucket.tick();
  expect(await other.take(20, 100)).toMatchObject({ remaining: 10 });
  store.trouble = 'after';
  bucket.correct(5);
  await expect(bucket.tick()).rejects.toThrow();
  store.trouble = 'none';
  await bucket.tick();
  clock.advance(250);
  expect(await other.take(20, 100)).toMatchObject({ remaining: 15 });
});

const step = fc.record({
  process: fc.nat({ max: 2 }),
  elapsedMs: fc.oneof(fc.constant(0), fc.nat({ max: 300 }), fc.nat({ max: 20_000 })),
  amount: fc.integer({ min: 1, max: 400 }),
  act: fc.constantFrom('take', 'take', 'take', 'tick'),
  trouble: fc.constantFrom('none', 'none', 'none', 'none', 'before', 'after'),
});

test.each([50, 700, 6000])(
  'no span gives more than %i and what comes in, on three processes, with faults',
  async (rate) => {
    const schedule = fc.array(step, { minLength: 20, maxLength: 120 });
    const run = async (
      steps: readonly (typeof step extends fc.Arbitrary<infer Step> ? Step : never)[],
    ): Promise<void> => {
      const store = new WatchedStore();
      const clock = new FakeClock();
      const buckets = bucketsOn(store, clock, rate, 3);
      const grants: { readonly atMs: number; readonly amount: number }[] = [];
      for (const { process, elapsedMs, amount, act, trouble } of steps) {
        clock.advance(elapsedMs);
        store.trouble = trouble;
        const bucket = buckets[process] as SharedBucket;
        const fitting = Math.min(amount, Math.floor(rate / 2));
        try {
          if (act === 'tick') await bucket.tick();
          else if ((await bucket.take(fitting, rate)) === undefined)
            grants.push({ atMs: clock.nowMs(), amount: fitting });
        } catch {
          // the fault of the schedule
        }
      }
      for (const [first, { atMs }] of grants.entries()) {
        let sum = 0;
        for (const grant of grants.slice(first)) {
          sum += grant.amount;
          expect(sum * 60_000).toBeLessThanOrEqual(rate * (60_000 + grant.atMs - atMs));
        }
      }
    };
    await fc.assert(fc.asyncProperty(schedule, run), { numRuns: 150 });
  },
);

test('all that was given and not used is there again when all processes have closed', async () => {
  const amounts = fc.array(fc.record({ process: fc.nat({ max: 2 }), amount: fc.integer({ min: 1, max: 900 }) }));
  await fc.assert(
    fc.asyncProperty(amounts, async (calls) => {
      const store = new MemoryLimitStore();
      const clock = new FakeClock();
      const buckets = bucketsOn(store, clock, 1000, 3);
      await Promise.all(
        calls.map(async ({ process, amount }) => {
          const bucket = buckets[process] as SharedBucket;
          if ((await bucket.take(amount, 1000)) === undefined) bucket.correct(amount);
        }),
      );
      await Promise.all(buckets.map((bucket) => bucket.close()));
      const claim = { want: 983, least: 983, nowMs: clock.nowMs() };
      expect(await store.take('k', { capacity: 983, perMinute: 1000 }, claim)).toEqual({ granted: 983, waitMs: 0 });
    }),
    { numRuns: 100 },
  );
});
