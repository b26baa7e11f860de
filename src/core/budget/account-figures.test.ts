import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nanoUsd, parseUsd } from '../money.ts';
import { accountFigures, FiguresOfBudgets } from './account-figures.ts';
import { type AccountState, EMPTY_ACCOUNT } from './account-state.ts';
import { accountId, type Budget, budgetDefinition } from './budget.ts';
import { forecastCall, type ForecastInput } from './budget-forecast.ts';

const NOW = Date.UTC(2026, 10, 23, 12);
const TODAY = Date.UTC(2026, 10, 23);

const USERS: Budget = {
  name: 'users',
  scope: { kind: 'tag', name: 'user' },
  limitNanoUsd: parseUsd('10'),
  window: { kind: 'calendar', unit: 'day' },
  timezone: 'UTC',
  mode: 'hard',
  alertAtRatios: [],
  onLowBudget: 'refuse',
};
const TEAM: Budget = { ...USERS, name: 'team', scope: { kind: 'all' } };

function stateOf(used: number, held: number = 0): AccountState {
  return {
    ...EMPTY_ACCOUNT,
    base: { [TODAY]: nanoUsd(used), [TODAY - 86_400_000]: nanoUsd(77) },
    owners: { a: { sequence: 1, heldNanoUsd: nanoUsd(held), settled: {} } },
  };
}

const userAccount = (user: string) => accountId(budgetDefinition(USERS), user);

test('what was used before the window counts no more, also when nobody has spent since', () => {
  expect(accountFigures(USERS, userAccount('alice'), stateOf(3e9, 2e9), NOW)).toEqual({
    account: userAccount('alice'),
    value: 'alice',
    usedNanoUsd: 3e9,
    heldNanoUsd: 2e9,
    leftNanoUsd: 7e9,
    resetsAtMs: TODAY + 86_400_000,
  });
  const tomorrow = accountFigures(USERS, userAccount('alice'), stateOf(3e9), NOW + 86_400_000);
  expect([tomorrow.usedNanoUsd, tomorrow.leftNanoUsd]).toEqual([0, 10e9]);
  expect(accountFigures(USERS, userAccount('alice'), stateOf(13e9), NOW).leftNanoUsd).toBe(0);
});

test('however many accounts there are, those that have used most are kept, highest first, and all are counted', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(1000), { maxLength: 400 }), fc.integer({ min: 1, max: 5 }), (used, limit) => {
      const figures = new FiguresOfBudgets([USERS, TEAM], { nowMs: NOW, limit });
      for (const [index, amount] of used.entries()) figures.add(userAccount(`${index}`), stateOf(amount));
      figures.add(accountId('gone|all|day|UTC', ''), stateOf(5));
      const [users, team] = figures.figures();
      expect(users?.accountCount).toBe(used.length);
      expect(users?.accounts.map(({ usedNanoUsd }) => usedNanoUsd)).toEqual(
        used.toSorted((left, right) => right - left).slice(0, limit),
      );
      expect([team?.accountCount, team?.accounts.map(({ usedNanoUsd }) => usedNanoUsd)]).toEqual([1, [0]]);
    }),
  );
});

test('one value may be asked for', () => {
  const figures = new FiguresOfBudgets([USERS, TEAM], { nowMs: NOW, limit: 5, value: 'bob' });
  figures.add(userAccount('alice'), stateOf(2));
  figures.add(userAccount('bob'), stateOf(1));
  expect(figures.figures().map(({ accounts }) => accounts.map(({ value }) => value))).toEqual([['bob'], []]);
});

describe('a forecast', () => {
  const input = (changes: Partial<ForecastInput>): ForecastInput => ({
    budgets: [USERS, TEAM],
    facts: { project: 'p', keyId: 'k', tags: { user: 'alice' }, target: 'openai/gpt-5.5' },
    accounts: new Map([[userAccount('alice'), stateOf(4e9, 5e9)]]),
    maxAccounts: 10,
    amount: nanoUsd(1e9),
    nowMs: NOW,
    ...changes,
  });
  const verdicts = (changes: Partial<ForecastInput>): readonly string[] =>
    forecastCall(input(changes)).map(({ budget, verdict }) => `${budget.name} ${verdict}`);

  test('says in the order of reserving which budgets count a call and what each says', () => {
    expect(verdicts({})).toEqual(['team fits', 'users fits']);
    expect(verdicts({ amount: nanoUsd(2e9) })).toEqual(['team fits', 'users held']);
    expect(verdicts({ amount: nanoUsd(7e9) })).toEqual(['team fits', 'users spent']);
    expect(verdicts({ amount: nanoUsd(11e9) })).toEqual(['team spent', 'users spent']);
    expect(verdicts({ amount: 'unpriced' })).toEqual(['team unpriced', 'users unpriced']);
    expect(verdicts({ amount: undefined })).toEqual(['team counts', 'users counts']);
  });

  test('leaves out budgets that do not count the call; soft ones only count', () => {
    const facts = { project: 'p', keyId: 'k', tags: {}, target: 'openai/gpt-5.5' };
    expect(verdicts({ facts })).toEqual(['team fits']);
    expect(verdicts({ budgets: [{ ...TEAM, mode: 'soft' }], amount: nanoUsd(99e9) })).toEqual(['team counts']);
  });

  test('says when one value more is too many', () => {
    const facts = { project: 'p', keyId: 'k', tags: { user: 'carol' }, target: 'openai/gpt-5.5' };
    expect(verdicts({ facts, maxAccounts: 1 })).toEqual(['team fits', 'users full']);
    expect(verdicts({ maxAccounts: 1 })).toEqual(['team fits', 'users fits']);
  });
});
