import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nanoUsd } from '../money.ts';
import {
  accountId,
  accountLifeMs,
  accountParts,
  alertRatios,
  type Budget,
  budgetDefinition,
  type BudgetScope,
  type BudgetWindow,
  parseDefinition,
  scopeValue,
} from './budget.ts';

const name = fc
  .string({ minLength: 1, maxLength: 20, unit: 'grapheme' })
  .filter((text) => !/\p{Surrogate}/u.test(text));
const scope: fc.Arbitrary<BudgetScope> = fc.oneof(
  fc.constant<BudgetScope>({ kind: 'all' }),
  fc.record({ kind: fc.constantFrom('project', 'key', 'model'), name: fc.option(name, { nil: undefined }) }),
  fc.record({ kind: fc.constant('tag'), name }),
);
const window: fc.Arbitrary<BudgetWindow> = fc.oneof(
  fc.constant<BudgetWindow>({ kind: 'total' }),
  fc.record({ kind: fc.constant('calendar'), unit: fc.constantFrom('hour', 'day', 'week', 'month') }),
  fc.record({ kind: fc.constant('rolling'), lengthMs: fc.integer({ min: 60, max: 1e12 }) }),
);
const definedBy = fc.record({ name, scope, window, timezone: fc.constantFrom('UTC', 'Europe/Berlin') });

const FACTS = { project: 'web', keyId: 'key_1', tags: { user: 'ann' }, target: 'openai/gpt-5.5' };

test('a definition says of a budget what its counters depend on, and nothing else', () => {
  fc.assert(
    fc.property(definedBy, (budget) => {
      expect(parseDefinition(budgetDefinition(budget))).toEqual(budget);
    }),
  );
  const budget: Budget = {
    name: 'b',
    scope: { kind: 'all' },
    window: { kind: 'total' },
    timezone: 'UTC',
    limitNanoUsd: nanoUsd(1),
    mode: 'hard',
    alertAtRatios: [],
    onLowBudget: 'refuse',
  };
  const changed: Budget = { ...budget, limitNanoUsd: nanoUsd(2), mode: 'soft', alertAtRatios: [1] };
  expect(budgetDefinition(changed)).toBe(budgetDefinition(budget));
});

test('an account is told from every other, whatever its value looks like', () => {
  fc.assert(
    fc.property(definedBy, name, definedBy, name, (one, value, other, otherValue) => {
      const [left, right] = [budgetDefinition(one), budgetDefinition(other)];
      expect(accountParts(accountId(left, value))).toEqual({ definition: left, value });
      const isSame = left === right && value === otherValue;
      expect(accountId(left, value) === accountId(right, otherValue)).toBe(isSame);
    }),
  );
});

test.each<[BudgetScope, string | undefined]>([
  [{ kind: 'all' }, ''],
  [{ kind: 'project', name: undefined }, 'web'],
  [{ kind: 'project', name: 'web' }, 'web'],
  [{ kind: 'project', name: 'app' }, undefined],
  [{ kind: 'key', name: undefined }, 'key_1'],
  [{ kind: 'model', name: 'openai/gpt-5.5' }, 'openai/gpt-5.5'],
  [{ kind: 'model', name: 'gpt-5.5' }, undefined],
  [{ kind: 'tag', name: 'user' }, 'ann'],
  [{ kind: 'tag', name: 'feature' }, undefined],
])('%j counts under %s', (each, value) => {
  expect(scopeValue(each, FACTS)).toBe(value);
});

test('a soft budget tells at its limit, whatever else it states', () => {
  expect(alertRatios({ mode: 'soft', alertAtRatios: [] })).toEqual([1]);
  expect(alertRatios({ mode: 'soft', alertAtRatios: [0.5, 1] })).toEqual([0.5, 1]);
  expect(alertRatios({ mode: 'hard', alertAtRatios: [] })).toEqual([]);
});

test('an account is kept for longer than its window, and a total for ever', () => {
  expect(accountLifeMs({ kind: 'total' })).toBeUndefined();
  fc.assert(
    fc.property(fc.integer({ min: 60, max: 1e12 }), (lengthMs) => {
      expect(accountLifeMs({ kind: 'rolling', lengthMs })).toBeGreaterThan(lengthMs + lengthMs / 60);
    }),
  );
  expect(accountLifeMs({ kind: 'calendar', unit: 'month' })).toBeGreaterThan(31 * 24 * 3_600_000);
});

test.each(['', 'a', 'a|b|c', 'a|nowhere|day|UTC', 'a|all|fortnight|UTC', 'a|tag|day|UTC'])(
  '%s is no definition',
  (text) => {
    expect(() => parseDefinition(text)).toThrow(RangeError);
  },
);
