import { expect, test } from 'vitest';
import { nightlyPlan } from './nightly-plan.ts';
import { DAY_MS } from './traffic-parameters.ts';

const PLAN = nightlyPlan(1, 200);

test('one seed is one night, another seed another', () => {
  expect(nightlyPlan(1, 200)).toEqual(PLAN);
  expect(nightlyPlan(2, 200).map((call) => call.body)).not.toEqual(PLAN.map((call) => call.body));
});

test('each document is asked about once, by night, of both providers, and none as a stream', () => {
  expect(PLAN).toHaveLength(200);
  expect(new Set(PLAN.map((call) => call.body)).size).toBe(200);
  const times = PLAN.map((call) => call.atMs);
  expect(times).toEqual(times.toSorted((left, right) => left - right));
  expect(times.every((atMs) => atMs >= 0 && atMs < DAY_MS / 6)).toBe(true);
  expect(PLAN.filter((call) => call.endpoint === 'messages')).toHaveLength(100);
  expect(PLAN.some((call) => call.isStream)).toBe(false);
});

test('all of them name a deadline, and whose document it is', () => {
  for (const { headers } of PLAN) {
    expect(headers['x-farthing-deadline']).toBe('8h');
    expect(headers['x-farthing-tags']).toMatch(/^user=user-\d+,feature=summaries$/);
  }
});
