import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { inTransaction, openDatabase, type SqliteDriver } from './sqlite-database.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'farthing-database-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('better-sqlite3 is taken where it is installed', async () => {
  const database = await openDatabase(join(folder, 'a.db'));
  expect(database.driver).toBe('better-sqlite3');
  database.close();
});

const onEach = test.each<SqliteDriver>(['better-sqlite3', 'node:sqlite']);

onEach('%s: pragmas are set and the journal is a write-ahead log', async (driver) => {
  const database = await openDatabase(join(folder, 'a.db'), { driver, pragmas: { synchronous: 'NORMAL' } });
  expect(database.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
  expect(database.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: 1 });
  database.close();
});

onEach('%s: migrations run once each, forward', async (driver) => {
  const path = join(folder, 'a.db');
  const first = 'CREATE TABLE one (id INTEGER)';
  const second = 'CREATE TABLE two (id INTEGER)';
  (await openDatabase(path, { driver, migrations: [first] })).close();
  const database = await openDatabase(path, { driver, migrations: [first, second] });
  expect(database.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE type = 'table'").get()).toEqual({ n: 2 });
  database.close();
  await expect(openDatabase(path, { driver, migrations: [first] })).rejects.toMatchObject({
    code: 'store-unavailable',
    message: expect.stringContaining('schema version 2'),
  });
});

onEach('%s: a migration that fails leaves the schema as it was', async (driver) => {
  const path = join(folder, 'a.db');
  const broken = 'CREATE TABLE one (id INTEGER); CREATE TABLE one (id INTEGER)';
  await expect(openDatabase(path, { driver, migrations: [broken] })).rejects.toThrow('one');
  const database = await openDatabase(path, { driver });
  expect(database.prepare('SELECT count(*) AS n FROM sqlite_schema').get()).toEqual({ n: 0 });
  database.close();
});

onEach('%s: eight openers of one new file all succeed', async (driver) => {
  const path = join(folder, 'a.db');
  const migrations = ['CREATE TABLE one (id INTEGER)'];
  const databases = await Promise.all(Array.from({ length: 8 }, () => openDatabase(path, { driver, migrations })));
  expect(databases.map((database) => database.prepare('SELECT count(*) AS n FROM one').get()?.['n'])).toEqual(
    Array.from({ length: 8 }, () => 0),
  );
  for (const database of databases) database.close();
});

onEach('%s: a transaction that throws changes nothing', async (driver) => {
  const database = await openDatabase(join(folder, 'a.db'), {
    driver,
    migrations: ['CREATE TABLE one (id INTEGER)'],
  });
  const add = database.prepare('INSERT INTO one VALUES (?)');
  expect(() =>
    inTransaction(database, () => {
      add.run(1);
      throw new Error('no');
    }),
  ).toThrow('no');
  inTransaction(database, () => add.run(2));
  expect([...database.prepare('SELECT id FROM one').iterate()].map((row) => row['id'])).toEqual([2]);
  database.close();
});

onEach('%s: sums beyond 2^53 come back exactly where they are asked for as bigint', async (driver) => {
  const database = await openDatabase(join(folder, 'a.db'), { driver, migrations: ['CREATE TABLE one (n INTEGER)'] });
  database.prepare('INSERT INTO one VALUES (?), (?)').run(2n ** 53n, 1);
  expect(database.prepare('SELECT sum(n) AS total FROM one', { bigints: true }).get()).toEqual({
    total: 2n ** 53n + 1n,
  });
  database.close();
});

onEach('%s: a file that is no database is refused', async (driver) => {
  const path = join(folder, 'a.db');
  writeFileSync(path, 'this is no database, and it is long enough to be told apart from one by its header'.repeat(20));
  await expect(openDatabase(path, { driver })).rejects.toMatchObject({ code: 'store-unavailable' });
});

onEach('%s: a file that is not there cannot be opened for reading', async (driver) => {
  await expect(openDatabase(join(folder, 'no.db'), { driver, readonly: true })).rejects.toMatchObject({
    code: 'store-unavailable',
  });
});
