import { expect, test } from 'vitest';
import { seededChance } from '../../../test/support/cache-traces.ts';
import { liveCallMs } from '../../../test/support/deadline-worlds.ts';
import { callTimeBound, type CallTimes, callTook, NO_CALL_TIMES } from './call-times.ts';
import { flexAsked, flexFailureRatio, NO_FLEX } from './flex-record.ts';

test('while little is known a call may take three minutes, and never longer than it is waited for', () => {
  expect(callTimeBound(NO_CALL_TIMES, 600_000)).toBe(180_000);
  expect(callTimeBound(NO_CALL_TIMES, 60_000)).toBe(60_000);
  expect(callTimeBound(callTook(NO_CALL_TIMES, 400_000), 900_000)).toBe(600_000);
});

test('a bound from two hundred calls holds for 999 of a thousand', () => {
  const chance = seededChance(3);
  let known: CallTimes = NO_CALL_TIMES;
  let broken = 0;
  for (let call = 0; call < 4000; call += 1) {
    const ms = liveCallMs(chance);
    if (call >= 200 && ms > callTimeBound(known, 600_000)) broken += 1;
    known = callTook(known, ms);
  }
  expect(broken).toBeLessThanOrEqual(4);
  expect(known.observations).toHaveLength(200);
});

test('flex that has no room any more is soon known for it', () => {
  let record = NO_FLEX;
  expect(flexFailureRatio(record)).toBe(0.25);
  for (let call = 0; call < 200; call += 1) record = flexAsked(record, false);
  expect(flexFailureRatio(record)).toBeLessThan(0.03);
  for (let call = 0; call < 50; call += 1) record = flexAsked(record, true);
  expect(flexFailureRatio(record)).toBeGreaterThan(0.5);
});
