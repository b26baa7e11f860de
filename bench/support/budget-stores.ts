import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Budget } from '../../src/core/budget/budget.ts';
import { nanoUsd } from '../../src/core/money.ts';
import { type Budgets, openBudgets } from '../../src/engine/budgets/open-budgets.ts';
import { systemClock, systemRandom } from '../../src/engine/system-ports.ts';
import type { BudgetStore, BudgetStoreUpkeep } from '../../src/ports/budget-store.ts';
import { MemoryBudgetStore } from '../../src/stores/memory/memory-budget-store.ts';
import { MemoryLedger } from '../../src/stores/memory-ledger/memory-ledger.ts';
import { RedisBudgetStore } from '../../src/stores/redis/redis-budget-store.ts';
import { RedisConnection } from '../../src/stores/redis/redis-connection.ts';
import { openSqliteBudgetStore } from '../../src/stores/sqlite/sqlite-budget-store.ts';
import { RedisServer } from '../../test/support/redis-server.ts';

/** Budgets on a store, and what the store was asked. */
export interface BudgetBench {
  readonly name: string;
  readonly budgets: Budgets;
  /** Exchanges so far. */
  exchanges(): number;
  /** CPU of the database server so far, in microseconds; 0 where there is none. */
  serverMicroseconds(): Promise<number>;
}

type Store = BudgetStore & BudgetStoreUpkeep;

/** So high that nobody is ever refused. */
const LIMIT = nanoUsd(1_000_000_000_000_000);

/** The two hard budgets of the design's figure. */
export const BENCH_BUDGETS: readonly Budget[] = [
  hardBudget({ name: 'everything', scope: { kind: 'all' }, window: { kind: 'calendar', unit: 'day' } }),
  hardBudget({
    name: 'users',
    scope: { kind: 'tag', name: 'user' },
    window: { kind: 'rolling', lengthMs: 86_400_000 },
  }),
];

function hardBudget(fields: Pick<Budget, 'name' | 'scope' | 'window'>): Budget {
  return { ...fields, limitNanoUsd: LIMIT, timezone: 'UTC', mode: 'hard', alertAtRatios: [0.8], onLowBudget: 'refuse' };
}

/** Counts exchanges; without wishes nothing is given in advance, so that every call has to ask for its money. */
class CountedStore {
  count = 0;
  readonly store: Store;

  constructor(inner: Store, grantsWishes: boolean) {
    this.store = new Proxy(inner, {
      get: (target, property) => {
        if (property !== 'exchange') {
          const value: unknown = Reflect.get(target, property, target);
          return typeof value === 'function' ? (value.bind(target) as unknown) : value;
        }
        const exchange: Store['exchange'] = (account, request, terms) => {
          this.count += 1;
          const sent = grantsWishes ? request : { ...request, wishNanoUsd: nanoUsd(0) };
          return inner.exchange(account, sent, terms);
        };
        return exchange;
      },
    });
  }
}

async function openBench(
  name: string,
  inner: Store,
  grantsWishes: boolean,
  serverMicroseconds: () => Promise<number> = () => Promise.resolve(0),
): Promise<BudgetBench> {
  const counted = new CountedStore(inner, grantsWishes);
  const budgets = await openBudgets({
    store: counted.store,
    ledger: new MemoryLedger({ maxRows: 1 }),
    budgets: BENCH_BUDGETS,
    clock: systemClock,
    random: systemRandom,
    events: { emit: () => undefined },
  });
  for (let tries = 0; !budgets.isReady; tries += 1) {
    if (tries > 500) throw new Error(`${name}: the counters do not become ready`);
    await delay(10); // oxlint-disable-line no-await-in-loop -- built in the background
  }
  return { name, budgets, exchanges: () => counted.count, serverMicroseconds };
}

/** Opens all that are compared. */
export async function openBudgetBenches(): Promise<{
  readonly benches: readonly BudgetBench[];
  close(): Promise<void>;
}> {
  const folder = mkdtempSync(join(tmpdir(), 'farthing-budget-bench-'));
  const servers = [await RedisServer.start(), await RedisServer.start()] as const;
  const connections = await Promise.all(servers.map(({ url }) => RedisConnection.open({ url })));
  const [slices, trips] = connections as [RedisConnection, RedisConnection];
  const sqlite = await openSqliteBudgetStore({ path: join(folder, 'budgets.db'), clock: systemClock });
  const benches = [
    await openBench('memory', new MemoryBudgetStore({ clock: systemClock }), true),
    await openBench('SQLite', sqlite, true),
    await openBench('Redis by slice', new RedisBudgetStore({ connection: slices }), true, () => cpuOfRedis(servers[0])),
    await openBench('Redis by round trip', new RedisBudgetStore({ connection: trips }), false, () =>
      cpuOfRedis(servers[1]),
    ),
  ];
  return {
    benches,
    close: async () => {
      for (const { budgets } of benches) await budgets.close();
      await sqlite.close();
      for (const connection of connections) await connection.close();
      for (const server of servers) await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** User and system time that a Redis server has taken so far, in microseconds. */
export async function cpuOfRedis(server: RedisServer): Promise<number> {
  const text = await server.command('INFO', 'cpu');
  const seconds = (name: string): number => Number(new RegExp(`^${name}:([0-9.]+)`, 'm').exec(text)?.[1]);
  return (seconds('used_cpu_user') + seconds('used_cpu_sys')) * 1e6;
}
