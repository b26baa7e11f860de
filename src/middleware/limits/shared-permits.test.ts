import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { PermitClaim } from '../../ports/limit-store.ts';
import { MemoryLimitStore } from '../../stores/memory/memory-limit-store.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { SharedPermits } from './shared-permits.ts';

class WatchedStore extends MemoryLimitStore {
  claims: PermitClaim[] = [];
  trouble: 'none' | 'before' | 'after' = 'none';
  /** Does its work at once and answers later. */
  isSlow = false;

  override async hold(permit: string, claim: PermitClaim): Promise<number> {
    this.claims.push(claim);
    const { trouble } = this;
    if (trouble === 'before') throw new Error('the store is gone');
    const count = await super.hold(permit, claim);
    if (this.isSlow) await settled();
    if (trouble === 'after') throw new Error('the answer is lost');
    return count;
  }
}

function permitsOn(store: MemoryLimitStore, clock: FakeClock, limit: number, count: number): readonly SharedPermits[] {
  return Array.from({ length: count }, (_, index) => new SharedPermits('k', limit, `owner-${index}`, { store, clock }));
}

/** Lets everything under way come to its end. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('as many as the cap at once, in one process or in several', async () => {
  const [one, two] = permitsOn(new MemoryLimitStore(), new FakeClock(), 2, 2) as [SharedPermits, SharedPermits];
  const admitted = await Promise.all([one, one, one, two, two].map(async (permits) => permits.acquire(2)));
  expect(admitted.filter(Boolean)).toHaveLength(2);
});

test('a small cap is free for the other processes as soon as a call ends', async () => {
  const [one, two] = permitsOn(new MemoryLimitStore(), new FakeClock(), 1, 2) as [SharedPermits, SharedPermits];
  for (let call = 0; call < 6; call += 1) {
    const permits = call % 2 === 0 ? one : two;
    expect(await permits.acquire(1)).toBe(true);
    permits.release();
    await settled();
  }
});

test('under a large cap most calls ask nobody, and what idles goes back within two ticks', async () => {
  const store = new WatchedStore();
  const [one, two] = permitsOn(store, new FakeClock(), 100, 2) as [SharedPermits, SharedPermits];
  for (let call = 0; call < 100; call += 1) {
    await one.acquire(100);
    one.release();
  }
  expect(store.claims).toHaveLength(1);
  const all = await Promise.all(Array.from({ length: 100 }, async () => two.acquire(100)));
  expect(all.filter(Boolean)).toHaveLength(94);
  await one.tick();
  await one.tick();
  await one.tick();
  expect(await one.acquire(100)).toBe(true);
});

test('a lease is renewed while calls are under way; one that lapsed admits nobody', async () => {
  const clock = new FakeClock();
  const store = new WatchedStore();
  const [one, two] = permitsOn(store, clock, 2, 2) as [SharedPermits, SharedPermits];
  await one.acquire(2);
  await one.acquire(2);
  for (let second = 0; second < 20; second += 1) {
    clock.advance(1000);
    await one.tick();
  }
  expect(await two.acquire(2)).toBe(false);
  // The process stands still past its lease: its permits go to another one, and it must not admit with them.
  clock.advance(11_000);
  expect(await two.acquire(2)).toBe(true);
  one.release();
  await settled();
  expect(await one.acquire(2)).toBe(false);
});

test('a full cap is not asked for with every call', async () => {
  const clock = new FakeClock();
  const store = new WatchedStore();
  const [one, two] = permitsOn(store, clock, 1, 2) as [SharedPermits, SharedPermits];
  await one.acquire(1);
  for (let call = 0; call < 10; call += 1) expect(await two.acquire(1)).toBe(false);
  expect(store.claims).toHaveLength(2);
  one.release();
  await settled();
  clock.advance(11);
  expect(await two.acquire(1)).toBe(true);
});

test('when the store fails, what is held admits and the rest is refused', async () => {
  const store = new WatchedStore();
  const [permits] = permitsOn(store, new FakeClock(), 20, 1) as [SharedPermits];
  await permits.acquire(20);
  store.trouble = 'before';
  expect(await permits.acquire(20)).toBe(true);
  await expect(permits.acquire(20)).rejects.toThrow('the store is gone');
  store.trouble = 'none';
  expect(await permits.acquire(20)).toBe(true);
});

test('what is being given back is not used while the answer is on its way', async () => {
  const store = new WatchedStore();
  const [one, two] = permitsOn(store, new FakeClock(), 20, 2) as [SharedPermits, SharedPermits];
  await one.acquire(20);
  store.isSlow = true;
  const givingBack = one.tick();
  await Promise.resolve();
  const late = one.acquire(20);
  const others = Array.from({ length: 19 }, async () => two.acquire(20));
  const admitted = await Promise.all([late, ...others]);
  await givingBack;
  expect(admitted.filter(Boolean)).toHaveLength(19);
});

const step = fc.record({
  process: fc.nat({ max: 2 }),
  act: fc.constantFrom('acquire', 'acquire', 'release', 'release', 'tick', 'settle'),
  elapsedMs: fc.oneof(fc.constant(0), fc.nat({ max: 1000 })),
  trouble: fc.constantFrom('none', 'none', 'none', 'none', 'before', 'after'),
});

test.each([1, 3, 40])('never more than %i under way, and none is lost, whatever fails', async (limit) => {
  const run = async (
    steps: readonly (typeof step extends fc.Arbitrary<infer Step> ? Step : never)[],
  ): Promise<void> => {
    const clock = new FakeClock();
    const store = new WatchedStore();
    const processes = permitsOn(store, clock, limit, 3);
    const underWay = [0, 0, 0];
    const most = { count: 0 };
    const waits: Promise<void>[] = [];
    for (const { process, act, elapsedMs, trouble } of steps) {
      clock.advance(elapsedMs);
      // Every process ticks in time: a lapsed lease is tested apart.
      store.trouble = 'none';
      await Promise.all(processes.map((permits) => permits.tick()));
      store.trouble = trouble;
      const permits = processes[process] as SharedPermits;
      if (act === 'acquire') {
        const entering = async (): Promise<void> => {
          try {
            if (await permits.acquire(limit)) underWay[process] = (underWay[process] ?? 0) + 1;
          } catch {
            // the fault of the schedule
          }
          most.count = Math.max(
            most.count,
            underWay.reduce((sum, one) => sum + one, 0),
          );
        };
        waits.push(entering());
      } else if (act === 'release' && (underWay[process] ?? 0) > 0) {
        underWay[process] = (underWay[process] ?? 0) - 1;
        permits.release();
      } else if (act === 'settle') await settled();
    }
    store.trouble = 'none';
    await Promise.all(waits);
    expect(most.count).toBeLessThanOrEqual(limit);
    for (const [process, permits] of processes.entries()) {
      for (let call = underWay[process] ?? 0; call > 0; call -= 1) permits.release();
    }
    await settled();
    await Promise.all(processes.map((permits) => permits.close()));
    clock.advance(10_000);
    const claim = { ownerId: 'new', count: limit, limit, leaseMs: 1000, nowMs: clock.nowMs() };
    expect(await store.hold('k', claim)).toBe(limit);
  };
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), run), { numRuns: 100 });
});
