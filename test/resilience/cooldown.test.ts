import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { DEFAULT_RESILIENCE } from '../../src/core/resilience/resilience-policy.ts';
import { attemptsOf, type ResilienceStage, startResilienceStage } from '../support/resilience-stage.ts';

const DOWN = { kind: 'status', status: 503 } as const;
const CALL = { endpoint: 'chat' } as const;

/** Rests of so many milliseconds. */
function resting(lengthMs: number, refusedLengthMs: number = lengthMs): typeof DEFAULT_RESILIENCE {
  return { ...DEFAULT_RESILIENCE, retries: 0, cooldown: { ...DEFAULT_RESILIENCE.cooldown, lengthMs, refusedLengthMs } };
}

async function askTimes(stage: ResilienceStage, count: number): Promise<readonly string[]> {
  const kinds: string[] = [];
  for (let number = 0; number < count; number += 1) {
    // oxlint-disable-next-line no-await-in-loop -- one call after the other
    kinds.push((await stage.ask({ ...CALL, prompt: `call ${number}` })).kind);
  }
  return kinds;
}

test('a target that failed five times in a row is left alone, and the next one answers at once', async () => {
  const stage = await startResilienceStage({ resilience: resting(60_000) });
  stage.upstreams[0]?.setDown(DOWN);
  expect(await askTimes(stage, 8)).toEqual(Array(8).fill('right'));
  expect(stage.requests()).toEqual([5, 8]);
  expect(stage.events.filter(({ kind }) => kind === 'target-rested')).toEqual([
    { kind: 'target-rested', target: 'one/gpt-5.4-mini', restsMs: 60_000, reason: 'status-503' },
  ]);
  expect(attemptsOf(stage.records.at(-1) as never)).toEqual(['two answered']);
});

test('a target that fails every other time is left within 20 calls, and comes back for the last resort only', async () => {
  const stage = await startResilienceStage({ resilience: resting(60_000) });
  for (let number = 0; number < 10; number += 1) {
    stage.upstreams[0]?.script(undefined);
    stage.upstreams[0]?.script(DOWN);
  }
  await askTimes(stage, 25);
  expect(stage.requests()[0]).toBe(20);
  stage.upstreams[1]?.setDown(DOWN);
  expect(await askTimes(stage, 3)).toEqual(Array(3).fill('right'));
});

test('where no target works a call is refused at once with the time after which to come back', async () => {
  const stage = await startResilienceStage({ targets: 1, resilience: resting(30_000) });
  stage.upstreams[0]?.setDown(DOWN);
  await askTimes(stage, 5);
  const seen = await stage.ask({ ...CALL, prompt: 'refused' });
  expect(seen).toMatchObject({ kind: 'refused', status: 503 });
  expect(Number(seen.headers.get('retry-after'))).toBeGreaterThanOrEqual(29);
  expect(stage.requests()).toEqual([5]);
  expect(stage.records.at(-1)).toMatchObject({ attempts: 0, costNanoUsd: 0, outcome: 'broken' });
});

test('a rest that is over is followed by one call at a time, however many come at once, and by all as soon as one is answered', async () => {
  const stage = await startResilienceStage({ resilience: resting(300) });
  const [first] = stage.upstreams;
  first?.setDown(DOWN);
  await askTimes(stage, 5);
  await delay(350);
  const burst = await Promise.all(
    Array.from({ length: 20 }, (_, number) => stage.ask({ ...CALL, prompt: `burst ${number}` })),
  );
  expect(burst.map(({ kind }) => kind)).toEqual(Array(20).fill('right'));
  expect(first?.counters().requests).toBe(6);
  first?.setDown(undefined);
  await delay(350);
  expect(await askTimes(stage, 3)).toEqual(Array(3).fill('right'));
  expect(first?.counters().requests).toBe(9);
  expect(stage.events.filter(({ kind }) => kind === 'target-recovered')).toHaveLength(1);
});

test('a burst at a fallback whose rest is over sends it one call', async () => {
  const stage = await startResilienceStage({ resilience: resting(300) });
  const [first, second] = stage.upstreams;
  first?.setDown(DOWN);
  second?.setDown(DOWN);
  await askTimes(stage, 5);
  await delay(350);
  await Promise.all(Array.from({ length: 20 }, (_, number) => stage.ask({ ...CALL, prompt: `burst ${number}` })));
  expect(stage.requests()).toEqual([6, 6]);
});

test('a probe whose client leaves does not keep the target out', async () => {
  const stage = await startResilienceStage({ resilience: resting(200) });
  const [first] = stage.upstreams;
  first?.setDown(DOWN);
  await askTimes(stage, 5);
  await delay(250);
  first?.setDown({ kind: 'hang' });
  const leave = new AbortController();
  const asked = stage.ask({ ...CALL, prompt: 'leaves', signal: leave.signal }).catch(() => undefined);
  await expect.poll(() => first?.counters().inFlight).toBe(1);
  leave.abort();
  await asked;
  await expect.poll(() => stage.engine.inFlight()).toBe(0);
  first?.setDown(undefined);
  await askTimes(stage, 1);
  expect(first?.counters().requests).toBe(7);
});

test.each([
  ['key', { kind: 'status', status: 401 }],
  ['money', { kind: 'status', status: 402, error: 'quota' }],
  ['quota', { kind: 'status', status: 429, error: 'quota' }],
] as const)('one refusal of the %s is enough for a rest, and a longer one', async (_what, fault) => {
  const stage = await startResilienceStage({ resilience: resting(100, 60_000) });
  stage.upstreams[0]?.setDown(fault);
  expect(await askTimes(stage, 1)).toEqual(['right']);
  await delay(150);
  expect(await askTimes(stage, 3)).toEqual(Array(3).fill('right'));
  expect(stage.requests()).toEqual([1, 4]);
});

test('errors that say that the request is wrong are no reason for a rest', async () => {
  const stage = await startResilienceStage({ resilience: resting(60_000) });
  stage.upstreams[0]?.script({ kind: 'status', status: 400 }, 10);
  await askTimes(stage, 11);
  expect(stage.requests()).toEqual([11, 0]);
});

test('clients that leave are no reason for a rest', async () => {
  const stage = await startResilienceStage({ resilience: resting(60_000) });
  stage.upstreams[0]?.script({ kind: 'hang' }, 8);
  const leave = new AbortController();
  const asked = Array.from({ length: 8 }, (_, number) =>
    stage.ask({ ...CALL, prompt: `leaves ${number}`, signal: leave.signal }).catch(() => undefined),
  );
  await expect.poll(() => stage.requests()[0]).toBe(8);
  leave.abort();
  await Promise.all(asked);
  await askTimes(stage, 1);
  expect(stage.requests()).toEqual([9, 0]);
});

test('in a total outage 10,000 calls make at most 1.1 attempts each', { timeout: 60_000 }, async () => {
  const stage = await startResilienceStage({
    resilience: { cooldown: { ...DEFAULT_RESILIENCE.cooldown, lengthMs: 200 } },
  });
  for (const upstream of stage.upstreams) upstream.setDown(DOWN);
  let number = 0;
  const asker = async (): Promise<void> => {
    while (number < 10_000) {
      number += 1;
      // oxlint-disable-next-line no-await-in-loop -- one call after the other
      await stage.ask({ ...CALL, prompt: 'out' });
    }
  };
  await Promise.all(Array.from({ length: 50 }, asker));
  const attempts = stage.requests().reduce((sum, count) => sum + count, 0);
  expect(attempts).toBeLessThanOrEqual(11_000);
});
