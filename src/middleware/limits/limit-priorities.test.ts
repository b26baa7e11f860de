import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isFarthingError } from '../../core/errors.ts';
import type { CallLimits } from '../../core/limit/call-limits.ts';
import type { CallPriority } from '../../core/model/call-priority.ts';
import { seededRandom } from '../../simulator/seeded-random.ts';
import { MemoryLimitStore } from '../../stores/memory/memory-limit-store.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { type Admission, CallLimiter } from './call-limiter.ts';

interface Stage {
  readonly clock: FakeClock;
  readonly limiters: readonly CallLimiter[];
  /** Lets a call in, or undefined where it is refused. */
  enter(priority: CallPriority, tokens?: number, process?: number): Promise<Admission | undefined>;
}

function stage(limits: CallLimits, processes = 1): Stage {
  const store = new MemoryLimitStore();
  const clock = new FakeClock();
  const limiters = Array.from({ length: processes }, (_process, index) => {
    const events = { emit: (): void => undefined };
    const random = seededRandom(index + 1);
    return new CallLimiter({ store, projects: new Map(), ownerId: 'o', clock, random, events, tickMs: 0 });
  });
  const enter: Stage['enter'] = async (priority, tokens = 0, process = 0) => {
    try {
      return await limiters[process]?.admit({ project: 'p', keyId: 'k', limits, priority }, tokens);
    } catch (error) {
      if (isFarthingError(error) && error.status === 429) return undefined;
      throw error;
    }
  };
  return { clock, limiters, enter };
}

async function entersWhilePossible(enter: () => Promise<Admission | undefined>): Promise<number> {
  let entered = 0;
  // oxlint-disable-next-line no-await-in-loop -- each call sees what those before have left
  while ((await enter()) !== undefined) entered += 1;
  return entered;
}

test.each([1, 2, 10, 60, 6000])('of %i requests a minute a batch leaves a tenth to interactive calls', async (rate) => {
  const { enter } = stage({ requestsPerMinute: rate });
  const batch = await entersWhilePossible(() => enter('batch'));
  const interactive = await entersWhilePossible(() => enter('interactive'));
  expect(batch).toBeGreaterThanOrEqual(1);
  expect(interactive).toBeGreaterThanOrEqual(rate === 1 ? 0 : Math.ceil(rate * 0.09));
  expect(batch + interactive).toBeLessThanOrEqual(rate);
});

test.each([60, 600, 6000])('a batch alone uses at least 95 in 100 of %i requests a minute', async (rate) => {
  const { enter, clock } = stage({ requestsPerMinute: rate });
  await entersWhilePossible(() => enter('batch'));
  let entered = 0;
  for (let step = 0; step < 1200; step += 1) {
    clock.advance(100);
    // oxlint-disable-next-line no-await-in-loop -- time goes step by step
    entered += await entersWhilePossible(() => enter('batch'));
  }
  expect(entered).toBeGreaterThanOrEqual(0.95 * 2 * rate);
  expect(entered).toBeLessThanOrEqual(2 * rate);
});

test.each([
  [1, 1],
  [2, 1],
  [10, 9],
  [25, 22],
])('of %i calls at a time a batch has %i, on all processes together', async (cap, most) => {
  const { enter } = stage({ maxConcurrent: cap }, 2);
  let turn = 0;
  const batch = await entersWhilePossible(() => enter('batch', 0, (turn += 1) % 2));
  expect(batch).toBeLessThanOrEqual(most);
  // A cap from 20 on leaves a spare permit in the process that asked last.
  expect(batch).toBeGreaterThanOrEqual(cap < 20 ? most : most - 1);
  if (cap > 1) expect(await enter('interactive')).toBeDefined();
});

test('permits of a batch come back to the batch', async () => {
  const { enter } = stage({ maxConcurrent: 2 });
  const first = await enter('batch');
  expect(await enter('batch')).toBeUndefined();
  first?.settle(0);
  expect(await enter('batch')).toBeDefined();
});

test('the refusal of a batch says how many calls a batch may have', async () => {
  const { limiters, enter } = stage({ maxConcurrent: 10 });
  await entersWhilePossible(() => enter('batch'));
  const caller = { project: 'p', keyId: 'k', limits: { maxConcurrent: 10 }, priority: 'batch' } as const;
  await expect(limiters[0]?.admit(caller, 0)).rejects.toMatchObject({
    code: 'concurrency-limited',
    message: 'the key k may have 9 calls of priority batch at a time: wait until one of them ends',
  });
});

test('a large interactive call finds its tokens when it comes back, whatever a batch takes meanwhile', async () => {
  const { enter, clock } = stage({ tokensPerMinute: 6000 });
  await entersWhilePossible(() => enter('batch', 100));
  expect(await enter('interactive', 2000)).toBeUndefined();
  let waitedMs = 0;
  for (; waitedMs < 60_000; waitedMs += 100) {
    clock.advance(100);
    // oxlint-disable-next-line no-await-in-loop -- time goes step by step
    await entersWhilePossible(() => enter('batch', 100));
    // oxlint-disable-next-line no-await-in-loop -- and the client comes back each second
    if (waitedMs % 1000 === 0 && (await enter('interactive', 2000)) !== undefined) break;
  }
  // 2,000 of which 600 were there come in within 14 s.
  expect(waitedMs).toBeLessThan(20_000);
  clock.advance(60_000);
  expect(await entersWhilePossible(() => enter('batch', 100))).toBeGreaterThan(40);
});

test('no interactive call is refused in a moment in which one of a batch is let in', async () => {
  const step = fc.record({ elapsedMs: fc.nat({ max: 3000 }), process: fc.nat({ max: 1 }), batch: fc.nat({ max: 40 }) });
  const run = async (
    steps: readonly { readonly elapsedMs: number; readonly process: number; readonly batch: number }[],
    rate: number,
  ): Promise<void> => {
    const { enter, clock } = stage({ requestsPerMinute: rate, maxConcurrent: 1000 }, 2);
    for (const { elapsedMs, process, batch } of steps) {
      clock.advance(elapsedMs);
      let hasEntered = false;
      for (let call = 0; call < batch; call += 1) hasEntered = (await enter('batch', 0, process)) !== undefined;
      const isLetIn = (await enter('interactive', 0, 1 - process)) !== undefined;
      expect(isLetIn || !hasEntered).toBe(true);
    }
  };
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.integer({ min: 2, max: 900 }), run), {
    numRuns: 40,
  });
});
