import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type CooldownPolicy, TargetHealth } from './target-health.ts';

const POLICY: CooldownPolicy = { failures: 5, failureRatio: 0.5, lengthMs: 1000, refusedLengthMs: 5000 };

function fail(health: TargetHealth, times: number, nowMs = 0): number {
  let restsMs = 0;
  for (let time = 0; time < times; time += 1) restsMs = Math.max(restsMs, health.fail(false, nowMs));
  return restsMs;
}

test('so many failures in a row and it rests; one fewer and it does not', () => {
  const health = new TargetHealth(POLICY);
  expect(fail(health, 4)).toBe(0);
  expect(health.state(0)).toBe('good');
  expect(fail(health, 1)).toBe(1000);
  expect(health.state(999)).toBe('down');
  expect(health.restsUntilMs).toBe(1000);
});

test('a success between them begins the row anew', () => {
  const health = new TargetHealth(POLICY);
  fail(health, 4);
  health.succeed(false);
  expect(fail(health, 4)).toBe(0);
});

test('half of the last twenty and it rests, in whatever order; fewer than twenty say nothing', () => {
  const health = new TargetHealth(POLICY);
  for (let pair = 0; pair < 9; pair += 1) {
    health.succeed(false);
    expect(health.fail(false, 0)).toBe(0);
  }
  health.succeed(false);
  expect(health.fail(false, 0)).toBe(1000);
});

test('when the rest is over one call at a time probes; a success brings it back with a clean slate', () => {
  const health = new TargetHealth(POLICY);
  fail(health, 5);
  expect(health.state(1000)).toBe('probe');
  expect(health.begin(1000)).toBe(true);
  expect(health.state(1000)).toBe('down');
  expect(health.begin(1000)).toBe(false);
  expect(health.succeed(true)).toBe(true);
  expect(health.state(1000)).toBe('good');
  expect(fail(health, 4)).toBe(0);
});

test('a probe that fails rests it again, for the same time', () => {
  const health = new TargetHealth(POLICY);
  fail(health, 5);
  const isProbe = health.begin(1500);
  expect(health.fail(isProbe, 1500)).toBe(1000);
  expect(health.state(2499)).toBe('down');
  expect(health.state(2500)).toBe('probe');
});

test('a probe that nobody waits for, and one that hangs, leave room for another', () => {
  const health = new TargetHealth(POLICY);
  fail(health, 5);
  health.leave(health.begin(1000));
  expect(health.state(1000)).toBe('probe');
  health.begin(1000);
  expect(health.state(1999)).toBe('down');
  expect(health.state(2000)).toBe('probe');
});

test('a probe that hung and fails after another has brought the target back does not rest it', () => {
  const health = new TargetHealth(POLICY);
  fail(health, 5);
  expect(health.begin(1000)).toBe(true);
  expect(health.begin(2000)).toBe(true);
  expect(health.succeed(true)).toBe(true);
  expect(health.fail(true, 2500)).toBe(0);
  expect(health.state(2500)).toBe('good');
});

test('one that asks for a pause is left alone, never longer than after a refusal, and is a last resort meanwhile', () => {
  const health = new TargetHealth(POLICY);
  health.restFor(false, 0, 86_400_000);
  expect(health.state(4999)).toBe('degraded');
  expect(health.state(5000)).toBe('probe');
});

test('one that still answers now and then is degraded, one that does not is down', () => {
  const flaky = new TargetHealth(POLICY);
  for (let time = 0; time < 15; time += 1) flaky.succeed(false);
  fail(flaky, 5);
  expect(flaky.state(0)).toBe('degraded');
  fail(flaky, 8);
  // Of several targets it is still worth a try, alone it is not.
  expect([flaky.state(0), flaky.state(0, true)]).toEqual(['degraded', 'down']);
  fail(flaky, 5);
  expect(flaky.state(0)).toBe('down');
});

test('after a few attempts one success makes it a last resort of several, and none does not', () => {
  const dead = new TargetHealth(POLICY);
  fail(dead, 5);
  expect(dead.state(0)).toBe('down');
  const unlucky = new TargetHealth(POLICY);
  unlucky.succeed(false);
  fail(unlucky, 5);
  expect([unlucky.state(0), unlucky.state(0, true)]).toEqual(['degraded', 'down']);
});

test('a refused key rests at once and for longer, and is no last resort', () => {
  const health = new TargetHealth(POLICY);
  for (let time = 0; time < 20; time += 1) health.succeed(false);
  expect(health.refuse(false, 0)).toBe(5000);
  expect(health.state(4999)).toBe('down');
  expect(health.state(5000)).toBe('probe');
});

test('attempts that were under way when it began to rest neither prolong the rest nor end it', () => {
  const health = new TargetHealth(POLICY);
  fail(health, 5);
  expect(health.fail(false, 900)).toBe(0);
  expect(health.succeed(false)).toBe(false);
  expect(health.state(999)).not.toBe('good');
  expect(health.state(1000)).toBe('probe');
});

test('whatever happens, a target that works again is back within a rest of the next call', () => {
  const step = fc.record({
    gapMs: fc.integer({ min: 0, max: 1500 }),
    ends: fc.constantFrom('succeed', 'fail', 'refuse', 'leave', 'hang'),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const health = new TargetHealth(POLICY);
      let nowMs = 0;
      for (const { gapMs, ends } of steps) {
        nowMs += gapMs;
        const isProbe = health.begin(nowMs);
        if (ends === 'succeed') health.succeed(isProbe);
        else if (ends === 'fail') health.fail(isProbe, nowMs);
        else if (ends === 'refuse') health.refuse(isProbe, nowMs);
        else if (ends === 'leave') health.leave(isProbe);
      }
      nowMs += POLICY.refusedLengthMs;
      const isProbe = health.begin(nowMs);
      health.succeed(isProbe);
      expect(health.state(nowMs)).toBe('good');
    }),
  );
});
