import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { accountId, budgetDefinition } from '../src/core/budget/budget.ts';
import { windowPosition } from '../src/core/budget/budget-window.ts';
import { nanoUsd } from '../src/core/money.ts';
import { type Budgets, openBudgets } from '../src/engine/budgets/open-budgets.ts';
import { systemClock, systemRandom } from '../src/engine/system-ports.ts';
import { openPostgresStores, type PostgresStores } from '../src/stores/postgres/postgres-stores.ts';
import { RedisBudgetStore } from '../src/stores/redis/redis-budget-store.ts';
import { RedisConnection } from '../src/stores/redis/redis-connection.ts';
import { spendFrom, testBudget } from './support/budget-folder.ts';
import { type PostgresServer, startPostgres, whyNoPostgres } from './support/postgres-server.ts';
import { hasRedis, RedisServer } from './support/redis-server.ts';

// Each command is a process of its own, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

const missing = whyNoPostgres() ?? (hasRedis() ? undefined : 'no redis-server');

const TEAM = testBudget();
const ACCOUNT = accountId(budgetDefinition(TEAM), '');

describe.skipIf(missing !== undefined)(
  `on Redis and Postgres${missing === undefined ? '' : ` (not here: ${missing})`}`,
  () => {
    let folder: string;
    let postgres: PostgresServer;
    let redis: RedisServer;
    let connection: RedisConnection;
    let store: RedisBudgetStore;
    let stores: PostgresStores;
    let budgets: Budgets;

    beforeAll(async () => {
      [postgres, redis] = await Promise.all([startPostgres(), RedisServer.start()]);
      const url = await postgres.createDatabase();
      const ports = { clock: systemClock, random: systemRandom };
      stores = await openPostgresStores({ url, ...ports });
      connection = await RedisConnection.open({ url: redis.url, timeoutMs: 5000 });
      store = new RedisBudgetStore({ connection });
      const { ledger, control: book } = stores;
      budgets = await openBudgets({
        store,
        ledger,
        book,
        budgets: [TEAM],
        events: { emit: () => undefined },
        ...ports,
      });
      folder = mkdtempSync(join(tmpdir(), 'services-'));
      const config = `
providers: { openai: { protocol: openai, baseUrl: "https://api.openai.com/v1", apiKey: "" } }
storage: { redis: "${redis.url}", postgres: "${url}" }
budgets: [{ name: team, scope: all, limitUsd: 10, window: month }]
`;
      writeFileSync(join(folder, 'farthing.yaml'), config);
    });
    afterAll(async () => {
      await budgets.close();
      await connection.close();
      await stores.close();
      await Promise.all([redis.close(), postgres.close()]);
      rmSync(folder, { recursive: true });
    });

    function farthing(
      ...words: readonly string[]
    ): Promise<{ readonly code: number; readonly output: string; readonly errors: string }> {
      return new Promise((resolve) => {
        const line = ['src/cli/main.ts', ...words, '--config', join(folder, 'farthing.yaml')];
        const child = execFile(process.execPath, line, (_error, output, errors) => {
          resolve({ code: child.exitCode ?? -1, output, errors });
        });
      });
    }

    test('budgets are listed, set and reset, and drift is found and repaired, as in a folder', async () => {
      await spendFrom({ ledger: stores.ledger, budgets }, 'alice', '3');
      await budgets.keeper.settleDown(true);
      const used = async (): Promise<unknown> => {
        const { output, errors } = await farthing('budgets', 'list', '--json');
        expect(errors).toBe('');
        const listed = JSON.parse(output) as { budgets: readonly { accounts: readonly { usedUsd: string }[] }[] };
        return listed.budgets[0]?.accounts[0]?.usedUsd;
      };
      expect(await used()).toBe('3.00');
      expect((await farthing('budgets', 'set', 'team', '--limit', '20')).output).toContain('$20.00 for all');
      expect(await stores.control.budgets()).toMatchObject([{ name: 'team', limitNanoUsd: 20e9 }]);
      expect(await farthing('ledger', 'verify')).toMatchObject({ code: 0, output: '1 account, no drift.\n' });

      const bucket = String(windowPosition(TEAM.window, 'UTC', Date.now()).bucket);
      const { generation = '' } = await store.standing();
      await store.adjust(ACCOUNT, 'nobody knows it', { [bucket]: nanoUsd(-1e9) }, { generation });
      expect((await farthing('ledger', 'verify')).code).toBe(1);
      expect((await farthing('ledger', 'verify', '--repair')).output).toContain('Repaired: no drift any more.');
      expect(await used()).toBe('3.00');

      expect((await farthing('budgets', 'reset', 'team')).output).toBe('team is reset: $3.00 counts no more.\n');
      expect(await used()).toBe('0.00');
      expect(await farthing('ledger', 'verify')).toMatchObject({ code: 0 });
    });

    test('keys are made and revoked, and the ledger is listed and reported, as in a folder', async () => {
      const made = await farthing('keys', 'create', '--name', 'team', '--project', 'web');
      const [keyId = ''] = /key_[0-9a-f]{16}/.exec(made.output) ?? [];
      expect(await stores.keys.list()).toMatchObject([{ keyId, name: 'team', project: 'web' }]);
      expect((await farthing('keys', 'list')).output).toContain(keyId);
      expect((await farthing('keys', 'revoke', keyId)).code).toBe(0);
      expect((await stores.keys.list())[0]?.revokedAtMs).toBeGreaterThan(0);
      await spendFrom({ ledger: stores.ledger, budgets }, 'bob', '1');
      expect((await farthing('ledger', 'list')).output).toContain('1.00');
      const { output, errors } = await farthing('report', '--by', 'tag:user', '--json');
      expect(errors).toBe('');
      expect(output).toContain('"bob"');
    });
  },
);
