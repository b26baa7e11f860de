import { expect, test } from 'vitest';
import { setTimeout as delay } from 'node:timers/promises';
import { DEFAULT_RESILIENCE } from '../../src/core/resilience/resilience-policy.ts';
import { attemptsOf, startResilienceStage } from '../support/resilience-stage.ts';

const CALL = { endpoint: 'chat', prompt: 'hello' } as const;

test.each([
  { kind: 'status', status: 401 },
  { kind: 'status', status: 429 },
  { kind: 'status', status: 429, error: 'quota' },
] as const)('%j of one key is answered with another at the same target', async (fault) => {
  const stage = await startResilienceStage({ keys: ['first', 'second'], resilience: { retries: 0 } });
  stage.upstreams[0]?.script(fault);
  expect((await stage.ask(CALL)).kind).toBe('right');
  expect(stage.requests()).toEqual([2, 0]);
  expect(attemptsOf(await stage.record())).toEqual([`one failed status-${fault.status}`, 'one answered']);
});

test('when all keys are refused the next target answers', async () => {
  const stage = await startResilienceStage({ keys: ['first', 'second', 'third'], resilience: { retries: 0 } });
  stage.upstreams[0]?.setDown({ kind: 'status', status: 401 });
  expect((await stage.ask(CALL)).kind).toBe('right');
  expect((await stage.ask(CALL)).kind).toBe('right');
  expect(stage.requests()).toEqual([3, 2]);
});

test('keys that are told to slow down for a moment are waited for', async () => {
  const stage = await startResilienceStage({ targets: 1, keys: ['first', 'second'] });
  stage.upstreams[0]?.script({ kind: 'status', status: 429, retryAfterMs: 50 }, 2);
  expect((await stage.ask(CALL)).kind).toBe('right');
  expect(stage.requests()).toEqual([3]);
});

test('a key that is told to come back tomorrow is asked again after the rest that the operator set', async () => {
  const resilience = { retries: 0, cooldown: { ...DEFAULT_RESILIENCE.cooldown, lengthMs: 100, refusedLengthMs: 200 } };
  const stage = await startResilienceStage({ keys: ['first', 'second'], resilience });
  stage.upstreams[0]?.script({ kind: 'status', status: 429, retryAfter: '86400' }, 2);
  expect((await stage.ask(CALL)).kind).toBe('right');
  expect((await stage.ask(CALL)).kind).toBe('right');
  expect(stage.requests()).toEqual([2, 2]);
  await delay(250);
  expect((await stage.ask(CALL)).kind).toBe('right');
  expect(stage.requests()).toEqual([3, 2]);
});
