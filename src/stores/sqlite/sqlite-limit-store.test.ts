import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { limitStoreConformance } from '../../testing/limit-store-conformance.ts';
import { openDatabase, type SqliteDriver } from './sqlite-database.ts';
import { openSqliteLimitStore } from './sqlite-limit-store.ts';

let folder: string;
let count = 0;
const nextPath = (): string => join(folder, `${(count += 1)}.db`);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'limits-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe.each<SqliteDriver>(['better-sqlite3', 'node:sqlite'])('on %s', (driver) => {
  const cases = limitStoreConformance((stores) => {
    const path = nextPath();
    return Promise.all(Array.from({ length: stores }, () => openSqliteLimitStore(path, driver)));
  });
  test.each(cases)('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});

test('what was taken stays taken when all processes have ended', async () => {
  const path = nextPath();
  const terms = { capacity: 10, perMinute: 60 };
  const first = await openSqliteLimitStore(path);
  await first.take('k', terms, { want: 10, least: 10, nowMs: 1000 });
  await first.close();
  const second = await openSqliteLimitStore(path);
  expect(await second.take('k', terms, { want: 2, least: 1, nowMs: 2000 })).toEqual({ granted: 1, waitMs: 0 });
  await second.close();
});

test('a store whose file another process has locked says so by name, soon', async () => {
  const path = nextPath();
  const store = await openSqliteLimitStore(path);
  const other = await openDatabase(path);
  other.exec('BEGIN IMMEDIATE');
  const taking = store.take('k', { capacity: 1, perMinute: 1 }, { want: 1, least: 1, nowMs: 0 });
  await expect(taking).rejects.toMatchObject({ code: 'store-unavailable', retryable: true });
  other.exec('ROLLBACK');
  other.close();
  expect((await store.take('k', { capacity: 1, perMinute: 1 }, { want: 1, least: 1, nowMs: 0 })).granted).toBe(1);
  await store.close();
});

test('rows that need not be kept are deleted', async () => {
  const path = nextPath();
  const store = await openSqliteLimitStore(path);
  const terms = { capacity: 10, perMinute: 60 };
  await store.take('old', terms, { want: 10, least: 10, nowMs: 0 });
  await store.hold('old', { ownerId: 'a', count: 1, limit: 1, leaseMs: 1000, nowMs: 0 });
  await Promise.all(
    Array.from({ length: 1000 }, () => store.take('often', terms, { want: 1, least: 1, nowMs: 60_000 })),
  );
  const database = await openDatabase(path, { readonly: true });
  expect(database.prepare('SELECT name FROM buckets').all()).toEqual([{ name: 'often' }]);
  expect(database.prepare('SELECT name FROM permits').all()).toEqual([]);
  database.close();
  await store.close();
});
