import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseUsd } from '../money.ts';
import { type Budget, budgetDefinition, parseScope, scopeText } from './budget.ts';
import { type BudgetChange, changedBudget } from './budget-change.ts';
import { isBudgetName, readAlertRatio, readScope, readTimezone, windowWords } from './budget-text.ts';
import { effectiveBudgets } from './effective-budgets.ts';

const TEAM: Budget = {
  name: 'team',
  scope: { kind: 'all' },
  limitNanoUsd: parseUsd('50'),
  window: { kind: 'calendar', unit: 'day' },
  timezone: 'Europe/Berlin',
  mode: 'soft',
  alertAtRatios: [0.5],
  onLowBudget: 'lower',
};

const named = (name: string, limitUsd: string): Budget => ({ ...TEAM, name, limitNanoUsd: parseUsd(limitUsd) });

test('stored budgets replace configured ones of their name, and others are added', () => {
  const names: fc.Arbitrary<string[]> = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'));
  fc.assert(
    fc.property(names, names, (configured, stored) => {
      const held = effectiveBudgets(
        configured.map((name) => named(name, '1')),
        stored.map((name) => named(name, '2')),
      );
      expect(new Set(held.map(({ budget }) => budget.name))).toEqual(new Set([...configured, ...stored]));
      expect(held).toHaveLength(new Set([...configured, ...stored]).size);
      for (const { budget, origin } of held) {
        const isStored = stored.includes(budget.name);
        expect([origin, budget.limitNanoUsd]).toEqual(isStored ? ['stored', 2e9] : ['configuration', 1e9]);
      }
    }),
  );
});

test('only what is given changes, and the usage is kept unless scope, window or time zone do', () => {
  const change: fc.Arbitrary<BudgetChange> = fc.record(
    {
      limitNanoUsd: fc.constantFrom(parseUsd('1'), parseUsd('2')),
      mode: fc.constantFrom('hard' as const, 'soft' as const),
      alertAtRatios: fc.constantFrom([], [0.5, 0.8]),
      onLowBudget: fc.constantFrom('lower' as const, 'refuse' as const),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(change, (given) => {
      const after = changedBudget('team', TEAM, given);
      expect(after).toEqual({ ...TEAM, ...given });
      expect(budgetDefinition(after)).toBe(budgetDefinition(TEAM));
    }),
  );
});

test('a new budget says its scope, limit and window, and has the defaults of the configuration', () => {
  const given = { scope: TEAM.scope, limitNanoUsd: TEAM.limitNanoUsd, window: TEAM.window };
  expect(changedBudget('new', undefined, { ...given, alertAtRatios: [1, 0.5, 1] })).toEqual({
    ...given,
    name: 'new',
    timezone: 'UTC',
    mode: 'hard',
    alertAtRatios: [0.5, 1],
    onLowBudget: 'refuse',
  });
  for (const [left, field] of [
    ['scope', 'scope'],
    ['limitNanoUsd', 'limitUsd'],
    ['window', 'window'],
  ] as const) {
    const { [left]: _left, ...rest } = given;
    expect(() => changedBudget('new', undefined, rest)).toThrow(`${field} is missing`);
  }
});

test('a name has no bar, no control character and no half of a character', () => {
  expect(['a', 'per user', 'é', 'x'.repeat(128)].filter((name) => !isBudgetName(name))).toEqual([]);
  expect(['', 'a|b', 'a\nb', '\ud800', 'x'.repeat(129)].filter(isBudgetName)).toEqual([]);
  expect(() => changedBudget('a|b', TEAM, {})).toThrow('name has 1 to 128');
});

test('what is read as a scope is written as the same text', () => {
  const text = fc.oneof(
    fc.constantFrom('all', 'project', 'key', 'model', 'tag:user', 'model:openai/gpt-5.5', 'project:a:b'),
    fc.string({ unit: 'binary' }),
    fc.string({ unit: 'binary' }).map((name) => `project:${name}`),
  );
  fc.assert(
    fc.property(text, (each) => {
      const scope = readScope(each);
      if (scope === undefined) return;
      expect(scopeText(scope)).toBe(each);
      expect(parseScope(each)).toEqual(scope);
    }),
  );
  expect(readScope('model:openai/gpt-5.5')).toEqual({ kind: 'model', name: 'openai/gpt-5.5' });
  for (const wrong of ['', 'everything', 'tag', 'tag:User', 'project:', 'model:gpt-5.5', 'all:x', 'project:\ud800']) {
    expect(readScope(wrong)).toBeUndefined();
  }
});

test('windows, time zones and alert ratios are read as people write them', () => {
  const rolling = (lengthMs: number): unknown => windowWords({ kind: 'rolling', lengthMs });
  expect([rolling(86_400_000), rolling(172_800_000), rolling(90_000), rolling(1)]).toEqual([
    { rolling: '24h' },
    { rolling: '2d' },
    { rolling: '90s' },
    { rolling: '1ms' },
  ]);
  expect([readTimezone('Europe/Berlin'), readTimezone('Mars')]).toEqual(['Europe/Berlin', undefined]);
  expect(['0.5', '1', '10', '10.0'].map(readAlertRatio)).toEqual([0.5, 1, 10, 10]);
  expect(['0', '0.0', '10.1', '11', '-1', '1e1', ''].map(readAlertRatio)).toEqual(Array.from({ length: 7 }));
});
