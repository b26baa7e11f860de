import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../../testing/fake-clock.ts';
import { leaseStoreConformance } from '../../testing/lease-store-conformance.ts';
import { openDatabase, type SqliteDriver } from './sqlite-database.ts';
import { openSqliteLeaseStore, type SqliteLeaseStore } from './sqlite-lease-store.ts';

let folder: string;
let clock: FakeClock;
let file = 0;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'farthing-leases-'));
  clock = new FakeClock();
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

function openStores(count: number, driver: SqliteDriver = 'better-sqlite3'): Promise<readonly SqliteLeaseStore[]> {
  const path = join(folder, `leases-${(file += 1)}.db`);
  return Promise.all(Array.from({ length: count }, () => openSqliteLeaseStore({ path, clock, driver })));
}

describe.each(['better-sqlite3', 'node:sqlite'] as const)('conformance with %s', (driver) => {
  const cases = leaseStoreConformance({
    open: (count) => openStores(count, driver),
    pass: async (durationMs) => clock.advance(durationMs),
  });
  test.each(cases)('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});

test('a clock that is set back keeps no lease alive beyond its length', async () => {
  const [store] = await openStores(1);
  await store?.acquire('poll', 'a', 5000);
  clock.advance(-3_600_000);
  expect(await store?.acquire('poll', 'b', 5000)).toBe(true);
  await store?.close();
});

test('a file that another process keeps locked is waited for without holding the event loop, then given up', async () => {
  const [store] = await openStores(1);
  const other = await openDatabase(join(folder, `leases-${file}.db`));
  other.exec('BEGIN IMMEDIATE');
  let turns = 0;
  const counting = setInterval(() => (turns += 1), 1);
  await expect(store?.acquire('poll', 'a', 5000)).rejects.toMatchObject({ code: 'store-unavailable', retryable: true });
  clearInterval(counting);
  expect(turns).toBeGreaterThan(5);
  const waiting = store?.acquire('poll', 'a', 5000);
  setTimeout(() => other.exec('ROLLBACK'), 20);
  expect(await waiting).toBe(true);
  other.close();
  await store?.close();
});

test('a lease that is given back after the store was closed is left to lapse', async () => {
  const [store] = await openStores(1);
  await store?.acquire('poll', 'a', 5000);
  await store?.close();
  await expect(store?.release('poll', 'a')).resolves.toBeUndefined();
});
