import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Budget } from '../../src/core/budget/budget.ts';
import { BudgetWatch } from '../../src/gateway/budget-watch.ts';
import { type BudgetFolder, openBudgetFolder, removeFolder, testBudget } from '../support/budget-folder.ts';
import { ADMIN_KEY, ask, type Fixture, type Reply, startFixture } from './gateway-fixture.ts';

const CONFIGURED: readonly Budget[] = [
  testBudget({ alertAtRatios: [0.5] }),
  testBudget({ name: 'users', scope: { kind: 'tag', name: 'user' } }),
];

let data: BudgetFolder;
let watch: BudgetWatch;
let gateway: Fixture;

beforeAll(async () => {
  data = await openBudgetFolder(CONFIGURED);
  const { book, store, budgets } = data;
  const onBudgets = (held: readonly Budget[]): void => budgets.setBudgets(held);
  watch = await BudgetWatch.start({ book, configured: CONFIGURED, onBudgets, onFault: () => undefined });
  gateway = await startFixture('', { store, book, watch });
});
afterAll(async () => {
  await gateway.close();
  await watch.close();
  await data.close();
  removeFolder(data.folder);
});

function admin(method: string, path: string, body?: unknown, key: string = ADMIN_KEY): Promise<Reply> {
  const type = body === undefined ? {} : { 'content-type': 'application/json' };
  return ask(gateway.url, {
    method,
    path: `/admin/v1/budgets${path}`,
    headers: { 'x-api-key': key, ...type },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

interface Listed {
  readonly name: string;
  readonly origin: string;
  readonly limitUsd: string;
  readonly accountCount: number;
  readonly accounts: readonly Readonly<Record<string, unknown>>[];
}

async function list(query = ''): Promise<readonly Listed[]> {
  const reply = await admin('GET', query);
  expect(reply.status).toBe(200);
  return reply.json()['budgets'] as readonly Listed[];
}

test('budgets are listed with what was used, held and left, highest use first, as many as asked for', async () => {
  for (const [user, usd] of [
    ['bob', '0.25'],
    ['alice', '2'],
    ['carol', '0.5'],
  ] as const)
    await data.spend(user, usd);
  await data.reported();
  const [team, users] = await list();
  expect(team).toMatchObject({
    name: 'team',
    origin: 'configuration',
    scope: 'all',
    window: 'month',
    timezone: 'UTC',
    mode: 'hard',
    limitUsd: '10.00',
    alertAt: [0.5],
    onLowBudget: 'refuse',
    accountCount: 1,
    accounts: [
      { value: '', usedUsd: '2.75', heldUsd: '0.00', leftUsd: '7.25', resetsAt: expect.stringMatching(/-01T00:/) },
    ],
  });
  expect(users?.accounts.map(({ value }) => value)).toEqual(['alice', 'carol', 'bob']);
  const [limited] = await list('?name=users&limit=1');
  expect([limited?.accountCount, limited?.accounts.map(({ value }) => value)]).toEqual([3, ['alice']]);
  const [one] = await list('?name=users&value=bob');
  expect(one?.accounts.map(({ usedUsd }) => usedUsd)).toEqual(['0.25']);
});

test('a changed limit keeps the usage and holds for the next call; taken away, that of the configuration holds', async () => {
  const put = await admin('PUT', '/team', { limitUsd: '2.80', onLowBudget: 'lower' });
  expect([put.status, put.json()['budget']]).toEqual([
    200,
    expect.objectContaining({ name: 'team', origin: 'stored', limitUsd: '2.80', onLowBudget: 'lower', mode: 'hard' }),
  ]);
  const [team] = await list('?name=team');
  expect([team?.origin, team?.accounts[0]?.['usedUsd'], team?.accounts[0]?.['leftUsd']]).toEqual([
    'stored',
    '2.75',
    '0.05',
  ]);
  await expect(data.spend('alice', '0.06')).rejects.toMatchObject({ code: 'budget-spent' });
  const removed = await admin('DELETE', '/team');
  expect(removed.json()['budget']).toMatchObject({ origin: 'configuration', limitUsd: '10.00' });
  await data.spend('alice', '0.06');
  expect((await admin('DELETE', '/team')).status).toBe(404);
});

test('a new budget is made, its counters are built from the ledger, and it goes when it is deleted', async () => {
  const made = await admin('PUT', '/search%20team', {
    scope: 'project:search',
    limitUsd: 3,
    window: { rolling: '24h' },
    mode: 'soft',
    alertAt: [0.8, 2],
  });
  expect([made.status, made.json()['budget']]).toEqual([
    201,
    expect.objectContaining({ name: 'search team', window: { rolling: '24h' }, alertAt: [0.8, 2], timezone: 'UTC' }),
  ]);
  await vi.waitFor(async () => {
    const [budget] = await list('?name=search%20team');
    expect(budget?.accounts[0]?.['usedUsd']).toBe('2.81');
  }, 5000);
  expect((await admin('DELETE', '/search%20team')).json()).toEqual({ budget: null });
  expect((await list()).map(({ name }) => name)).toEqual(['team', 'users']);
});

test('a reset brings one account to nothing and leaves the others, and the ledger, as they are', async () => {
  await vi.waitFor(() => expect(data.budgets.isReady).toBe(true), 5000);
  await data.reported();
  const reset = await admin('POST', '/users/reset', { value: 'alice' });
  expect([reset.status, reset.json()]).toEqual([200, { clearedUsd: '2.06' }]);
  const [users] = await list('?name=users');
  expect(users?.accounts.map(({ value, usedUsd }) => [value, usedUsd])).toEqual([
    ['carol', '0.50'],
    ['bob', '0.25'],
    ['alice', '0.00'],
  ]);
  await data.spend('alice', '7');
  expect((await list('?name=team'))[0]?.accounts[0]?.['usedUsd']).not.toBe('0.00');
  expect((await admin('POST', '/users/reset')).json()).toMatchObject({ error: { param: 'value' } });
  expect((await data.book.adjustments()).map(({ amounts }) => Object.values(amounts))).toEqual([[-2_060_000_000]]);
});

test('what is wrong is refused with the field that is at fault, and changes nothing', async () => {
  const wrong: readonly (readonly [string, unknown])[] = [
    ['scope', { scope: 'everything' }],
    ['limitUsd', { limitUsd: '1e3' }],
    ['limitUsd', { limitUsd: -1 }],
    ['limitUsd', { limitUsd: '9999999.9' }],
    ['window', { window: 'year' }],
    ['window', { window: { rolling: '0s' } }],
    ['timezone', { timezone: 'Mars' }],
    ['mode', { mode: 'medium' }],
    ['alertAt', { alertAt: [0] }],
    ['alertAt', { alertAt: 0.5 }],
    ['onLowBudget', { onLowBudget: null }],
    ['limit', { limit: 5 }],
    ['body', []],
  ];
  for (const [param, body] of wrong) {
    const reply = await admin('PUT', '/team', body);
    expect([reply.status, reply.json()]).toEqual([
      400,
      expect.objectContaining({ error: expect.objectContaining({ param }) }),
    ]);
  }
  const incomplete = await admin('PUT', '/new', { limitUsd: '1' });
  expect([incomplete.status, incomplete.body]).toEqual([400, expect.stringContaining('scope is missing')]);
  expect((await admin('PUT', '/a%7Cb', { limitUsd: '1' })).status).toBe(400);
  for (const path of ['?name=nobody', '?limit=0', '?limit=100000', '?what=1']) {
    expect((await admin('GET', path)).status).toBeGreaterThanOrEqual(400);
  }
  expect((await admin('POST', '/nobody/reset')).status).toBe(404);
  expect((await list()).map(({ origin }) => origin)).toEqual(['configuration', 'configuration']);
});

test('nobody but the admin gets to budgets, and a gateway without budgets says so', async () => {
  for (const [method, path] of [
    ['GET', ''],
    ['PUT', '/team'],
    ['DELETE', '/team'],
    ['POST', '/team/reset'],
  ] as const) {
    expect((await admin(method, path, method === 'PUT' || method === 'POST' ? {} : undefined, 'wrong')).status).toBe(
      401,
    );
  }
  const without = await startFixture();
  const reply = await ask(without.url, { path: '/admin/v1/budgets', headers: { 'x-api-key': ADMIN_KEY } });
  expect([reply.status, reply.body]).toEqual([404, expect.stringContaining('counts no budgets')]);
  await without.close();
});
