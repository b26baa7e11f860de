import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { guardReport } from '../../src/core/guard/guard-report.ts';
import { guardStanding, LEAST_SAMPLES } from '../../src/core/guard/guard-standing.ts';
import {
  type GuardEvent,
  type GuardPlan,
  type GuardSample,
  type GuardState,
  MAX_GUARD_STEPS,
  newGuard,
} from '../../src/core/guard/guard-state.ts';
import { observe } from '../../src/core/guard/observe.ts';
import { readGuardState } from '../../src/core/guard/read-guard-state.ts';
import { nanoUsd } from '../../src/core/money.ts';
import { seededChance } from '../support/cache-traces.ts';

const PLAN: GuardPlan = {
  fingerprint: 'a',
  maxQualityLoss: 0.05,
  confidenceRatio: 0.95,
  candidates: [{ id: 'mini' }],
};

/** What a route's traffic is like: how a candidate does, as a function of the call's score. */
interface Traffic {
  readonly candidate?: string;
  readonly loss: (score: number) => number;
  readonly samples: number;
}

/** A route that lives through some traffic: every call is taken, and routed as the guard says. */
function lived(
  start: GuardState,
  { candidate = 'mini', loss, samples }: Traffic,
  chance: () => number,
): [GuardState, GuardEvent[]] {
  let state = start;
  const events: GuardEvent[] = [];
  for (let index = 0; index < samples; index += 1) {
    const score = chance();
    const standing = guardStanding(state);
    const isRouted =
      standing.kind === 'certified' &&
      standing.candidate === candidate &&
      (standing.threshold === 'all' || score <= standing.threshold);
    const sample = { candidate, loss: loss(score), score, wasRouted: isRouted, costNanoUsd: nanoUsd(3), atMs: index };
    const seen = observe(state, sample);
    state = seen.state;
    if (seen.event !== undefined) events.push(seen.event);
  }
  return [state, events];
}

const never = (): number => 0;
const often = (ratio: number, chance: () => number) => (): number => (chance() < ratio ? 1 : 0);

describe('a route with one cheaper target', () => {
  test('sends everything to the strong one until samples have shown enough', () => {
    const fresh = newGuard(PLAN);
    expect(guardStanding(fresh)).toEqual({ kind: 'calibrating', calibration: '1.0' });
    const [state, events] = lived(fresh, { loss: never, samples: 400 }, seededChance(1));
    const certified = events[0]?.samples ?? Number.NaN;
    expect(events).toMatchObject([{ kind: 'certified', candidate: 'mini', threshold: 'all', round: 1, meanLoss: 0 }]);
    expect(events[0]?.eValue).toBeGreaterThanOrEqual(20);
    expect(certified).toBeGreaterThan(LEAST_SAMPLES);
    expect(certified).toBeLessThan(200);
    expect(guardStanding(state)).toEqual({
      kind: 'certified',
      candidate: 'mini',
      index: 0,
      threshold: 'all',
      sinceMs: certified - 1,
      calibration: `1.${certified}`,
    });
  });

  test('is never certified by a handful of samples, however good', () => {
    const generous = newGuard({ ...PLAN, maxQualityLoss: 0.9, confidenceRatio: 0.5 });
    const [state] = lived(generous, { loss: () => -1, samples: LEAST_SAMPLES - 1 }, seededChance(1));
    expect(guardStanding(state).kind).toBe('calibrating');
    expect(guardStanding(lived(state, { loss: () => -1, samples: 1 }, seededChance(1))[0]).kind).toBe('certified');
  });

  test('goes back to the strong one when quality falls, and begins anew', () => {
    const chance = seededChance(3);
    const [good] = lived(newGuard(PLAN), { loss: never, samples: 3000 }, chance);
    const [fallen, events] = lived(good, { loss: often(0.4, chance), samples: 300 }, chance);
    expect(events).toMatchObject([{ kind: 'alarm', candidate: 'mini', round: 1 }]);
    expect(guardStanding(fallen)).toMatchObject({ kind: 'alarm', calibration: expect.stringMatching(/^2\./u) });
    // It stays there while the target is bad, and is trusted again once it has been good for long enough.
    const [bad, none] = lived(fallen, { loss: often(0.4, chance), samples: 2000 }, chance);
    expect(none).toEqual([]);
    const [better, back] = lived(bad, { loss: never, samples: 3000 }, chance);
    expect(back).toMatchObject([{ kind: 'certified', round: 2 }]);
    expect(guardStanding(better).kind).toBe('certified');
    expect(better.events.map(({ kind }) => kind)).toEqual(['certified', 'alarm', 'certified']);
  });

  test('takes a sample of an earlier round, or of a target it does not know, for money only', () => {
    const sample = { candidate: 'mini', loss: 1, wasRouted: true, costNanoUsd: nanoUsd(7), atMs: 0 };
    const fresh = newGuard(PLAN);
    for (const other of [
      { ...sample, round: 2 },
      { ...sample, candidate: 'gone' },
    ]) {
      expect(observe(fresh, other)).toEqual({ state: { ...fresh, spentNanoUsd: 7 } });
    }
  });

  test('raises no alarm over calls that the strong target answered', () => {
    const [good] = lived(newGuard(PLAN), { loss: never, samples: 400 }, seededChance(1));
    const pinned = { candidate: 'mini', loss: 1, wasRouted: false, costNanoUsd: nanoUsd(0), atMs: 0 };
    let state = good;
    for (let index = 0; index < 500; index += 1) ({ state } = observe(state, pinned));
    expect(guardStanding(state).kind).toBe('certified');
    expect(state.routed).toEqual(good.routed);
  });

  test.each([Number.NaN, 1.01, -2])('does not take %d for a loss', (loss) => {
    const sample = { candidate: 'mini', loss, wasRouted: true, costNanoUsd: nanoUsd(0), atMs: 0 };
    expect(() => observe(newGuard(PLAN), sample)).toThrow('not a loss');
  });
});

describe('a route with several cheaper targets', () => {
  const two: GuardPlan = { ...PLAN, candidates: [{ id: 'nano' }, { id: 'mini' }] };

  test('uses the cheapest that is certified, and goes on looking at cheaper ones', () => {
    const [first] = lived(newGuard(two), { candidate: 'mini', loss: never, samples: 400 }, seededChance(1));
    expect(guardStanding(first)).toMatchObject({ kind: 'certified', candidate: 'mini', index: 1 });
    const [second, events] = lived(first, { candidate: 'nano', loss: never, samples: 400 }, seededChance(2));
    expect(events).toMatchObject([{ kind: 'certified', candidate: 'nano' }]);
    expect(guardStanding(second)).toMatchObject({ kind: 'certified', candidate: 'nano', index: 0 });
  });

  test('needs more evidence for each, so that all together keep the promise', () => {
    const needed = (plan: GuardPlan): number =>
      lived(newGuard(plan), { loss: never, samples: 400 }, seededChance(1))[1][0]?.samples ?? Number.NaN;
    expect(needed(two)).toBeGreaterThan(needed(PLAN));
    expect(guardReport(newGuard(two)).neededEValue).toBeCloseTo(40, 9);
  });
});

describe('a route with a score', () => {
  const thresholds = [0.2, 0.4, 0.6, 0.8];
  const scored: GuardPlan = { ...PLAN, candidates: [{ id: 'mini', thresholds }] };
  /** Good below 0.5, bad above. */
  const halfGood = (chance: () => number) => (score: number) => (score <= 0.5 ? 0 : often(0.7, chance)());

  test('is certified threshold by threshold, up to the last that keeps the loss of all calls', () => {
    const chance = seededChance(5);
    const [state, events] = lived(newGuard(scored), { loss: halfGood(chance), samples: 6000 }, chance);
    // 0.6: one call in ten is one of those that lose, 0.07 of all; 0.4 loses nothing.
    expect(guardStanding(state)).toMatchObject({ kind: 'certified', threshold: 0.4 });
    expect(events.every(({ kind }) => kind === 'certified')).toBe(true);
  });

  test('has an alarm for the loss of all calls, not of the routed ones alone', () => {
    const chance = seededChance(6);
    // Of calls up to 0.2 one in eight is worse: 0.025 of all, which is within 0.05.
    const eighth: Traffic = { loss: (score) => (score <= 0.2 ? often(0.125, chance)() : 1), samples: 8000 };
    const [state, events] = lived(newGuard(scored), eighth, chance);
    expect(events).toMatchObject([{ kind: 'certified', threshold: 0.2 }]);
    const [, after] = lived(state, { ...eighth, loss: () => 1, samples: 1000 }, chance);
    expect(after[0]).toMatchObject({ kind: 'alarm', threshold: 0.2 });
  });

  test('is not certified up to a score that hardly any call has: nothing would be saved, and fewer calls would be sampled', () => {
    const chance = seededChance(7);
    const plan: GuardPlan = { ...PLAN, candidates: [{ id: 'mini', thresholds: [-1, 0.01, 0.5] }] };
    const good = { loss: (score: number) => (score <= 0.5 ? 0 : 1), samples: 120 };
    const [few, none] = lived(
      newGuard(plan),
      { ...good, loss: (score) => (score <= 0.01 ? 0 : 1), samples: 1500 },
      chance,
    );
    expect(none).toEqual([]);
    expect(few.candidates[0]?.steps.map(({ hasPassed }) => hasPassed)).toEqual([true, true, false]);
    expect(guardStanding(few).kind).toBe('calibrating');
    const [, events] = lived(newGuard(plan), good, chance);
    expect(events).toMatchObject([{ kind: 'certified', threshold: 0.5 }]);
  });

  test('a call without a score is one that the strong target answers', () => {
    let state = newGuard(scored);
    for (let index = 0; index < 300; index += 1) {
      ({ state } = observe(state, { candidate: 'mini', loss: 1, wasRouted: false, costNanoUsd: nanoUsd(0), atMs: 0 }));
    }
    expect(guardReport(state).candidates[0]?.steps.map(({ loss }) => loss?.mean)).toEqual([0, 0, 0, 0]);
  });
});

describe('the state', () => {
  const sample = fc.record({
    candidate: fc.constantFrom('nano', 'mini'),
    loss: fc.oneof(fc.constantFrom(-1, 0, 1), fc.double({ min: -1, max: 1, noNaN: true })),
    score: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
    wasRouted: fc.boolean(),
    costNanoUsd: fc.integer({ min: 0, max: 1e9 }).map(nanoUsd),
    atMs: fc.integer({ min: 0, max: 2e12 }),
  });
  const plan: GuardPlan = { ...PLAN, candidates: [{ id: 'nano', thresholds: [0.1, 0.5, 0.9] }, { id: 'mini' }] };

  test('is the same after a way through JSON, and goes on as if nothing had been', () => {
    fc.assert(
      fc.property(fc.array(sample, { maxLength: 60 }), (samples: readonly GuardSample[]) => {
        let straight = newGuard(plan);
        let stored = straight;
        for (const each of samples) {
          straight = observe(straight, each).state;
          const read = readGuardState(JSON.parse(JSON.stringify(observe(stored, each).state)), plan);
          expect(read).toBeDefined();
          stored = read ?? stored;
        }
        expect(stored).toEqual(straight);
        expect(straight.spentNanoUsd).toBe(samples.reduce((sum, { costNanoUsd }) => sum + costNanoUsd, 0));
        expect(straight.allSamples).toBe(samples.length);
      }),
      { numRuns: 40 },
    );
  });

  test('has room below 32 KB for the largest plan, with losses of all kinds and all events', () => {
    const large: GuardPlan = {
      ...PLAN,
      fingerprint: 'f'.repeat(64),
      maxQualityLoss: 0.3,
      candidates: Array.from({ length: MAX_GUARD_STEPS }, (_candidate, index) => ({
        id: `provider/a-model-with-a-name-of-usual-length-${index}`,
      })) as [{ id: string }],
    };
    const chance = seededChance(8);
    let state = newGuard(large);
    for (let index = 0; index < 20_000 && state.events.length < 20; index += 1) {
      const id = large.candidates[index % 2]?.id ?? '';
      const isBad = guardStanding(state).kind === 'certified';
      const loss = isBad ? chance() : -chance();
      state = observe(state, {
        candidate: id,
        loss,
        wasRouted: true,
        costNanoUsd: nanoUsd(1e9),
        atMs: 1.7e12 + index,
      }).state;
    }
    expect(state.events).toHaveLength(20);
    for (const { id } of large.candidates) {
      state = observe(state, {
        candidate: id,
        loss: chance(),
        wasRouted: false,
        costNanoUsd: nanoUsd(1),
        atMs: 0,
      }).state;
    }
    expect(JSON.stringify(state).length).toBeLessThan(32_000);
  });

  test('of another plan, or damaged in any way, is not taken', () => {
    const good = newGuard(plan);
    expect(readGuardState(JSON.parse(JSON.stringify(good)), plan)).toEqual(good);
    const wrong: readonly unknown[] = [
      undefined,
      null,
      [],
      'state',
      { ...good, fingerprint: 'b' },
      { ...good, version: 2 },
      { ...good, samples: null },
      { ...good, routed: { ...good.routed, bets: [0, 0, 0] } },
      { ...good, routed: { ...good.routed, bets: [0, 0, 0, 'x'] } },
      { ...good, candidates: good.candidates.slice(1) },
      { ...good, events: [null] },
      { ...good, events: {} },
    ];
    for (const each of wrong) expect(readGuardState(each, plan)).toBeUndefined();
  });
});

test.each([
  ['maxQualityLoss', { maxQualityLoss: 1 }],
  ['maxQualityLoss', { maxQualityLoss: -0.1 }],
  ['confidence', { confidenceRatio: 1 }],
  ['same name', { candidates: [{ id: 'a' }, { id: 'a' }] }],
  ['rise', { candidates: [{ id: 'a', thresholds: [0.2, 0.1] }] }],
  ['rise', { candidates: [{ id: 'a', thresholds: [] }] }],
  ['at most', { candidates: [{ id: 'a', thresholds: Array.from({ length: 49 }, (_each, index) => index) }] }],
  ['cheaper', { candidates: [] }],
] as const)('a plan is told what is wrong with it: %s', (word, wrong) => {
  expect(() => newGuard({ ...PLAN, ...wrong } as unknown as GuardPlan)).toThrow(word);
});

test('a report says what is known, with what it cost', () => {
  const chance = seededChance(9);
  const [state] = lived(newGuard(PLAN), { loss: often(0.01, chance), samples: 1000 }, chance);
  const report = guardReport(state);
  expect(report).toMatchObject({ round: 1, samples: 1000, allSamples: 1000, spentNanoUsd: 3000, maxQualityLoss: 0.05 });
  expect(report.standing.kind).toBe('certified');
  const [step] = report.candidates[0]?.steps ?? [];
  expect(step).toMatchObject({ threshold: 'all', isCertified: true, loss: { samples: 1000 } });
  expect(step?.eValue).toBeGreaterThan(report.neededEValue);
  expect(report.routed.eValue).toBeLessThan(1 / report.alpha);
  expect(report.routed.loss?.samples).toBe(1000 - (state.since.samples ?? 0));
});

test('targets that lose just what is not allowed are certified in at most alpha of rounds, whichever of them it is', () => {
  const replays = 150;
  const plan: GuardPlan = { ...PLAN, confidenceRatio: 0.9, candidates: [{ id: 'nano' }, { id: 'mini' }] };
  const chance = seededChance(10);
  let wrong = 0;
  for (let replay = 0; replay < replays; replay += 1) {
    let state = newGuard(plan);
    for (let index = 0; index < 600 && guardStanding(state).kind === 'calibrating'; index += 1) {
      const loss = chance() < 0.11 ? 1 : chance() < 0.06 / 0.89 ? -1 : 0;
      const candidate = index % 2 === 0 ? 'nano' : 'mini';
      state = observe(state, { candidate, loss, wasRouted: false, costNanoUsd: nanoUsd(0), atMs: 0 }).state;
    }
    if (guardStanding(state).kind === 'certified') wrong += 1;
  }
  expect(wrong / replays).toBeLessThanOrEqual(0.1 + 2 * Math.sqrt((0.1 * 0.9) / replays));
});
