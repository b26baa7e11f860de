import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { NO_USAGE } from '../../core/model/usage.ts';
import { nanoUsd } from '../../core/money.ts';
import { collect } from '../../testing/collect.ts';
import { sampleCharge, sampleIntent } from '../../testing/sample-ledger-rows.ts';
import { isGone, thisProcess } from '../sql/process-identity.ts';
import { intentText } from './ledger-rows.ts';
import { LEDGER_STATEMENTS } from './ledger-schema.ts';
import { openDatabase } from './sqlite-database.ts';
import { openSqliteLedger, type SqliteLedger } from './sqlite-ledger.ts';

const LEASE_MS = 60_000; // the timer never fires within a test
let folder: string;
let path: string;
let nowMs: number;
let count = 0;
let opened: SqliteLedger[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ledger-'));
  path = join(folder, 'ledger.db');
  nowMs = 1_000_000;
  opened = [];
});
afterEach(async () => {
  await Promise.allSettled(opened.map((ledger) => ledger.close()));
  rmSync(folder, { recursive: true });
});

async function openLedger(): Promise<SqliteLedger> {
  const ledger = await openSqliteLedger({
    path,
    clock: { nowMs: () => nowMs, monotonicMs: () => 0 },
    random: { hex: (length) => String((count += 1)).padStart(length, '0'), fraction: () => 0 },
    leaseMs: LEASE_MS,
  });
  opened.push(ledger);
  return ledger;
}

test('an intent of a living owner is left alone, also by its neighbours', async () => {
  const [first, second] = [await openLedger(), await openLedger()];
  await first.intend(sampleIntent());
  nowMs += LEASE_MS - 1;
  expect(await second.recover(nowMs)).toBe(0);
  expect(await second.openIntents()).toHaveLength(1);
});

test('an intent whose owner is silent past its lease becomes an estimate at its upper bound', async () => {
  const [silent, second] = [await openLedger(), await openLedger()];
  await silent.intend(sampleIntent());
  nowMs += LEASE_MS;
  expect(await second.recover(nowMs)).toBe(1);
  expect(await second.openIntents()).toEqual([]);
  const [charge] = await collect(second.charges({}));
  expect(charge).toMatchObject({
    chargeId: 'call_1.1',
    outcome: 'owner-died',
    certainty: 'estimate',
    amountNanoUsd: 5_000,
  });
  expect(charge).toMatchObject({ atMs: nowMs, tags: { user: 'alice' } });
});

test('of intents that share a row only those without a charge are open, and become estimates', async () => {
  const [silent, second] = [await openLedger(), await openLedger()];
  const ids = ['call_1', 'call_2', 'call_3'];
  await Promise.all(ids.map((callId) => silent.intend(sampleIntent({ callId, chargeId: `${callId}.1` }))));
  await silent.charge([sampleCharge({ callId: 'call_2', chargeId: 'call_2.1' })]);
  expect((await second.openIntents()).map((intent) => intent.callId)).toEqual(['call_1', 'call_3']);
  nowMs += LEASE_MS;
  expect(await second.recover(nowMs)).toBe(2);
  expect(await second.openIntents()).toEqual([]);
  const rows = await collect(second.charges({}));
  expect(rows).toHaveLength(3);
  expect(Object.fromEntries(rows.map((row) => [row.chargeId, row.outcome]))).toEqual({
    'call_1.1': 'owner-died',
    'call_2.1': 'complete',
    'call_3.1': 'owner-died',
  });
});

test('an estimate knows of its call what the intent knew', async () => {
  const [silent, second] = [await openLedger(), await openLedger()];
  const odd = sampleIntent({
    chargeId: 'x.1',
    callId: 'y',
    kind: 'judge',
    endpoint: 'messages',
    tags: { 'a "b"': 'ż' },
    upperBoundNanoUsd: nanoUsd(Number.MAX_SAFE_INTEGER),
  });
  await silent.intend(odd);
  nowMs += LEASE_MS;
  await second.recover(nowMs);
  const { ownerId: _ownerId, upperBoundNanoUsd, ...known } = odd;
  expect(await collect(second.charges({}))).toEqual([
    sampleCharge({
      ...known,
      atMs: nowMs,
      usage: NO_USAGE,
      certainty: 'estimate',
      amountNanoUsd: upperBoundNanoUsd,
      servedModel: undefined,
      priceEntry: undefined,
      status: undefined,
      outcome: 'owner-died',
    }),
  ]);
});

test('an intent without a price becomes an unpriced charge, never one of 0', async () => {
  const [silent, second] = [await openLedger(), await openLedger()];
  await silent.intend(sampleIntent({ upperBoundNanoUsd: undefined }));
  nowMs += LEASE_MS;
  await second.recover(nowMs);
  const [charge] = await collect(second.charges({}));
  expect(charge).toMatchObject({ certainty: 'unpriced', amountNanoUsd: undefined });
});

test('several processes that recover at once make one estimate', async () => {
  const silent = await openLedger();
  await silent.intend(sampleIntent());
  const others = await Promise.all([openLedger(), openLedger(), openLedger()]);
  nowMs += LEASE_MS;
  const turned = await Promise.all(others.map((ledger) => ledger.recover(nowMs)));
  expect(turned.toSorted((left, right) => left - right)).toEqual([0, 0, 1]);
  expect(await collect(silent.charges({}))).toHaveLength(1);
});

test('the true figure of an owner that only stood still corrects the estimate by one row, however often it comes', async () => {
  const [stopped, second] = [await openLedger(), await openLedger()];
  await stopped.intend(sampleIntent());
  nowMs += LEASE_MS;
  await second.recover(nowMs);
  const truth = sampleCharge({ atMs: nowMs });
  await stopped.charge([truth]);
  await stopped.charge([truth, sampleCharge({ chargeId: 'call_2.1', callId: 'call_2' })]);
  const rows = await collect(second.charges({ callId: 'call_1' }));
  expect(rows).toHaveLength(2);
  expect(rows[1]).toEqual({ ...truth, chargeId: 'call_1.1.c1', amountNanoUsd: 1_200 - 5_000, corrects: 'call_1.1' });
  const [row] = await second.report('project', { untilMs: nowMs + 1 });
  expect(row).toMatchObject({ costNanoUsd: 2_400n, estimatedNanoUsd: 0n, inputTokens: 240n });
});

test('a late true figure settles an unpriced charge, and a late unpriced one leaves the estimate standing', async () => {
  const [stopped, second] = [await openLedger(), await openLedger()];
  await stopped.intend(sampleIntent({ upperBoundNanoUsd: undefined }));
  await stopped.intend(sampleIntent({ chargeId: 'call_2.1', callId: 'call_2', project: 'other' }));
  nowMs += LEASE_MS;
  await second.recover(nowMs);
  await stopped.charge([sampleCharge()]);
  await stopped.charge([
    sampleCharge({
      chargeId: 'call_2.1',
      callId: 'call_2',
      project: 'other',
      certainty: 'unpriced',
      amountNanoUsd: undefined,
    }),
  ]);
  const [priced] = await second.report('project', { project: 'search' });
  expect(priced).toMatchObject({ costNanoUsd: 1_200n, unpricedCharges: 0, estimatedNanoUsd: 0n });
  const [unpriced] = await second.report('project', { project: 'other' });
  expect(unpriced).toMatchObject({ costNanoUsd: 5_000n, estimatedNanoUsd: 5_000n, unpricedCharges: 1 });
});

test('a charge whose intent was charged in time is never corrected', async () => {
  const ledger = await openLedger();
  await ledger.charge([sampleCharge()]);
  await ledger.charge([sampleCharge({ amountNanoUsd: nanoUsd(9_999) })]);
  expect(await collect(ledger.charges({}))).toEqual([sampleCharge()]);
});

test('an owner that was declared dead goes on under another id with its next intent', async () => {
  const [stopped, second] = [await openLedger(), await openLedger()];
  nowMs += LEASE_MS;
  await second.recover(nowMs);
  await stopped.intend(sampleIntent());
  expect(await second.recover(nowMs)).toBe(0);
  expect(await second.openIntents()).toHaveLength(1);
});

test('what a closed ledger left open is recovered at the next start, without waiting for a lease', async () => {
  const first = await openLedger();
  await first.intend(sampleIntent());
  await first.close();
  const second = await openLedger();
  expect(await second.openIntents()).toEqual([]);
  expect((await collect(second.charges({})))[0]).toMatchObject({ outcome: 'owner-died' });
});

test('an owner whose process is gone is dead at once, one whose process cannot be seen from here only by its lease', async () => {
  const first = await openLedger();
  const database = await openDatabase(path);
  const self = thisProcess();
  const insertIntents = database.prepare(LEDGER_STATEMENTS.insertIntents);
  const registerOwner = database.prepare(LEDGER_STATEMENTS.registerOwner);
  for (const [owner, host, start] of [
    ['gone', self.host, 'another start'],
    ['elsewhere', 'another machine', 'another start'],
    ['here', self.host, self.processStart],
  ] as const) {
    registerOwner.run(owner, nowMs + LEASE_MS, self.pid, host ?? null, start ?? null);
    insertIntents.run(1, `[${intentText(sampleIntent({ chargeId: `${owner}.1`, callId: owner }))}]`, owner);
  }
  database.close();
  await first.recover(nowMs);
  const open = (await first.openIntents()).map((intent) => intent.callId).toSorted();
  expect(open).toEqual(self.host === undefined ? ['elsewhere', 'gone', 'here'] : ['elsewhere', 'here']);
});

test.skipIf(thisProcess().host === undefined)('a process is gone once it is killed', async () => {
  const child: ChildProcess = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  await new Promise((resolve) => {
    child.once('spawn', resolve);
  });
  const self = thisProcess();
  const other = { pid: child.pid ?? 0, host: self.host, processStart: self.processStart };
  expect(isGone(self, self)).toBe(false);
  expect(isGone(other, self)).toBe(true); // same number, other start
  child.kill('SIGKILL');
  await new Promise((resolve) => {
    child.once('exit', resolve);
  });
  expect(isGone(other, self)).toBe(true);
});
