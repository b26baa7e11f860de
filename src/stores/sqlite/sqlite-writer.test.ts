import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDatabase, type SqliteDriver } from './sqlite-database.ts';
import { SqliteWriter } from './sqlite-writer.ts';

const MIGRATIONS = ['CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, body BLOB)'];
const STATEMENTS = {
  add: 'INSERT INTO item (name, body) VALUES (?, ?)',
  drop: 'DELETE FROM item WHERE name >= ?',
};

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'farthing-writer-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function names(path: string): Promise<unknown[]> {
  const database = await openDatabase(path, { readonly: true });
  const rows = database.prepare('SELECT name FROM item ORDER BY id').all();
  database.close();
  return rows.map((row) => row['name']);
}

const onEach = test.each<SqliteDriver>(['better-sqlite3', 'node:sqlite']);

function writerFor(
  driver: SqliteDriver,
  path: string,
  bounds: { maxQueuedWrites?: number; maxQueuedBytes?: number } = {},
) {
  return new SqliteWriter({ path, statements: STATEMENTS, migrations: MIGRATIONS, driver, ...bounds });
}

onEach('%s: a write that is acknowledged can be read by another connection', async (driver) => {
  const path = join(folder, 'a.db');
  const writer = writerFor(driver, path);
  expect(await writer.write([['add', 'first', Buffer.from('body')]])).toEqual([1]);
  expect(await names(path)).toEqual(['first']);
  await writer.close();
});

onEach('%s: writes that gather while a batch runs keep their order', async (driver) => {
  const path = join(folder, 'a.db');
  const writer = writerFor(driver, path);
  const wanted = Array.from({ length: 500 }, (_, index) => `n${index}`);
  await Promise.all(wanted.map((name) => writer.write([['add', name, null]])));
  expect(await names(path)).toEqual(wanted);
  expect(await writer.write([['drop', 'n49']])).toEqual([wanted.filter((name) => name >= 'n49').length]);
  await writer.close();
});

onEach(
  '%s: writes to a file that another process has locked fail together, not one after the other',
  async (driver) => {
    const path = join(folder, 'a.db');
    const pragmas = { busy_timeout: 200 };
    const writer = new SqliteWriter({ path, statements: STATEMENTS, migrations: MIGRATIONS, driver, pragmas });
    await writer.ready();
    const other = await openDatabase(path, { driver });
    other.exec('BEGIN IMMEDIATE');
    let failures = 0;
    const writes = Array.from({ length: 50 }, (_, index) =>
      writer.write([['add', `n${index}`, null]]).catch(() => (failures += 1)),
    );
    // The first goes alone; by then the others have waited as long as it has.
    await writes[0];
    await new Promise((resolve) => void setImmediate(resolve));
    expect(failures).toBe(50);
    other.exec('ROLLBACK');
    other.close();
    expect(await writer.write([['add', 'late', null]])).toEqual([1]);
    await writer.close();
  },
);

onEach('%s: a write that fails is rolled back whole and does not fail its neighbours', async (driver) => {
  const path = join(folder, 'a.db');
  const writer = writerFor(driver, path);
  await writer.ready();
  const results = await Promise.allSettled([
    writer.write([['add', 'one', null]]),
    writer.write([['add', 'two', null]]),
    writer.write([
      ['add', 'three', null],
      ['add', 'two', null],
    ]),
    writer.write([['add', 'four', null]]),
  ]);
  expect(results.map((result) => result.status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
  expect(results[2]).toMatchObject({ reason: { code: 'store-unavailable', retryable: true } });
  expect(await names(path)).toEqual(['one', 'two', 'four']);
  await writer.close();
});

onEach('%s: closing commits what waits and refuses what comes later', async (driver) => {
  const path = join(folder, 'a.db');
  const writer = writerFor(driver, path);
  const waiting = writer.write([['add', 'waiting', null]]);
  const closed = writer.close();
  await expect(writer.write([['add', 'late', null]])).rejects.toMatchObject({ code: 'store-unavailable' });
  await Promise.all([waiting, closed]);
  expect(await names(path)).toEqual(['waiting']);
});

onEach('%s: a queue at its bound refuses, in writes and in bytes', async (driver) => {
  const few = writerFor(driver, join(folder, 'a.db'), { maxQueuedWrites: 1 });
  const first = few.write([['add', 'one', null]]);
  await expect(few.write([['add', 'two', null]])).rejects.toMatchObject({ code: 'store-unavailable' });
  await first;
  await few.close();
  const small = writerFor(driver, join(folder, 'b.db'), { maxQueuedBytes: 1000 });
  const big = small.write([['add', 'one', new Uint8Array(1000)]]);
  await expect(small.write([['add', 'two', null]])).rejects.toMatchObject({ code: 'store-unavailable' });
  await big;
  await small.close();
});

onEach('%s: a file that cannot be opened rejects every write and `ready`', async (driver) => {
  const writer = writerFor(driver, join(folder, 'missing', 'a.db'));
  await expect(writer.ready()).rejects.toMatchObject({ code: 'store-unavailable' });
  await expect(writer.write([['add', 'one', null]])).rejects.toMatchObject({ code: 'store-unavailable' });
  await writer.close();
});

onEach('%s: a view into a larger buffer arrives as it was, and the caller keeps its bytes', async (driver) => {
  const path = join(folder, 'a.db');
  const writer = writerFor(driver, path);
  const view = Buffer.from('0123456789').subarray(2, 5);
  await writer.write([['add', 'view', view]]);
  expect(view.toString()).toBe('234');
  const database = await openDatabase(path, { readonly: true, driver });
  expect(Buffer.from(database.prepare('SELECT body FROM item').get()?.['body'] as Uint8Array).toString()).toBe('234');
  database.close();
  await writer.close();
});

onEach('%s: flush waits for every write handed over before it', async (driver) => {
  const writer = writerFor(driver, join(folder, 'a.db'));
  let isWritten = false;
  const written = writer.write([['add', 'one', null]]).then(() => (isWritten = true));
  await writer.flush();
  await Promise.resolve();
  expect(isWritten).toBe(true);
  await written;
  await writer.close();
});
