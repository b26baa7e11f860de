import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../engine/system-ports.ts';
import { openDatabase } from './sqlite-database.ts';
import { SqliteWriter, type WriteOperation } from './sqlite-writer.ts';
import { WriteGroups } from './write-groups.ts';

/** Counts how often the file is tried. */
class CountingWriter extends SqliteWriter<'add'> {
  tries = 0;

  override write(operations: readonly WriteOperation<'add'>[]): Promise<readonly number[]> {
    this.tries += 1;
    return super.write(operations);
  }
}

let folder = '';
let writer: CountingWriter;
let groups: WriteGroups<'add'>;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'farthing-groups-'));
  writer = new CountingWriter({
    path: join(folder, 'a.db'),
    statements: { add: 'INSERT INTO item (name) VALUES (?)' },
    migrations: ['CREATE TABLE item (name TEXT NOT NULL UNIQUE)'],
    pragmas: { busy_timeout: 50 },
  });
  groups = new WriteGroups(writer, systemClock, 1);
  await writer.ready();
});
afterEach(async () => {
  await writer.close();
  rmSync(folder, { recursive: true, force: true });
});

test('a bad write of a group fails by itself, and its neighbours are written', async () => {
  const results = await Promise.allSettled(['a', 'a', 'b'].map((name) => groups.write([['add', name]])));
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
});

test('while another process has the file locked a group is tried once: each wait takes seconds', async () => {
  const other = await openDatabase(join(folder, 'a.db'));
  other.exec('BEGIN IMMEDIATE');
  const results = await Promise.allSettled(['a', 'b', 'c'].map((name) => groups.write([['add', name]])));
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(writer.tries).toBe(1);
  other.close();
  expect(await groups.write([['add', 'a']])).toEqual([1]);
});

test('a group of one write that fails is not tried again', async () => {
  await groups.write([['add', 'a']]);
  await expect(groups.write([['add', 'a']])).rejects.toMatchObject({ code: 'store-unavailable' });
  expect(writer.tries).toBe(2);
});
