import { expect, test } from 'vitest';
import { FORMS } from '../support/asked-calls.ts';
import { attemptsOf, briefly, expectMoneyOf, startResilienceStage } from '../support/resilience-stage.ts';

const CALL = { endpoint: 'chat', prompt: 'hello' } as const;
const STREAMS = FORMS.filter(({ isStream }) => isStream);

test.each(FORMS)('a blip is tried again at the same target: $endpoint, stream $isStream', async (form) => {
  const stage = await startResilienceStage({ resilience: { retries: 2 } });
  stage.upstreams[0]?.script({ kind: 'status', status: 503 });
  expect((await stage.ask({ ...form, prompt: 'hello' })).kind).toBe('right');
  expect(stage.requests()).toEqual([2, 0]);
  const record = await stage.record();
  expect(record.attempts).toBe(2);
  await expectMoneyOf(stage, record);
});

test('retries of one call are bounded, then comes the next target', async () => {
  const stage = await startResilienceStage({ resilience: { retries: 2 } });
  stage.upstreams[0]?.setDown({ kind: 'status', status: 500 });
  expect((await stage.ask(CALL)).kind).toBe('right');
  expect(stage.requests()).toEqual([3, 1]);
  expect(attemptsOf(await stage.record())).toEqual([...Array<string>(3).fill('one failed status-500'), 'two answered']);
});

test('retries on one target are a share of its calls: a budget of none means none', async () => {
  const stage = await startResilienceStage({ targets: 1, resilience: { retries: 2, retryBudgetRatio: 0 } });
  stage.upstreams[0]?.script({ kind: 'status', status: 500 });
  expect((await stage.ask(CALL)).kind).toBe('refused');
  expect(stage.requests()).toEqual([1]);
});

test('moving on to the next target is exempt from the retry budget', async () => {
  const stage = await startResilienceStage({ resilience: { retries: 2, retryBudgetRatio: 0 } });
  stage.upstreams[0]?.script({ kind: 'status', status: 500 }, 3);
  for (let number = 0; number < 3; number += 1)
    // oxlint-disable-next-line no-await-in-loop -- one call after the other
    expect((await stage.ask(CALL)).kind).toBe('right');
  expect(stage.requests()).toEqual([3, 3]);
});

test.each([
  ['retry-after-ms', { retryAfterMs: 400 }],
  ['retry-after', { retryAfter: '1' }],
] as const)('%s is waited for where the target is alone', async (name, given) => {
  const stage = await startResilienceStage({ targets: 1 });
  stage.upstreams[0]?.script({ kind: 'status', status: 429, ...given });
  const startedAt = performance.now();
  expect((await stage.ask(CALL)).kind).toBe('right');
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(name === 'retry-after' ? 990 : 390);
  expect(stage.requests()).toEqual([2]);
});

test('a pause of an hour is left to the caller, who is told of it', async () => {
  const stage = await startResilienceStage({ targets: 1 });
  stage.upstreams[0]?.script({ kind: 'status', status: 429, retryAfter: '3600' });
  const seen = await stage.ask(CALL);
  expect(seen).toMatchObject({ kind: 'refused', status: 429 });
  expect(seen.headers.get('retry-after')).toBe('3600');
  expect(seen.headers.get('x-should-retry')).toBe('false');
  expect(stage.requests()).toEqual([1]);
});

test('a pause that another target makes needless is not waited for', async () => {
  const stage = await startResilienceStage();
  stage.upstreams[0]?.script({ kind: 'status', status: 429, retryAfter: '5' });
  const startedAt = performance.now();
  expect((await stage.ask(CALL)).kind).toBe('right');
  expect(performance.now() - startedAt).toBeLessThan(4000);
  expect(stage.requests()).toEqual([1, 1]);
});

test.each([
  { kind: 'status', status: 429, error: 'quota' },
  { kind: 'status', status: 402, error: 'quota' },
  { kind: 'status', status: 401 },
  { kind: 'status', status: 403 },
  { kind: 'status', status: 404 },
  { kind: 'status', status: 400, error: 'quota' },
  { kind: 'status', status: 400, error: 'context-length' },
  { kind: 'status', status: 400, error: 'content-filter' },
  { kind: 'status', status: 400 },
  { kind: 'status', status: 422, error: 'invalid-request' },
  { kind: 'status', status: 413, error: 'invalid-request' },
  { kind: 'status', status: 501, error: 'server-error' },
] as const)('%j is never tried again at the same target', async (fault) => {
  const stage = await startResilienceStage({ targets: 1, resilience: { retries: 5 } });
  stage.upstreams[0]?.setDown(fault);
  expect(await stage.ask(CALL)).toMatchObject({ kind: 'refused', status: fault.status });
  expect(stage.requests()).toEqual([1]);
  expect(briefly(await stage.charges())).toEqual(['one none provider-error']);
});

test.each(STREAMS)('a target that is silent is not asked the same again: $endpoint', async (form) => {
  const stage = await startResilienceStage({ targets: 1, timeouts: { firstByteMs: 100 }, resilience: { retries: 5 } });
  stage.upstreams[0]?.setDown({ kind: 'hang' });
  const seen = await stage.ask({ ...form, prompt: 'hello' });
  expect(seen).toMatchObject({ kind: 'refused', status: 504 });
  expect(seen.headers.get('x-should-retry')).toBe('false');
  expect(stage.requests()).toEqual([1]);
});

test('the total time bounds all attempts and the pauses between them', async () => {
  const stage = await startResilienceStage({ targets: 1, resilience: { retries: 50 }, timeouts: { totalMs: 600 } });
  stage.upstreams[0]?.setDown({ kind: 'status', status: 429, retryAfterMs: 250 });
  const startedAt = performance.now();
  expect(await stage.ask(CALL)).toMatchObject({ kind: 'refused', status: 429 });
  expect(performance.now() - startedAt).toBeLessThan(3000);
  expect(stage.requests()[0]).toBeLessThanOrEqual(3);
});

test('a client that leaves in a pause ends the call', async () => {
  const stage = await startResilienceStage({ targets: 1 });
  stage.upstreams[0]?.script({ kind: 'status', status: 429, retryAfterMs: 9000 });
  const leave = new AbortController();
  const asked = stage.ask({ ...CALL, signal: leave.signal }).catch(() => undefined);
  await expect.poll(() => stage.upstreams[0]?.counters().inFlight).toBe(0);
  await expect.poll(async () => (await stage.charges()).length).toBe(1);
  leave.abort();
  await asked;
  await expect.poll(() => stage.engine.inFlight(), { timeout: 1000 }).toBe(0);
  expect(stage.records.at(-1)).toMatchObject({ outcome: 'client-left', attempts: 1, costNanoUsd: 0 });
  expect(stage.requests()).toEqual([1]);
});
