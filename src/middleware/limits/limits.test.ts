import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fakeCall, NotingReceiver } from '../../../test/support/fake-call.ts';
import type { CallLimits } from '../../core/limit/call-limits.ts';
import type { Charge } from '../../core/model/charge.ts';
import { usageOf } from '../../core/model/usage.ts';
import type { EngineEvent } from '../../ports/event-sink.ts';
import { seededRandom } from '../../simulator/seeded-random.ts';
import { MemoryLimitStore } from '../../stores/memory/memory-limit-store.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { sampleCharge } from '../../testing/sample-ledger-rows.ts';
import type { Call, Outcome } from '../compose.ts';
import { CallLimiter } from './call-limiter.ts';
import { limitsMiddleware } from './limits.ts';

const COMPLETE: Outcome = { kind: 'complete', facts: undefined };

/** Bytes of every call's body: 100 tokens, and 1,024 for the output. */
const BODY = new Uint8Array(400);

interface Stage {
  readonly store: MemoryLimitStore;
  readonly clock: FakeClock;
  readonly limiter: CallLimiter;
  readonly events: EngineEvent[];
  /** Runs a call whose attempt ends with this charge, or never leaves. */
  run(key?: CallLimits, next?: (call: Call) => Promise<Outcome>): Promise<Outcome>;
}

let seeds = 0;

function stage(
  projects: Readonly<Record<string, CallLimits>> = {},
  store: MemoryLimitStore = new MemoryLimitStore(),
): Stage {
  const clock = new FakeClock();
  const events: EngineEvent[] = [];
  const limiter = new CallLimiter({
    store,
    projects: new Map(Object.entries(projects)),
    ownerId: 'owner',
    clock,
    random: seededRandom((seeds += 1)),
    events: { emit: (event) => void events.push(event) },
    tickMs: 0,
  });
  const middleware = limitsMiddleware(limiter);
  const run: Stage['run'] = (limits, next = charged({})) => {
    const caller = { project: 'p', keyId: 'k', ...(limits === undefined ? {} : { limits }) };
    return middleware.handle({ ...fakeCall('call', new NotingReceiver()), body: BODY, caller }, next);
  };
  return { store, clock, limiter, events, run };
}

function charged(charge: Partial<Charge>): (call: Call) => Promise<Outcome> {
  return async (call) => {
    call.state.spending.charges.push(
      sampleCharge({ usage: usageOf({ input: 60, cacheRead: 20, output: 20 }), ...charge }),
    );
    return COMPLETE;
  };
}

const neverSent = charged({ certainty: 'none', status: undefined, usage: usageOf({}) });

test('a call of a key and a project without limits passes', async () => {
  const { run } = stage();
  expect(await run()).toBe(COMPLETE);
});

test('requests beyond the rate are refused, say when to come back, and come through then', async () => {
  const { run, clock } = stage();
  const limits = { requestsPerMinute: 2, tokensPerMinute: 9000 };
  await run(limits);
  await run(limits);
  await expect(run(limits)).rejects.toMatchObject({
    code: 'rate-limited',
    status: 429,
    retryable: true,
    retryAfterMs: 30_000,
    message: 'the key k may use 2 requests a minute: try again in 30 s',
    headers: {
      'x-ratelimit-limit-requests': '2',
      'x-ratelimit-limit-tokens': '9000',
      'x-ratelimit-remaining-requests': '0',
      'x-ratelimit-reset-requests': '1m0s',
    },
  });
  clock.advance(30_000);
  expect(await run(limits)).toBe(COMPLETE);
});

test("a project's limit holds for all its keys together and is named", async () => {
  const { run } = stage({ p: { maxConcurrent: 1 } });
  const inside = run({ maxConcurrent: 5 }, () => run().then(() => COMPLETE));
  await expect(inside).rejects.toMatchObject({
    code: 'concurrency-limited',
    status: 429,
    retryAfterMs: 1000,
    message: 'the project "p" may have 1 calls at a time: wait until one of them ends',
  });
});

test('what a key gave is given back when the project refuses', async () => {
  const { run, limiter, store, clock } = stage({ p: { requestsPerMinute: 1 } });
  const limits = { maxConcurrent: 1, requestsPerMinute: 2, tokensPerMinute: 3000 };
  await run(limits, charged({ usage: usageOf({}) }));
  await expect(run(limits)).rejects.toMatchObject({ code: 'rate-limited' });
  await limiter.close();
  const nowMs = clock.nowMs();
  expect(
    (await store.take('key:k:requests', { capacity: 2, perMinute: 2 }, { want: 2, least: 1, nowMs })).granted,
  ).toBe(1);
  const tokens = { capacity: 2950, perMinute: 3000 };
  expect((await store.take('key:k:tokens', tokens, { want: 2950, least: 1, nowMs })).granted).toBe(2950);
  expect(await store.hold('key:k:calls', { ownerId: 'x', count: 1, limit: 1, leaseMs: 1, nowMs })).toBe(1);
});

describe('tokens are put right when the call is over', () => {
  const cases: readonly (readonly [rule: string, charge: Partial<Charge>, used: number])[] = [
    ['to what the provider stated, cached or not', {}, 100],
    [
      'to the estimate of a stream that broke',
      { certainty: 'estimate', outcome: 'broken', usage: usageOf({ input: 100, output: 7 }) },
      107,
    ],
    ['to nothing when the provider refused', { certainty: 'none', status: 400, usage: usageOf({}) }, 0],
    ['to more than was estimated, which later calls pay', { usage: usageOf({ output: 1500 }) }, 1500],
  ];
  test.each(cases)('%s', async (_rule, charge, used) => {
    const { run, limiter, store, clock } = stage();
    await run({ requestsPerMinute: 5, tokensPerMinute: 3000 }, charged(charge));
    await limiter.tick();
    clock.advance(1001);
    await limiter.close();
    // A second brings in what the margin of slices keeps back.
    const tokens = { capacity: 2950, perMinute: 3000 };
    const claim = { want: 3000, least: 1, nowMs: clock.nowMs() };
    const { granted } = await store.take('key:k:tokens', tokens, claim);
    expect(granted).toBeLessThanOrEqual(Math.min(2950, 3000 - used + 1));
    expect(granted).toBeGreaterThanOrEqual(Math.min(2950, 3000 - used - 5));
  });
});

test('a call that never left gives its request back too; one that the provider refused does not', async () => {
  const { run, limiter } = stage();
  const limits = { requestsPerMinute: 1 };
  await run(limits, neverSent);
  await expect(run(limits, () => Promise.reject(new Error('the ledger is down')))).rejects.toThrow('ledger');
  await run(limits, charged({ certainty: 'none', status: 429, usage: usageOf({}) }));
  await expect(run(limits)).rejects.toMatchObject({ code: 'rate-limited' });
  await limiter.close();
});

test('a call whose estimate is above a minute is let in once, and the next one waits for it', async () => {
  const { run } = stage();
  await run({ tokensPerMinute: 500 }, charged({ usage: usageOf({ output: 1500 }) }));
  await expect(run({ tokensPerMinute: 500 })).rejects.toMatchObject({
    code: 'rate-limited',
    // 1,000 of debt, and the bucket must be full again for one that big.
    retryAfterMs: 180_000,
    message: 'the key k may use 500 tokens a minute; this call is estimated at 1124: try again in 180 s',
  });
});

test('when the store fails, calls with limits are refused with 503 and the fault is told; those without pass', async () => {
  class BrokenStore extends MemoryLimitStore {
    override take(): Promise<never> {
      return Promise.reject(new Error('the disk is gone'));
    }
    override hold(): Promise<never> {
      return Promise.reject(new Error('the disk is gone'));
    }
  }
  const { run, events } = stage({}, new BrokenStore());
  for (const limits of [{ requestsPerMinute: 5 }, { maxConcurrent: 5 }, { tokensPerMinute: 5 }]) {
    await expect(run(limits)).rejects.toMatchObject({ code: 'store-unavailable', status: 503, retryable: true });
  }
  expect(events).toMatchObject(Array.from({ length: 3 }, () => ({ kind: 'store-failed', store: 'limits' })));
  expect(await run()).toBe(COMPLETE);
});

test('limits that nobody uses are forgotten', async () => {
  const { run, limiter, clock, store } = stage();
  await run({ maxConcurrent: 1, requestsPerMinute: 1, tokensPerMinute: 10_000 });
  for (let minute = 0; minute < 3; minute += 1) {
    clock.advance(60_000);
    await limiter.tick();
  }
  let asked = 0;
  store.correct = async () => void (asked += 1);
  store.hold = async () => (asked += 1);
  await limiter.close();
  expect(asked).toBe(0);
});

test('whatever becomes of calls on three processes, their permits come back and their tokens add up', async () => {
  const call = fc.record({
    process: fc.nat({ max: 2 }),
    ending: fc.constantFrom('used', 'refused', 'never', 'thrown'),
    output: fc.nat({ max: 3000 }),
    // Nobody renews leases here: all calls together must end before one lapses.
    elapsedMs: fc.nat({ max: 300 }),
  });
  const limits = { maxConcurrent: 4, requestsPerMinute: 1000, tokensPerMinute: 60_000 };
  const run = async (
    calls: readonly (typeof call extends fc.Arbitrary<infer Item> ? Item : never)[],
  ): Promise<void> => {
    const store = new MemoryLimitStore();
    const stages = [0, 1, 2].map(() => stage({ p: { maxConcurrent: 5, tokensPerMinute: 60_000 } }, store));
    let [used, elapsedMs, underWay, most] = [0, 0, 0, 0];
    const running: Promise<unknown>[] = [];
    for (const { process, ending, output, elapsedMs: stepMs } of calls) {
      for (const { clock } of stages) clock.advance(stepMs);
      elapsedMs += stepMs;
      const next = async (one: Call): Promise<Outcome> => {
        underWay += 1;
        most = Math.max(most, underWay);
        await new Promise((resolve) => setImmediate(resolve));
        underWay -= 1;
        if (ending === 'never') return neverSent(one);
        if (ending === 'refused') return charged({ certainty: 'none', status: 500, usage: usageOf({}) })(one);
        if (ending === 'thrown') throw new Error('thrown');
        used += output;
        return charged({ usage: usageOf({ output }) })(one);
      };
      running.push((stages[process] as Stage).run(limits, next).catch(() => undefined));
      if (output % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(running);
    expect(most).toBeLessThanOrEqual(4);
    await Promise.all(stages.map(({ limiter }) => limiter.close()));
    const nowMs = (stages[0] as Stage).clock.nowMs();
    for (const [name, limit] of [
      ['key:k:calls', 4],
      ['project:p:calls', 5],
    ] as const) {
      expect(await store.hold(name, { ownerId: 'x', count: limit, limit, leaseMs: 1, nowMs })).toBe(limit);
    }
    const terms = { capacity: 59_000, perMinute: 60_000 };
    const { granted } = await store.take('key:k:tokens', terms, { want: 59_000, least: 1, nowMs });
    expect(granted).toBeLessThanOrEqual(Math.max(0, 59_000 - used + elapsedMs));
    if (elapsedMs === 0) expect(granted).toBe(Math.max(0, 59_000 - used));
  };
  await fc.assert(fc.asyncProperty(fc.array(call, { maxLength: 30 }), run), { numRuns: 60 });
});
