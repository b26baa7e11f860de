import { expect, test } from 'vitest';
import type { Target } from '../model/target.ts';
import { type QualityStanding, routeChoice, type RouteChoiceInputs } from './route-choice.ts';
import type { RouteRule } from './route-rule.ts';

const [small, middle, large, spare] = ['small', 'middle', 'large', 'spare'].map((model) => ({
  provider: 'a',
  model,
})) as [Target, Target, Target, Target];

const RULE: RouteRule = {
  name: 'r',
  match: {},
  targets: [small, middle, large],
  fallbacks: [spare],
  cascade: undefined,
  quality: undefined,
  score: undefined,
  sticky: true,
  policyVersion: 'v1',
};

const INPUTS: RouteChoiceInputs = {
  targets: [small, middle, large],
  fallbacks: [spare],
  standing: undefined,
  isSampled: true,
  score: undefined,
  scoreThreshold: undefined,
  isCascadeOn: true,
};

const CERTIFIED: QualityStanding = { certifiedIndex: 1, threshold: undefined, isAlarmed: false, calibration: '2.400' };
const SCORED: RouteRule = { ...RULE, score: { model: {} as never, threshold: undefined } };

test('without quality to keep the first target answers, dearer ones and fallbacks stand behind it', () => {
  const choice = routeChoice(RULE, INPUTS);
  expect(choice.targets).toEqual([small, middle, large, spare]);
  expect(choice.facts).toEqual({ route: 'r', reason: 'first', policyVersion: 'v1' });
});

test('the cheapest certified target answers, and behind it only the strong one and the fallbacks', () => {
  const cheapest = routeChoice(RULE, { ...INPUTS, standing: { ...CERTIFIED, certifiedIndex: 0 } });
  expect(cheapest.targets).toEqual([small, large, spare]);
  const choice = routeChoice(RULE, { ...INPUTS, standing: CERTIFIED });
  expect(choice.targets).toEqual([middle, large, spare]);
  expect(choice.facts).toEqual({ route: 'r', reason: 'certified', policyVersion: 'v1', calibration: '2.400' });
});

test('a certified target that cannot be asked is replaced by the strong one, never by a cheaper one', () => {
  expect(routeChoice(RULE, { ...INPUTS, targets: [small, large], standing: CERTIFIED }).targets).toEqual([
    large,
    spare,
  ]);
});

test('as long as nothing is certified, and after an alarm, the strong target answers whatever else the route has', () => {
  for (const isAlarmed of [false, true]) {
    const standing = { ...CERTIFIED, certifiedIndex: undefined, isAlarmed };
    for (const rule of [RULE, { ...RULE, cascade: { verify: [] } }]) {
      const choice = routeChoice(rule, { ...INPUTS, standing });
      expect(choice.targets).toEqual([large, spare]);
      expect(choice).toMatchObject({ facts: { reason: isAlarmed ? 'alarm' : 'uncertified' }, isCascade: false });
    }
  }
});

test('a cascade begins with its first target while it pays, else the last one is asked at once', () => {
  const rule = { ...RULE, cascade: { verify: [] } };
  expect(routeChoice(rule, INPUTS)).toMatchObject({ targets: [small, middle, large, spare], isCascade: true });
  expect(routeChoice(rule, { ...INPUTS, isCascadeOn: false })).toMatchObject({
    targets: [large, spare],
    facts: { reason: 'cascade-off' },
    isCascade: false,
  });
});

test.each([
  [{ kind: 'score', score: 0.2 }, 0.3, [small, large, spare], { reason: 'score', score: 0.2, threshold: 0.3 }],
  [{ kind: 'score', score: 0.3 }, 0.3, [small, large, spare], { reason: 'score', score: 0.3, threshold: 0.3 }],
  [{ kind: 'score', score: 0.4 }, 0.3, [large, spare], { reason: 'score', score: 0.4, threshold: 0.3 }],
  [{ kind: 'score', score: 0.2 }, undefined, [large, spare], { reason: 'untrained', score: 0.2 }],
  [{ kind: 'out-of-distribution', drift: 9 }, 0.3, [large, spare], { reason: 'out-of-distribution' }],
  [undefined, 0.3, [large, spare], { reason: 'out-of-distribution' }],
] as const)('a score of %o with threshold %o', (score, scoreThreshold, targets, facts) => {
  const choice = routeChoice(SCORED, { ...INPUTS, targets: [small, large], score, scoreThreshold });
  expect(choice.targets).toEqual(targets);
  expect(choice.facts).toMatchObject(facts);
});

test("the guard's threshold goes before that of the training", () => {
  const standing = { ...CERTIFIED, certifiedIndex: 0, threshold: 0.1 };
  const inputs = {
    ...INPUTS,
    targets: [small, large] as const,
    standing,
    score: { kind: 'score', score: 0.2 } as const,
  };
  expect(routeChoice(SCORED, { ...inputs, scoreThreshold: 0.3 }).targets[0]).toBe(large);
});

test('the score of a call is told also where another reason decides, and a prompt that it does not know has none', () => {
  const standing = { ...CERTIFIED, certifiedIndex: undefined };
  const known = routeChoice(SCORED, { ...INPUTS, standing, score: { kind: 'score', score: 0.2 } });
  expect(known.facts).toMatchObject({ reason: 'uncertified', score: 0.2 });
  const unknown = routeChoice(SCORED, { ...INPUTS, standing, score: { kind: 'out-of-distribution', drift: 9 } });
  expect(unknown.facts.score).toBeUndefined();
});
