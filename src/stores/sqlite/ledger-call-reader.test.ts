import fc from 'fast-check';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { callIdAt } from '../../core/call-id.ts';
import type { CallRecord } from '../../core/model/charge.ts';
import type { LedgerQuery } from '../../ports/ledger.ts';
import { collect } from '../../testing/collect.ts';
import { sampleCallRecord } from '../../testing/sample-ledger-rows.ts';
import { CallPacks } from './ledger-call-packs.ts';
import { orderedCalls } from './ledger-call-reader.ts';
import { callText } from './ledger-call-text.ts';
import { LEDGER_MIGRATIONS, LEDGER_STATEMENTS } from './ledger-schema.ts';
import { openDatabase, type SqliteDatabase } from './sqlite-database.ts';

const folder = mkdtempSync(join(tmpdir(), 'calls-'));
const database: SqliteDatabase = await openDatabase(join(folder, 'ledger.db'), {
  migrations: LEDGER_MIGRATIONS,
  pragmas: { synchronous: 'OFF' },
});
const insertCalls = database.prepare(LEDGER_STATEMENTS.insertCalls);

beforeEach(() => database.exec('DELETE FROM call_packs'));
afterAll(() => {
  database.close();
  rmSync(folder, { recursive: true });
});

function writePack(records: readonly CallRecord[]): void {
  const packs = new CallPacks();
  for (const record of records) packs.add(callText(record), record.atMs);
  for (const [, ...parameters] of packs.take()) insertCalls.run(...parameters);
}

async function read(query: LedgerQuery): Promise<readonly CallRecord[]> {
  return (await collect(orderedCalls((sql, ...values) => database.prepare(sql).all(...values), query))).flat();
}

async function idsOf(query: LedgerQuery): Promise<readonly string[]> {
  return (await read(query)).map((record) => record.callId);
}

/** Moments of the records of some packs. */
const written = fc.array(fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 5 }), { maxLength: 25 });

test('records of packs that overlap in time come in the order of their time, both ways, in any range, up to the limit', async () => {
  const range = fc.integer({ min: 0, max: 41 });
  await fc.assert(
    fc.asyncProperty(written, range, range, fc.nat({ max: 60 }), async (packs, fromMs, untilMs, limit) => {
      database.exec('DELETE FROM call_packs');
      const all: CallRecord[] = [];
      for (const moments of packs) {
        const pack = moments.map((atMs, index) => sampleCallRecord({ callId: `c${all.length + index}`, atMs }));
        writePack(pack);
        all.push(...pack);
      }
      const wanted = all
        .filter(({ atMs }) => atMs >= fromMs && atMs < untilMs)
        .toSorted((left, right) => left.atMs - right.atMs)
        .map(({ callId }) => callId);
      expect(await idsOf({ fromMs, untilMs, limit })).toEqual(wanted.slice(0, limit));
      expect(await idsOf({ fromMs, untilMs, limit, order: 'newest' })).toEqual(wanted.toReversed().slice(0, limit));
    }),
    { numRuns: 60 },
  );
});

test('a record that was handed over twice is given once, also from packs far apart', async () => {
  const twice = sampleCallRecord({ callId: 'twice', atMs: 5 });
  writePack([twice]);
  for (let number = 0; number < 600; number += 1) {
    writePack([sampleCallRecord({ callId: `c${number}`, atMs: 10 + number })]);
  }
  writePack([twice, sampleCallRecord({ callId: 'last', atMs: 9_000 })]);
  for (const order of ['oldest', 'newest'] as const) {
    const ids = await idsOf({ order });
    expect(ids.filter((id) => id === 'twice')).toHaveLength(1);
    expect(ids).toHaveLength(602);
  }
});

test('a call is found by its id, whether it tells its time or not, and only in its own project', async () => {
  const atMs = Date.UTC(2026, 10, 23);
  const timed = sampleCallRecord({ callId: callIdAt(atMs, 'a'.repeat(20)), atMs });
  const quoted = sampleCallRecord({ callId: 'with "quotes" % and ż', atMs: atMs + 1 });
  writePack([sampleCallRecord({ callId: 'before', atMs: atMs - 1 }), timed]);
  writePack([quoted]);
  writePack([sampleCallRecord({ callId: 'after', atMs: atMs + 2 })]);
  expect(await read({ callId: timed.callId })).toEqual([timed]);
  expect(await read({ callId: quoted.callId })).toEqual([quoted]);
  expect(await read({ callId: timed.callId, project: 'other' })).toEqual([]);
  expect(await read({ callId: 'bef' })).toEqual([]);
});
