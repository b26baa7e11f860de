import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { collect } from '../../testing/collect.ts';
import { ledgerConformance } from '../../testing/ledger-conformance.ts';
import { ledgerOwnerConformance } from '../../testing/ledger-owner-conformance.ts';
import type { LedgerStorage } from '../../testing/ledger-owner-stage.ts';
import { sampleCallRecord, sampleCharge, sampleIntent } from '../../testing/sample-ledger-rows.ts';
import { openSqliteLedger } from './sqlite-ledger.ts';
import { openDatabase, type SqliteDriver } from './sqlite-database.ts';
import { openLedgerReader } from './sqlite-ledger-reader.ts';
import { LEDGER_MIGRATIONS } from './ledger-schema.ts';
import type { Clock, Random } from '../../ports/clock.ts';

let folder: string;
let path: string;
let count = 0;
const clock: Clock = { nowMs: () => 1_000, monotonicMs: () => 0 };
const random: Random = { hex: (length) => String((count += 1)).padStart(length, '0'), fraction: () => 0 };

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ledger-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  path = join(folder, `${(count += 1)}.db`);
});

async function openLedger(onFault?: (operation: string) => void): ReturnType<typeof openSqliteLedger> {
  return openSqliteLedger({ path, clock, random, ...(onFault === undefined ? {} : { onFault }) });
}

/** Lets every insert into a table fail as a broken disk would. */
async function breakTable(table: string): Promise<() => void> {
  const database = await openDatabase(path);
  database.exec(`CREATE TRIGGER broken BEFORE INSERT ON ${table} BEGIN SELECT RAISE(ABORT, 'disk I/O error'); END`);
  return () => {
    database.exec('DROP TRIGGER broken');
    database.close();
  };
}

describe.each<SqliteDriver>(['better-sqlite3', 'node:sqlite'])('on %s', (driver) => {
  const make = async (): ReturnType<typeof openSqliteLedger> =>
    openSqliteLedger({ path: join(folder, `${(count += 1)}.db`), clock, random, driver });

  const makeStorage = async (): Promise<LedgerStorage> => {
    const shared = join(folder, `${(count += 1)}.db`);
    return {
      open: (owner) => openSqliteLedger({ path: shared, random, driver, ...owner }),
      close: async () => undefined,
    };
  };

  test.each(ledgerConformance(make))('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });

  test.each(ledgerOwnerConformance(makeStorage))('with several owners: $name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});

test('a charge that cannot be written is refused by name, its intent stays, and it can be made good', async () => {
  const ledger = await openLedger();
  await ledger.intend(sampleIntent());
  const mend = await breakTable('charges');
  await expect(ledger.charge([sampleCharge()])).rejects.toMatchObject({ code: 'store-unavailable' });
  expect(await ledger.openIntents()).toHaveLength(1);
  mend();
  await ledger.charge([sampleCharge()]);
  expect(await ledger.openIntents()).toEqual([]);
  expect(await collect(ledger.charges({}))).toEqual([sampleCharge()]);
  await ledger.close();
});

test('an intent that cannot be written is refused, so that nothing is sent that is not on record', async () => {
  const ledger = await openLedger();
  const mend = await breakTable('intent_packs');
  await expect(ledger.intend(sampleIntent())).rejects.toMatchObject({ code: 'store-unavailable' });
  mend();
  expect(await ledger.openIntents()).toEqual([]);
  await ledger.close();
});

test('charges written together are kept together or not at all', async () => {
  const ledger = await openLedger();
  const database = await openDatabase(path);
  database.exec(`CREATE TRIGGER broken BEFORE INSERT ON charges WHEN NEW.charge_id = 'call_1.2'
    BEGIN SELECT RAISE(ABORT, 'disk I/O error'); END`);
  database.close();
  const both = [sampleCharge(), sampleCharge({ chargeId: 'call_1.2' })];
  const other = sampleCharge({ chargeId: 'call_2.1', callId: 'call_2' });
  const [refused, kept] = await Promise.allSettled([ledger.charge(both), ledger.charge([other])]);
  expect([refused.status, kept.status]).toEqual(['rejected', 'fulfilled']);
  expect(await collect(ledger.charges({}))).toEqual([other]);
  await ledger.close();
});

test('a call record that cannot be kept is reported at once and by the next flush, and then no more', async () => {
  const faults: string[] = [];
  const ledger = await openLedger((operation) => faults.push(operation));
  const mend = await breakTable('call_packs');
  ledger.record(sampleCallRecord());
  await expect(ledger.flush()).rejects.toMatchObject({ code: 'store-unavailable' });
  expect(faults).toEqual(['record']);
  mend();
  await ledger.flush();
  await ledger.close();
});

test('a ledger that cannot be opened says so by name', async () => {
  await expect(openSqliteLedger({ path: join(folder, 'no', 'such.db'), clock, random })).rejects.toMatchObject({
    code: 'store-unavailable',
  });
});

test('a ledger of another version of the schema is not read', async () => {
  const ledger = await openLedger();
  const database = await openDatabase(path);
  database.exec('PRAGMA user_version = 99');
  database.close();
  await ledger.close();
  await expect(openLedgerReader(path)).rejects.toThrow('schema version 99');
  await expect(openSqliteLedger({ path, clock, random })).rejects.toMatchObject({ code: 'store-unavailable' });
});

test('rows from before there were owners count for none, and are read like any other', async () => {
  const old = await openDatabase(path, { migrations: LEDGER_MIGRATIONS.slice(0, 1) });
  old.exec(
    `INSERT INTO charges VALUES (1, 'old.1', 7, 'p', 'k', 'a/b', 'exact', 5, NULL, 'complete', '["chat",0,0,0,0]')`,
  );
  old.close();
  const ledger = await openLedger();
  const row = { ownerId: undefined, atMs: 7, bookedAtMs: 7, amountNanoUsd: 5 };
  expect(await ledger.charge([sampleCharge({ chargeId: 'old.1' })])).toEqual([{ chargeId: 'old.1', ...row }]);
  expect(await collect(ledger.spending({}))).toEqual([{ ...row, project: 'p', keyId: 'k', target: 'a/b', tags: {} }]);
  expect(await collect(ledger.spending({ ownerId: ledger.ownerId }))).toEqual([]);
  await ledger.close();
});

test('what is charged while spending is read is not in it: all its pages are of one moment', async () => {
  const ledger = await openLedger();
  const rows = Array.from({ length: 1_200 }, (_, index) => sampleCharge({ chargeId: `old${index}.1`, atMs: index }));
  await ledger.charge(rows);
  const read: number[] = [];
  for await (const { atMs } of ledger.spending({})) {
    if (read.push(atMs) % 400 === 0) await ledger.charge([sampleCharge({ chargeId: `new${atMs}.1`, atMs: 1_100 })]);
  }
  expect(read).toEqual(rows.map((row) => row.atMs));
  expect(await collect(ledger.spending({}))).toHaveLength(1_203);
  await ledger.close();
});

test('a reader reads while the ledger is written', async () => {
  const ledger = await openLedger();
  await ledger.charge([sampleCharge()]);
  const reader = await openLedgerReader(path);
  await ledger.charge([sampleCharge({ chargeId: 'call_1.2' })]);
  expect(await collect(reader.charges({}))).toHaveLength(2);
  await reader.close();
  await ledger.close();
});
