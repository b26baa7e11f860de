import { setTimeout as sleep } from 'node:timers/promises';
import * as fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import {
  type BudgetFolder,
  newFolder,
  openBudgetFolder,
  removeFolder,
  testBudget,
} from '../../../test/support/budget-folder.ts';
import { accountId, budgetDefinition } from '../../core/budget/budget.ts';
import { EMPTY_ACCOUNT, usedOf } from '../../core/budget/account-state.ts';
import { windowPosition } from '../../core/budget/budget-window.ts';
import { nanoUsd } from '../../core/money.ts';
import { MemoryBudgetStore } from '../../stores/memory/memory-budget-store.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { sampleExchange } from '../../testing/sample-exchanges.ts';
import type { SpendingRow } from '../../ports/ledger.ts';
import { resetBudget } from './reset-budget.ts';
import { repairBudgets, verifyBudgets, type VerifyBudgetsOptions } from './verify-budgets.ts';
import { systemClock, systemRandom } from '../system-ports.ts';

const TEAM = testBudget();
const USERS = testBudget({ name: 'users', scope: { kind: 'tag', name: 'user' } });
const [team, alice] = [accountId(budgetDefinition(TEAM), ''), accountId(budgetDefinition(USERS), 'alice')];

const folders: string[] = [];
const opened: BudgetFolder[] = [];
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
  for (const folder of folders.splice(0)) removeFolder(folder);
});

async function open(folder = newFolder()): Promise<BudgetFolder> {
  if (!folders.includes(folder)) folders.push(folder);
  const one = await openBudgetFolder([TEAM, USERS], folder);
  opened.push(one);
  return one;
}

async function close(one: BudgetFolder): Promise<void> {
  opened.splice(opened.indexOf(one), 1);
  await one.close();
}

function optionsOf({ store, ledger, book }: BudgetFolder): VerifyBudgetsOptions {
  return {
    store,
    ledger,
    livingOwners: () => ledger.livingOwners(),
    book,
    clock: systemClock,
    sleep: (ms) => sleep(ms),
  };
}

async function usedIn(one: BudgetFolder, account: string): Promise<number> {
  for await (const [id, state] of one.store.accounts()) if (id === account) return usedOf(state);
  return usedOf(EMPTY_ACCOUNT);
}

const thisMonth = (): string => String(windowPosition(TEAM.window, 'UTC', Date.now()).bucket);

test('counters that are as the ledger says show no drift, while a process spends and after it is gone', async () => {
  const first = await open();
  for (const usd of ['0.5', '0.25', '1.000000001']) await first.spend('alice', usd);
  expect((await verifyBudgets(optionsOf(first))).drifts).toEqual([]);
  await close(first);
  const second = await open(first.folder);
  await second.spend('bob', '0.125');
  const verified = await verifyBudgets(optionsOf(second));
  expect(verified).toMatchObject({ phase: 'ready', drifts: [] });
  await second.reported();
  expect(await usedIn(second, team)).toBe(1_875_000_001);
});

test('what was spent and not reported yet is no drift', async () => {
  const one = await open();
  await one.spend('alice', '1');
  await one.reported();
  // A row that its process has not told the counters of.
  const { sampleCharge } = await import('../../testing/sample-ledger-rows.ts');
  await one.ledger.charge([sampleCharge({ chargeId: 'late.1', atMs: Date.now(), amountNanoUsd: nanoUsd(7) })]);
  const { drifts, unreported } = await verifyBudgets(optionsOf(one));
  expect(drifts).toEqual([]);
  expect([...unreported]).toEqual([
    [team, 7],
    [alice, 7],
  ]);
});

test('a counter that drifted is found, set to what the ledger says, and the others stay', async () => {
  const before = await open();
  await before.spend('alice', '2');
  await before.spend('bob', '1');
  await close(before);
  const one = await open(before.folder);
  const { generation = '' } = await one.store.standing();
  await one.store.adjust(alice, 'nobody knows it', { [thisMonth()]: nanoUsd(-500_000_000) }, { generation });
  const drift = { account: alice, cause: 'base', ownerId: undefined, expectedNanoUsd: 2e9, foundNanoUsd: 1.5e9 };
  expect((await verifyBudgets(optionsOf(one))).drifts).toEqual([drift]);
  const { found, left } = await repairBudgets(optionsOf(one));
  expect([found.drifts, left.drifts]).toEqual([[drift], []]);
  expect([await usedIn(one, alice), await usedIn(one, team)]).toEqual([2e9, 3e9]);
});

test('a reset is no drift, also when it stands in the book only, and a repair brings it into the counter', async () => {
  const one = await open();
  await one.spend('alice', '2');
  await one.reported();
  const ports = { book: one.book, clock: systemClock, random: systemRandom };
  expect(await resetBudget({ store: one.store, ...ports }, TEAM)).toEqual({ account: team, clearedNanoUsd: 2e9 });
  expect((await verifyBudgets(optionsOf(one))).drifts).toEqual([]);
  const broken = {
    standing: () => one.store.standing(),
    accounts: () => one.store.accounts(),
    adjust: () => Promise.reject(new Error('the disk is gone')),
  };
  await expect(resetBudget({ store: broken, ...ports }, USERS, 'alice')).rejects.toThrow('verify --repair');
  expect((await repairBudgets(optionsOf(one))).left.drifts).toEqual([]);
  expect([await usedIn(one, team), await usedIn(one, alice)]).toEqual([0, 0]);
  await one.spend('alice', '10');
  expect(await resetBudget({ store: one.store, ...ports }, USERS, 'nobody')).toMatchObject({ clearedNanoUsd: 0 });
  await expect(resetBudget({ store: one.store, ...ports }, USERS)).rejects.toThrow('say whose');
  await expect(resetBudget({ store: one.store, ...ports }, TEAM, 'alice')).rejects.toThrow('one account only');
});

test('money that is held for an owner that is gone and never joined is found and given back', async () => {
  const one = await open();
  await one.spend('alice', '1');
  const { generation = '' } = await one.store.standing();
  const request = sampleExchange({
    ownerId: 'ghost',
    floorBucket: Number(thisMonth()),
    latestFloorBucket: Number(thisMonth()),
    bucket: Number(thisMonth()),
    limitNanoUsd: TEAM.limitNanoUsd,
    keepNanoUsd: nanoUsd(3e9),
  });
  await one.store.exchange(team, request, { generation, maxAccounts: 10 });
  const { drifts } = await verifyBudgets(optionsOf(one));
  expect(drifts).toEqual([{ account: team, cause: 'stray', ownerId: 'ghost', expectedNanoUsd: 0, foundNanoUsd: 3e9 }]);
  expect((await repairBudgets(optionsOf(one))).left.drifts).toEqual([]);
  await one.spend('alice', '8');
});

test('a process that reported more than the ledger has of it is told of, and not mended', async () => {
  const clock = new FakeClock();
  const store = new MemoryBudgetStore({ clock });
  await store.begin('g1', [budgetDefinition(TEAM)], undefined, 0);
  await store.join({ ownerId: 'a', cutMs: 0 }, 'g1');
  await store.finish('g1');
  const bucket = windowPosition(TEAM.window, 'UTC', clock.nowMs()).bucket;
  const at = { floorBucket: bucket, latestFloorBucket: bucket, bucket };
  const request = sampleExchange({ ...at, limitNanoUsd: TEAM.limitNanoUsd, settled: { [bucket]: nanoUsd(9) } });
  await store.exchange(team, request, { generation: 'g1', maxAccounts: 10 });
  const options = memoryOptions(store, [], clock);
  const { found, left } = await repairBudgets(options);
  const drift = { account: team, cause: 'reported', ownerId: 'a', expectedNanoUsd: 0, foundNanoUsd: 9 };
  expect([found.drifts, left.drifts]).toEqual([[drift], [drift]]);
});

function memoryOptions(store: MemoryBudgetStore, rows: readonly SpendingRow[], clock: FakeClock): VerifyBudgetsOptions {
  return {
    store,
    ledger: {
      async *spending({ fromMs = 0 }) {
        yield* rows.filter(({ atMs }) => atMs >= fromMs);
      },
    },
    livingOwners: async () => ['a', 'b'],
    book: undefined,
    clock,
    sleep: async (ms) => clock.advance(ms),
  };
}

test('counters that are not there yet are no drift, and those that are being built for ever a fault', async () => {
  const clock = new FakeClock();
  const store = new MemoryBudgetStore({ clock });
  expect(await verifyBudgets(memoryOptions(store, [], clock))).toMatchObject({ phase: 'absent', drifts: [] });
  await store.begin('g1', [], undefined, 0);
  await expect(verifyBudgets(memoryOptions(store, [], clock))).rejects.toThrow('being built');
});

test('whatever the rows, the cuts and the wrong counters: after a repair base is what owners did not report themselves', async () => {
  const row = fc.record({
    ownerId: fc.constantFrom('a', 'b', 'gone', undefined),
    ageMs: fc.nat(3_000_000_000),
    // Of corrections: so long after the estimate.
    lateMs: fc.oneof(fc.constant(0), fc.nat(3_000_000_000)),
    amount: fc.integer({ min: -5, max: 1000 }),
    user: fc.constantFrom('alice', 'bob'),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(row, { maxLength: 40 }),
      fc.nat(3_000_000_000),
      fc.array(fc.tuple(fc.constantFrom('alice', 'bob', 'carol'), fc.nat(100)), { maxLength: 5 }),
      async (drawn, cutAgeMs, wrong) => {
        const clock = new FakeClock();
        const nowMs = clock.nowMs();
        const rows = drawn.map(({ ownerId, ageMs, lateMs, amount, user }): SpendingRow => ({
          ownerId,
          atMs: nowMs - ageMs,
          bookedAtMs: nowMs - ageMs + lateMs,
          // A correction that its owner has not reported yet looks as if it had reported too much.
          amountNanoUsd: nanoUsd(ownerId === 'a' ? Math.abs(amount) : amount),
          project: 'p',
          keyId: 'k',
          tags: { user },
          target: 'openai/gpt-5.5',
        }));
        const store = new MemoryBudgetStore({ clock });
        await store.begin('g1', [budgetDefinition(USERS)], undefined, 0);
        await store.join({ ownerId: 'a', cutMs: nowMs - cutAgeMs }, 'g1');
        await store.finish('g1');
        const { bucket } = windowPosition(USERS.window, 'UTC', nowMs);
        const accountOf = (user: string) => accountId(budgetDefinition(USERS), user);
        await store.install(
          'g1',
          new Map(wrong.map(([user, amount]) => [accountOf(user), { [bucket]: nanoUsd(amount) }])),
        );
        const { left } = await repairBudgets(memoryOptions(store, rows, clock));
        expect(left.drifts).toEqual([]);
        const states = new Map<string, number>();
        for await (const [account, state] of store.accounts()) states.set(account, usedOf(state, bucket));
        for (const user of ['alice', 'bob', 'carol']) {
          const counted = rows.filter(
            ({ ownerId, atMs, bookedAtMs, tags }) =>
              tags['user'] === user && atMs >= bucket && (ownerId !== 'a' || bookedAtMs < nowMs - cutAgeMs),
          );
          const sum = counted.reduce((total, { amountNanoUsd }) => total + amountNanoUsd, 0);
          expect(states.get(accountOf(user)) ?? 0).toBe(sum);
        }
      },
    ),
    { numRuns: 200 },
  );
});
