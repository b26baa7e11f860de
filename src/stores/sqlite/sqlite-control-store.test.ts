import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { controlStoreConformance } from '../../testing/control-store-conformance.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { KEYS_MIGRATIONS } from './keys-schema.ts';
import { openSqliteControlStore } from './sqlite-control-store.ts';
import { openDatabase, type SqliteDriver } from './sqlite-database.ts';
import { openSqliteKeyStore } from './sqlite-key-store.ts';

let folder: string;
let count = 0;
const nextPath = (): string => join(folder, `${(count += 1)}.db`);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'control-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe.each<SqliteDriver>(['better-sqlite3', 'node:sqlite'])('on %s', (driver) => {
  const rules = controlStoreConformance((clock) => {
    const path = nextPath();
    return Promise.all([
      openSqliteControlStore({ path, clock, driver }),
      openSqliteControlStore({ path, clock, driver }),
    ]);
  });

  // A thousand announcements are a thousand syncs of the disk.
  test.each(rules)('$name', { timeout: 60_000 }, async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});

test('the keys of a file from before there were budgets stay', async () => {
  const path = nextPath();
  const old = await openDatabase(path, { migrations: KEYS_MIGRATIONS.slice(0, 1) });
  old.prepare('INSERT INTO keys VALUES (?, ?, ?, ?)').run('key_1', 'ab', 1, '{"keyId":"key_1"}');
  old.exec('UPDATE changes SET version = 7');
  old.close();
  const control = await openSqliteControlStore({ path, clock: new FakeClock() });
  const keys = await openSqliteKeyStore(path);
  expect(await keys.findBySecretHash('ab')).toMatchObject({ keyId: 'key_1' });
  expect(await keys.version()).toBe(7);
  expect(await control.budgets()).toEqual([]);
  await Promise.all([control.close(), keys.close()]);
});

test.each(['{}', 'nothing', '{"name":"x","scope":{"kind":"planet"}}'])(
  'a budget that cannot be read is refused by name: %s',
  async (text) => {
    const path = nextPath();
    const control = await openSqliteControlStore({ path, clock: new FakeClock() });
    const database = await openDatabase(path);
    database.prepare('INSERT INTO budgets VALUES (?, ?)').run('x', text);
    database.close();
    await expect(control.budgets()).rejects.toMatchObject({ code: 'store-unavailable' });
    await control.close();
    await expect(control.newestAnnouncement()).rejects.toMatchObject({ code: 'store-unavailable' });
  },
);
