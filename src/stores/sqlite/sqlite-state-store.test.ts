import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { countUp } from '../../../test/support/state-counting.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { systemClock } from '../../engine/system-ports.ts';
import { stateStoreConformance } from '../../testing/state-store-conformance.ts';
import { openDatabase } from './sqlite-database.ts';
import { openSqliteStateStore } from './sqlite-state-store.ts';

const clock = new FakeClock();
let folder: string;
let count = 0;
const nextPath = (): string => join(folder, `${(count += 1)}.db`);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'farthing-states-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Names of all rows in a file, expired ones too. */
async function rowsOf(path: string): Promise<readonly unknown[]> {
  const database = await openDatabase(path, { readonly: true });
  const rows = database.prepare('SELECT name FROM states ORDER BY name').all();
  database.close();
  return rows.map((row) => row['name']);
}

describe.each(['better-sqlite3', 'node:sqlite'] as const)('on %s', (driver) => {
  const cases = stateStoreConformance({
    open: (stores) => {
      const path = nextPath();
      return Promise.all(Array.from({ length: stores }, () => openSqliteStateStore({ path, clock, driver })));
    },
    pass: async (durationMs) => clock.advance(durationMs),
  });
  test.each(cases)('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});

test('what was written is there when all processes have ended, and versions go on', async () => {
  const path = nextPath();
  const first = await openSqliteStateStore({ path, clock });
  const { version } = await first.write('n/a', '1', { ttlMs: 1000 });
  await first.close();
  const second = await openSqliteStateStore({ path, clock });
  expect(await second.read('n/a')).toEqual({ key: 'n/a', value: '1', version });
  await second.remove('n/a');
  expect((await second.write('n/a', '2', { ttlMs: 1000 })).version).toBeGreaterThan(version);
  await second.close();
});

test('what threads with connections of their own count by versions at the same time loses nothing', async () => {
  const path = nextPath();
  const store = await openSqliteStateStore({ path, clock: systemClock });
  const worker = new Worker(new URL('../../../test/support/state-counting-worker.ts', import.meta.url), {
    workerData: { path, times: 300 },
  });
  const ended = once(worker, 'exit');
  await expect.poll(() => store.read('n/count'), { timeout: 10_000, interval: 1 }).toBeDefined();
  await countUp(store, 300);
  expect(await ended).toEqual([0]);
  expect((await store.read('n/count'))?.value).toBe('600');
  await store.close();
});

test('a file that another process keeps locked is waited for without holding the event loop, then given up', async () => {
  const path = nextPath();
  const store = await openSqliteStateStore({ path, clock });
  await store.write('n/a', '1', { ttlMs: 1000 });
  const other = await openDatabase(path);
  other.exec('BEGIN IMMEDIATE');
  let turns = 0;
  const counting = setInterval(() => (turns += 1), 1);
  await expect(store.write('n/a', '2', { ttlMs: 1000 })).rejects.toMatchObject({
    code: 'store-unavailable',
    retryable: true,
  });
  clearInterval(counting);
  expect(turns).toBeGreaterThan(5);
  expect((await store.read('n/a'))?.value).toBe('1');
  const waiting = store.write('n/a', '3', { ttlMs: 1000 });
  setTimeout(() => other.exec('ROLLBACK'), 20);
  expect((await waiting).isWritten).toBe(true);
  other.close();
  await store.close();
});

test('a store that was closed says so by name', async () => {
  const store = await openSqliteStateStore({ path: nextPath(), clock });
  await store.close();
  await expect(store.read('n/a')).rejects.toMatchObject({ code: 'store-unavailable' });
  await expect(store.write('n/a', '1', { ttlMs: 1000 })).rejects.toMatchObject({ code: 'store-unavailable' });
});

test('rows of expired states are deleted by the writes that follow', async () => {
  const path = nextPath();
  const store = await openSqliteStateStore({ path, clock });
  for (let index = 0; index < 20; index += 1) void store.write(`old/${index}`, '0', { ttlMs: 10 });
  await store.write('new/kept', '0', { ttlMs: 60_000 });
  clock.advance(100);
  for (let index = 0; index < 3; index += 1) void store.write(`new/${index}`, '0', { ttlMs: 60_000 });
  await store.close();
  expect(await rowsOf(path)).toEqual(['0', '1', '2', 'kept']);
});

test('beyond the bound of a namespace those go that would expire first, and none of another', async () => {
  const path = nextPath();
  const store = await openSqliteStateStore({ path, clock, maxStates: 50 });
  await store.write('other/first', '0', { ttlMs: 1000 });
  for (let index = 0; index < 200; index += 1) void store.write(`n/${index}`, '0', { ttlMs: 60_000 - index });
  await store.close();
  const rows = await rowsOf(path);
  expect(rows).toContain('first');
  expect(rows).toContain('0');
  // The bound is looked at with every hundredth write.
  expect(rows.length).toBeLessThanOrEqual(151);
  expect(rows.length).toBeGreaterThan(50);
});
