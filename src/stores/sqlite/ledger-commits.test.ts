import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock, systemRandom } from '../../engine/system-ports.ts';
import { sampleCharge } from '../../testing/sample-ledger-rows.ts';
import { LedgerCommits } from './ledger-commits.ts';
import { LedgerLease } from './ledger-lease.ts';
import { chargeOperation } from './ledger-rows.ts';
import { LEDGER_MIGRATIONS, LEDGER_STATEMENTS, type LedgerOperation, type LedgerStatement } from './ledger-schema.ts';
import { openDatabase, type SqliteDatabase } from './sqlite-database.ts';
import { SqliteWriter } from './sqlite-writer.ts';

/** Notes what the ledger hands over as one. */
class NotingWriter extends SqliteWriter<LedgerStatement> {
  readonly batches: LedgerStatement[][] = [];

  override write(operations: readonly LedgerOperation[]): Promise<readonly number[]> {
    this.batches.push(operations.map(([statement]) => statement));
    return super.write(operations);
  }
}

let folder: string;
let writer: NotingWriter;
let commits: LedgerCommits;
let lease: LedgerLease;
let database: SqliteDatabase;
let faults: unknown[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'commits-'));
  const path = join(folder, 'ledger.db');
  writer = new NotingWriter({ path, statements: LEDGER_STATEMENTS, migrations: LEDGER_MIGRATIONS });
  await writer.ready();
  faults = [];
  lease = new LedgerLease(writer, { clock: systemClock, random: systemRandom, leaseMs: 3_600_000 });
  await register();
  commits = new LedgerCommits(writer, {
    lease,
    clock: systemClock,
    onRecordFault: (error) => faults.push(error),
  });
  database = await openDatabase(path);
});
afterEach(async () => {
  await commits.flush();
  await writer.close();
  database.close();
  rmSync(folder, { recursive: true });
});

async function register(): Promise<void> {
  const registration = lease.registration(systemClock.nowMs());
  lease.note(registration, (await writer.write([registration.operation]))[0]);
  writer.batches.length = 0;
}

/** Ends the owner as another process would. */
function endOwner(): void {
  database.exec('DELETE FROM owners; DELETE FROM intent_packs');
}

function intend(chargeId: string, asOwner?: string): Promise<void> {
  return commits.intend(chargeId, JSON.stringify([chargeId]), asOwner);
}

function count(table: string): number {
  return Number(database.prepare(`SELECT count(*) AS count FROM ${table}`).get()?.['count']);
}

function breakTable(table: string, condition: string): void {
  database.exec(`CREATE TRIGGER broken_${table} BEFORE INSERT ON ${table} WHEN ${condition}
    BEGIN SELECT RAISE(ABORT, 'disk I/O error'); END`);
}

test('what is handed over in one moment is one commit, with one row for its intents and one for its call records', async () => {
  commits.record('["r1"]', 1);
  commits.record('["r2"]', 2);
  const charged = commits.write([chargeOperation('insertCharge', sampleCharge(), lease.ownerId)]);
  await Promise.all([intend('a.1'), intend('b.1'), charged]);
  expect(writer.batches).toEqual([['insertIntents', 'insertCharge', 'insertCalls']]);
  expect(database.prepare('SELECT intents FROM intent_packs').get()).toEqual({ intents: '[["a.1"],["b.1"]]' });
  expect(database.prepare('SELECT first_at_ms, last_at_ms, records FROM call_packs').get()).toEqual({
    first_at_ms: 1,
    last_at_ms: 2,
    records: '[["r1"],["r2"]]',
  });
});

test('the row of intents goes with the next commit once all of them are settled', async () => {
  await Promise.all([intend('a.1'), intend('b.1')]);
  commits.settle('a.1');
  await intend('c.1');
  expect(count('intent_packs')).toBe(2);
  commits.settle('b.1');
  await intend('d.1');
  expect(writer.batches.at(-1)).toEqual(['deleteIntents', 'insertIntents']);
  expect(count('intent_packs')).toBe(2);
});

test('call records without a commit to go with are written soon, together', async () => {
  commits.record('["r1"]', 1);
  await new Promise((resolve) => setImmediate(resolve));
  commits.record('["r2"]', 2);
  expect(writer.batches).toEqual([]);
  await expect.poll(() => count('call_packs'), { timeout: 2_000 }).toBe(1);
  expect(writer.batches).toEqual([['insertCalls']]);
});

test('a full pack of call records waits for nothing', async () => {
  for (let number = 0; number < 300; number += 1) commits.record('[]', number);
  await commits.flush();
  expect(writer.batches).toEqual([['insertCalls', 'insertCalls']]);
});

test('writes that come while a commit is under way share the next one', async () => {
  const first = intend('a.1');
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  await Promise.all([first, ...Array.from({ length: 40 }, (_, number) => intend(`b${number}.1`))]);
  expect(writer.batches).toHaveLength(2);
});

test('a bad write fails alone, and its neighbours are kept', async () => {
  breakTable('intent_packs', `NEW.intents LIKE '%bad%'`);
  breakTable('call_packs', 'NEW.first_at_ms = 7');
  commits.record('["r1"]', 7);
  const [good, bad, charged] = await Promise.allSettled([
    intend('good.1'),
    intend('bad.1'),
    commits.write([chargeOperation('insertCharge', sampleCharge(), lease.ownerId)]),
  ]);
  expect([good.status, bad.status]).toEqual(['fulfilled', 'rejected']);
  expect(bad).toMatchObject({ reason: { code: 'store-unavailable' } });
  expect(charged).toEqual({ status: 'fulfilled', value: [1] });
  expect(database.prepare('SELECT intents FROM intent_packs').all()).toEqual([{ intents: '[["good.1"]]' }]);
  await expect.poll(() => faults).toMatchObject([{ code: 'store-unavailable' }]);
});

test('an intent that was written alone is removed like any other', async () => {
  breakTable('intent_packs', `NEW.intents LIKE '%bad%'`);
  await Promise.allSettled([intend('good.1'), intend('bad.1')]);
  commits.settle('good.1');
  await commits.flush();
  expect(count('intent_packs')).toBe(0);
});

test('intents of an owner that was ended are written under the next one, together, and their row goes like any other', async () => {
  await intend('a.1');
  const { ownerId } = lease;
  endOwner();
  await Promise.all([intend('b.1'), intend('c.1')]);
  expect(lease.ownerId).not.toBe(ownerId);
  expect(writer.batches.slice(1)).toEqual([['insertIntents'], ['registerOwner'], ['insertIntents']]);
  expect(database.prepare('SELECT owner_id, intents FROM intent_packs').all()).toEqual([
    { owner_id: lease.ownerId, intents: '[["b.1"],["c.1"]]' },
  ]);
  for (const chargeId of ['a.1', 'b.1', 'c.1']) commits.settle(chargeId);
  await commits.flush();
  expect(count('intent_packs')).toBe(0);
});

test('a charge of an owner that was ended changes no row, and its neighbours in the commit are kept', async () => {
  const { ownerId } = lease;
  endOwner();
  commits.record('["r1"]', 1);
  const charged = commits.write([chargeOperation('insertCharge', sampleCharge(), ownerId)]);
  await intend('a.1');
  expect(await charged).toEqual([0]);
  expect([count('charges'), count('call_packs'), count('intent_packs')]).toEqual([0, 1, 1]);
});

test('intents are refused when no other id can be taken, and the next one tries again', async () => {
  endOwner();
  breakTable('owners', '1');
  const refused = await Promise.allSettled([intend('a.1'), intend('b.1')]);
  expect(refused).toMatchObject([{ reason: { code: 'store-unavailable' } }, { reason: { code: 'store-unavailable' } }]);
  database.exec('DROP TRIGGER broken_owners');
  await intend('a.1');
  expect(database.prepare('SELECT owner_id, intents FROM intent_packs').all()).toEqual([
    { owner_id: lease.ownerId, intents: '[["a.1"]]' },
  ]);
});

test('an intent for another owner is refused, and nothing of it is in the row of its neighbours', async () => {
  const results = await Promise.allSettled([intend('a.1'), intend('b.1', 'another'), intend('c.1', lease.ownerId)]);
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(database.prepare('SELECT intents FROM intent_packs').all()).toEqual([{ intents: '[["a.1"],["c.1"]]' }]);
  for (const chargeId of ['a.1', 'c.1']) commits.settle(chargeId);
  await commits.flush();
  expect(count('intent_packs')).toBe(0);
});

test('an id that could not be admitted is tried again, so that refusals leave no owners behind', async () => {
  const told: string[] = [];
  lease.beforeNewOwner((ownerId) => {
    told.push(ownerId);
    return told.length < 3 ? Promise.reject(new Error('not yet')) : Promise.resolve();
  });
  endOwner();
  await expect(intend('a.1')).rejects.toThrow('not yet');
  await expect(intend('b.1')).rejects.toThrow('not yet');
  await intend('c.1');
  expect(told).toEqual([lease.ownerId, lease.ownerId, lease.ownerId]);
  expect([count('owners'), count('intent_packs')]).toEqual([1, 1]);
});

test('a lease that is about to end is renewed with the intents of a moment, once', async () => {
  lease.note({ ...lease.renewal(0), untilMs: systemClock.nowMs() + 1_000 }, 1);
  await Promise.all([intend('a.1'), intend('b.1')]);
  await intend('c.1');
  expect(writer.batches).toEqual([['renewLease', 'insertIntents'], ['insertIntents']]);
  expect(lease.untilMs).toBeGreaterThan(systemClock.nowMs() + 3_500_000);
});

test('call records beyond what a hanging disk may hold back are refused and told', async () => {
  for (let number = 0; number < 256 * 256 + 1; number += 1) commits.record('[]', number);
  expect(faults).toMatchObject([{ code: 'store-unavailable' }]);
  await commits.flush();
  expect(count('call_packs')).toBe(256);
});
