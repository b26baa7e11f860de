import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Budget } from '../src/core/budget/budget.ts';
import { accountId, budgetDefinition } from '../src/core/budget/budget.ts';
import { windowPosition } from '../src/core/budget/budget-window.ts';
import { nanoUsd } from '../src/core/money.ts';
import { BudgetWatch } from '../src/gateway/budget-watch.ts';
import { type BudgetFolder, newFolder, openBudgetFolder, removeFolder, testBudget } from './support/budget-folder.ts';

const CONFIG = `
providers: { openai: { protocol: openai, baseUrl: "https://api.openai.com/v1", apiKey: "" } }
budgets:
  - { name: team, scope: all, limitUsd: 10, window: month }
  - { name: users, scope: "tag:user", limitUsd: 5, window: month, onLowBudget: lower }
  - { name: model, scope: model, limitUsd: 100, window: total, mode: soft }
`;

const TEAM = testBudget();
const CONFIGURED: readonly Budget[] = [
  TEAM,
  testBudget({ name: 'users', scope: { kind: 'tag', name: 'user' }, limitNanoUsd: nanoUsd(5e9), onLowBudget: 'lower' }),
  testBudget({
    name: 'model',
    scope: { kind: 'model', name: undefined },
    limitNanoUsd: nanoUsd(100e9),
    window: { kind: 'total' },
    mode: 'soft',
  }),
];

// Each command is a process of its own, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

interface Outcome {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

let data: BudgetFolder;
let watch: BudgetWatch;

/** Runs the command line as an operator does, in a process of its own. */
function farthing(...words: readonly string[]): Promise<Outcome> {
  const place = ['--data', data.folder, '--config', join(data.folder, 'farthing.yaml')];
  return new Promise((resolve) => {
    const child = execFile(process.execPath, ['src/cli/main.ts', ...words, ...place], (_error, output, errors) => {
      resolve({ code: child.exitCode ?? -1, output, errors });
    });
  });
}

async function json(...words: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
  const { output, errors } = await farthing(...words, '--json');
  expect(errors).toBe('');
  return JSON.parse(output) as Readonly<Record<string, unknown>>;
}

beforeAll(async () => {
  const folder = newFolder();
  writeFileSync(join(folder, 'farthing.yaml'), CONFIG);
  data = await openBudgetFolder(CONFIGURED, folder);
  const { book, budgets } = data;
  const onBudgets = (held: readonly Budget[]): void => budgets.setBudgets(held);
  watch = await BudgetWatch.start({ book, configured: CONFIGURED, onBudgets, onFault: () => undefined });
  await data.spend('alice', '3');
  await data.spend('bob', '1.5');
  await data.reported();
});
afterAll(async () => {
  await watch.close();
  await data.close();
  removeFolder(data.folder);
});

describe('while a gateway runs', () => {
  test('list prints a line for each account, or JSON', async () => {
    const { output, code } = await farthing('budgets', 'list');
    expect(code).toBe(0);
    const lines = output
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {2,}/));
    expect(lines[0]).toEqual([
      'budget',
      'from',
      'scope',
      'window',
      'mode',
      'limit',
      'account',
      'used',
      'held',
      'left',
      'resets',
    ]);
    expect(lines[2]?.slice(0, 9)).toEqual([
      'team',
      'configuration',
      'all',
      'month',
      'hard',
      '10.000000',
      '4.500000',
      '0.000000',
      '5.500000',
    ]);
    expect(lines.filter(([first]) => first === 'users' || first === '')).toHaveLength(2);
    const { budgets } = await json('budgets', 'list', '--name', 'users', '--accounts', '1');
    expect(budgets).toMatchObject([
      { name: 'users', accountCount: 2, accounts: [{ value: 'alice', usedUsd: '3.00' }] },
    ]);
    const unknown = await farthing('budgets', 'list', '--name', 'nobody');
    expect([unknown.code, unknown.errors]).toEqual([1, expect.stringContaining('no budget "nobody"')]);
  });

  test('set changes what is given, and the gateway has it within a second; remove takes it back', async () => {
    const { output } = await farthing('budgets', 'set', 'team', '--limit', '4.6', '--alert', '0.5,0.8');
    expect(output).toBe('team: hard, $4.60 for all, month.\n');
    await vi.waitFor(() => expect(watch.budgets.find(({ name }) => name === 'team')?.limitNanoUsd).toBe(4.6e9), 1000);
    await expect(data.spend('bob', '0.2')).rejects.toMatchObject({ code: 'budget-spent' });
    expect(await json('budgets', 'set', 'team', '--mode', 'soft')).toMatchObject({
      limitUsd: '4.60',
      alertAt: [0.5, 0.8],
      mode: 'soft',
      origin: 'stored',
    });
    expect(await json('budgets', 'remove', 'team')).toEqual({ removed: true });
    await vi.waitFor(() => expect(watch.budgets.find(({ name }) => name === 'team')).toEqual(TEAM), 1000);
    expect((await farthing('budgets', 'remove', 'team')).errors).toContain('stands in the configuration');
  });

  test('what cannot be set is one message and exit code 2, or 1 where something is missing', async () => {
    const wrong = [
      ['--limit', '1e3'],
      ['--scope', 'me'],
      ['--window', 'year'],
      ['--alert', '0'],
      ['--mode', 'x'],
      ['--timezone', 'Mars'],
    ];
    const codes = await Promise.all(
      wrong.map(async (words) => (await farthing('budgets', 'set', 'new', ...words)).code),
    );
    expect(codes).toEqual(wrong.map(() => 2));
    const missing = await farthing('budgets', 'set', 'new', '--limit', '1');
    expect([missing.code, missing.errors]).toEqual([1, 'scope is missing: there is no budget of that name yet\n']);
  });

  test('explain says which budgets count a call in which order, what it reserves, and what would become of it', async () => {
    const call = ['budgets', 'explain', '--tag', 'user=alice', '--model', 'gpt-5.4-mini', '--input-tokens', '1000'];
    const small = await json(...call, '--max-output-tokens', '2000');
    expect(small).toMatchObject({ verdict: 'passes', outputTokens: 2000, notTold: [] });
    expect(
      (small['budgets'] as readonly { name: string; says: string }[]).map(({ name, says }) => `${name} ${says}`),
    ).toEqual(['model counts', 'team fits', 'users fits']);
    expect(Number(small['reservesUsd'])).toBeGreaterThan(0.009);
    const large = await json(...call, '--max-output-tokens', '1000000');
    expect(large).toMatchObject({ verdict: 'lowered', why: expect.stringMatching(/lowered to \d+ tokens, .* users/) });
    const tooLarge = await farthing('budgets', 'explain', '--model', 'openai/gpt-5.5', '--input-tokens', '1000000');
    expect(tooLarge.output).toMatch(/It is refused \(402\): team is too small for it, its limit is \$\d/);
    const unpriced = await json('budgets', 'explain', '--model', 'openai/nobody-knows', '--input-tokens', '1');
    expect(unpriced).toMatchObject({ verdict: 'refused', why: expect.stringContaining('has no price') });
    const unsized = await json('budgets', 'explain');
    expect(unsized).toMatchObject({ verdict: 'unknown', notTold: ['model (say --model)'] });
  });

  test('reset brings an account to nothing, and verify sees no drift in it', async () => {
    expect((await farthing('budgets', 'reset', 'users')).errors).toContain('say whose is reset');
    const { output } = await farthing('budgets', 'reset', 'users', '--value', 'alice');
    expect(output).toBe('users of alice is reset: $3.00 counts no more.\n');
    const { budgets } = await json('budgets', 'list', '--name', 'users');
    expect(budgets).toMatchObject([{ accounts: [{ value: 'bob' }, { value: 'alice', usedUsd: '0.00' }] }]);
    await data.spend('alice', '4.9');
    const verified = await farthing('ledger', 'verify');
    expect([verified.code, verified.output]).toEqual([0, expect.stringMatching(/^\d+ accounts, no drift\.\n/)]);
  });
});

test('verify exits 1 on drift and prints it, repairs it, and also works when no gateway runs', async () => {
  await data.close();
  const at = String(windowPosition(TEAM.window, 'UTC', Date.now()).bucket);
  const { openSqliteBudgetStore } = await import('../src/stores/sqlite/sqlite-budget-store.ts');
  const { budgetsPath } = await import('../src/stores/sqlite/data-files.ts');
  const { systemClock } = await import('../src/engine/system-ports.ts');
  const store = await openSqliteBudgetStore({ path: budgetsPath(data.folder), clock: systemClock });
  const { generation = '' } = await store.standing();
  const account = accountId(budgetDefinition(TEAM), '');
  await store.adjust(account, 'nobody knows it', { [at]: nanoUsd(250_000_000) }, { generation });
  await store.close();
  const found = await farthing('ledger', 'verify');
  expect(found.code).toBe(1);
  expect(found.output.split('\n')[2]?.split(/ {2,}/)).toEqual([
    'team',
    'counter differs',
    expect.any(String),
    expect.any(String),
    '0.25',
  ]);
  expect((await json('ledger', 'verify'))['drifts']).toMatchObject([{ budget: 'team', value: '', cause: 'base' }]);
  const repaired = await farthing('ledger', 'verify', '--repair');
  expect([repaired.code, repaired.output]).toEqual([0, expect.stringContaining('Repaired: no drift any more.')]);
  expect((await farthing('ledger', 'verify')).code).toBe(0);
  data = await openBudgetFolder(CONFIGURED, data.folder);
  expect((await json('budgets', 'list', '--name', 'team'))['budgets']).toMatchObject([
    { accounts: [{ usedUsd: '9.40' }] },
  ]);
});
