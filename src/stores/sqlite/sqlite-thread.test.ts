import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDatabase } from './sqlite-database.ts';
import { SqliteThread } from './sqlite-thread.ts';
import { SqliteWriter } from './sqlite-writer.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'farthing-thread-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function writerFor(path: string, thread: SqliteThread): SqliteWriter<'add'> {
  return new SqliteWriter({
    path,
    thread,
    statements: { add: 'INSERT INTO item VALUES (?)' },
    migrations: ['CREATE TABLE item (name TEXT)'],
  });
}

async function names(path: string): Promise<unknown[]> {
  const database = await openDatabase(path, { readonly: true });
  const rows = database.prepare('SELECT name FROM item ORDER BY name').all();
  database.close();
  return rows.map((row) => row['name']);
}

test('files that share a thread get their own writes, and go on when one of them is closed', async () => {
  const thread = new SqliteThread();
  const [one, other] = [join(folder, 'one.db'), join(folder, 'other.db')];
  const [first, second] = [writerFor(one, thread), writerFor(other, thread)];
  const writes = ['a', 'b', 'c'].flatMap((name) => [
    first.write([['add', name]]),
    second.write([['add', name.toUpperCase()]]),
  ]);
  expect(await Promise.all(writes)).toEqual(writes.map(() => [1]));
  await first.close();
  await expect(first.write([['add', 'late']])).rejects.toMatchObject({ code: 'store-unavailable' });
  expect(await second.write([['add', 'D']])).toEqual([1]);
  await second.close();
  expect(await names(one)).toEqual(['a', 'b', 'c']);
  expect(await names(other)).toEqual(['A', 'B', 'C', 'D']);
});

test('a file that cannot be opened leaves the others of its thread alone, and can be tried again', async () => {
  const thread = new SqliteThread();
  const absent = join(folder, 'absent', 'one.db');
  await expect(writerFor(absent, thread).ready()).rejects.toMatchObject({ code: 'store-unavailable' });
  const sound = writerFor(join(folder, 'one.db'), thread);
  await sound.ready();
  await expect(writerFor(absent, thread).ready()).rejects.toMatchObject({ code: 'store-unavailable' });
  expect(await sound.write([['add', 'a']])).toEqual([1]);
  await sound.close();
  const again = writerFor(join(folder, 'one.db'), thread);
  expect(await again.write([['add', 'b']])).toEqual([1]);
  await again.close();
  expect(await names(join(folder, 'one.db'))).toEqual(['a', 'b']);
});
