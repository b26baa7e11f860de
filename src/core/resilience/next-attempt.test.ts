import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { FailureKind } from './failure.ts';
import { type Candidate, type LastFailure, MAX_RETRY_AFTER_MS, nextAttempt } from './next-attempt.ts';

const POLICY = { retries: 2 };

function candidate(changes: Partial<Candidate> = {}): Candidate {
  return { state: 'good', visits: 0, isSpent: false, mayRetry: true, ...changes };
}

function failed(kind: FailureKind, index = 0, retryAfterMs?: number): LastFailure {
  return { index, kind, retryAfterMs };
}

function next(candidates: readonly Candidate[], last?: LastFailure): ReturnType<typeof nextAttempt> {
  return nextAttempt(candidates, last, POLICY, 0.5);
}

test('the first target is asked first; one that rests is passed over at once', () => {
  expect(next([candidate(), candidate()])).toEqual({ kind: 'attempt', index: 0, waitMs: 0, isRetry: false });
  expect(next([candidate({ state: 'down' }), candidate()])).toMatchObject({ index: 1 });
  expect(next([candidate({ state: 'degraded' }), candidate()])).toMatchObject({ index: 1 });
  expect(next([candidate({ state: 'probe' }), candidate()])).toMatchObject({ index: 0 });
});

test('a degraded target is a last resort, one that is down is none', () => {
  expect(next([candidate({ state: 'down' }), candidate({ state: 'degraded' })])).toMatchObject({ index: 1 });
  expect(next([candidate({ state: 'down' }), candidate({ state: 'down' })])).toEqual({
    kind: 'stop',
    reason: 'resting',
  });
});

test('what may pass is tried again on the same target after a moment', () => {
  expect(next([candidate({ visits: 1 }), candidate()], failed('transient'))).toMatchObject({ index: 0, isRetry: true });
});

test('without a budget for retries the next target is asked at once', () => {
  const candidates = [candidate({ visits: 1, mayRetry: false }), candidate()];
  expect(next(candidates, failed('transient'))).toEqual({ kind: 'attempt', index: 1, waitMs: 0, isRetry: false });
  expect(next([candidate({ visits: 1, mayRetry: false })], failed('transient'))).toMatchObject({ kind: 'stop' });
});

test('a pause that the provider asks for is kept where there is no other target, up to a bound', () => {
  const alone = [candidate({ visits: 1 })];
  expect(next(alone, failed('limited', 0, 5000))).toMatchObject({ index: 0, waitMs: 5000 });
  expect(next(alone, failed('limited', 0, MAX_RETRY_AFTER_MS + 1))).toEqual({ kind: 'stop', reason: 'spent' });
  expect(next([candidate({ visits: 1 }), candidate()], failed('limited', 0, 5000))).toMatchObject({
    index: 1,
    waitMs: 0,
  });
});

test('where others are asked once these have failed, nobody waits for long', () => {
  const alone = [candidate({ visits: 1 })];
  const policy = { ...POLICY, mayMoveOn: true };
  const after = (retryAfterMs?: number): unknown => nextAttempt(alone, failed('limited', 0, retryAfterMs), policy, 0.5);
  expect(after(5000)).toEqual({ kind: 'stop', reason: 'spent' });
  expect(after(500)).toMatchObject({ kind: 'attempt', index: 0, waitMs: 500 });
  expect(after()).toMatchObject({ kind: 'attempt', index: 0 });
  const resting = [candidate({ visits: 1, state: 'degraded' })];
  expect(nextAttempt(resting, failed('transient'), policy, 0.5)).toEqual({ kind: 'stop', reason: 'spent' });
});

test.each<FailureKind>(['refused', 'silent', 'missing', 'too-long', 'filtered'])(
  'after %s the same target is not asked again',
  (kind) => {
    const spent = candidate({ visits: 1, isSpent: true });
    expect(next([spent, candidate()], failed(kind))).toMatchObject({ index: 1 });
    expect(next([spent], failed(kind))).toEqual({ kind: 'stop', reason: 'spent' });
  },
);

test('a request that is wrong is not tried anywhere else', () => {
  expect(next([candidate({ visits: 1 }), candidate()], failed('wrong'))).toEqual({
    kind: 'stop',
    reason: 'not-retryable',
  });
});

test('a target that began to rest is left for another, and kept where there is none and it still answers now and then', () => {
  const resting = candidate({ visits: 1, state: 'degraded' });
  expect(next([resting, candidate()], failed('transient'))).toMatchObject({ index: 1 });
  expect(next([resting], failed('transient'))).toMatchObject({ index: 0, isRetry: true });
  expect(next([{ ...resting, state: 'down' }], failed('transient'))).toMatchObject({ kind: 'stop' });
});

const candidates = fc.array(
  fc.record({
    state: fc.constantFrom('good', 'probe', 'degraded', 'down'),
    visits: fc.integer({ min: 0, max: 4 }),
    isSpent: fc.boolean(),
    mayRetry: fc.boolean(),
  }),
  { minLength: 1, maxLength: 5 },
);

test('no choice breaks a rule: never a spent target or one that is down, never more visits than allowed, never an unending call', () => {
  const kinds: readonly FailureKind[] = ['transient', 'limited', 'refused', 'silent', 'missing', 'wrong'];
  fc.assert(
    fc.property(
      candidates,
      fc.constantFrom(...kinds),
      fc.nat(),
      fc.option(fc.integer({ min: 0, max: 60_000 }), { nil: undefined }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (states, kind, at, retryAfterMs, fraction) => {
        const index = at % states.length;
        const step = nextAttempt(states, { index, kind, retryAfterMs }, POLICY, fraction);
        if (step.kind === 'stop') return;
        const chosen = states[step.index] as Candidate;
        expect(chosen).toMatchObject({ isSpent: false });
        expect(chosen.state).not.toBe('down');
        expect(chosen.visits).toBeLessThanOrEqual(POLICY.retries);
        expect(step.waitMs).toBeLessThanOrEqual(MAX_RETRY_AFTER_MS);
        if (step.isRetry) expect([step.index, chosen.mayRetry]).toEqual([index, true]);
        else expect(step.index).not.toBe(index);
      },
    ),
  );
});

test('a call makes at most so many attempts as its targets and retries allow', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 0, max: 3 }),
      fc.boolean(),
      (count, retries, mayRetry) => {
        const states = Array.from({ length: count }, () => ({ ...candidate({ mayRetry }), visits: 0 }));
        let attempts = 0;
        let last: LastFailure | undefined;
        for (;;) {
          const step = nextAttempt(states, last, { retries }, 0.5);
          if (step.kind === 'stop') break;
          attempts += 1;
          (states[step.index] as { visits: number }).visits += 1;
          last = failed('transient', step.index);
        }
        expect(attempts).toBeLessThanOrEqual(count * (1 + retries));
        expect(attempts).toBeGreaterThanOrEqual(count);
      },
    ),
  );
});
