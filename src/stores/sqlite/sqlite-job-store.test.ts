import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { jobStoreConformance } from '../../testing/job-store-conformance.ts';
import { openDatabase, type SqliteDatabase, type SqliteDriver } from './sqlite-database.ts';
import { openSqliteJobStore, type SqliteJobStore } from './sqlite-job-store.ts';

let folder: string;
let count = 0;
const nextPath = (): string => join(folder, `${(count += 1)}.db`);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'jobs-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe.each<SqliteDriver>(['better-sqlite3', 'node:sqlite'])('on %s', (driver) => {
  let stores: readonly [SqliteJobStore, SqliteJobStore];
  let database: SqliteDatabase;

  beforeAll(async () => {
    const path = nextPath();
    stores = [await openSqliteJobStore(path, driver), await openSqliteJobStore(path, driver)];
    database = await openDatabase(path, { driver });
  });
  afterAll(async () => {
    database.close();
    await Promise.all(stores.map((store) => store.close()));
  });

  const rules = jobStoreConformance(async () => {
    database.exec('DELETE FROM jobs; DELETE FROM batches; DELETE FROM lines');
    return stores;
  });
  test.each(rules)('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});
