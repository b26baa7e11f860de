import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { collect } from '../src/testing/collect.ts';
import {
  acknowledged,
  killRound,
  medianMs,
  seededFraction,
  startLedgerChild,
  stopPastLease,
  sumsByOwner,
} from './support/ledger-kill-round.ts';
import { openLedger } from './support/open-ledger.ts';

const SEED = randomInt(2 ** 31);
const ROUNDS = 8;
let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ledger-kill-'));
  path = join(folder, 'ledger.db');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test(
  `kill -9 at ${ROUNDS} random moments under load loses and doubles nothing (seed ${SEED})`,
  { timeout: 120_000 },
  async () => {
    const fraction = seededFraction(SEED);
    let charges = 0;
    const restartsMs: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      // oxlint-disable-next-line no-await-in-loop -- each round opens what the one before left
      const found = await killRound(path, `r${round}`, fraction() * 250);
      charges += found.charges;
      restartsMs.push(found.restartMs);
    }
    expect(charges).toBeGreaterThan(ROUNDS);
    expect(medianMs(restartsMs)).toBeLessThan(2_000);
  },
);

test(
  'a process that is stopped past its lease and goes on is charged once: the estimate, then the difference',
  { timeout: 30_000 },
  async () => {
    const leaseMs = 300;
    const child = startLedgerChild([path, 'hold', 'call_9', String(leaseMs)]);
    await expect.poll(() => acknowledged(child.lines, 'i'), { timeout: 20_000 }).toEqual(['call_9.1']);
    child.process.kill('SIGSTOP');
    const ledger = await openLedger(path, leaseMs); // recovers by its own timer
    await expect.poll(() => ledger.openIntents(), { timeout: 5_000 }).toEqual([]);
    child.process.stdin.write('go on\n');
    child.process.kill('SIGCONT');
    await child.ended;
    const attempts = child.lines.filter((line) => !line.startsWith('o '));
    expect(attempts).toEqual(['i call_9.1', 'c call_9.1', 'i call_9-next.1', 'c call_9-next.1']);
    const [ended, next] = acknowledged(child.lines, 'o');
    expect(next).not.toBe(ended);
    const sums = await sumsByOwner(ledger);
    expect(sums.get(ended)).toBe(5_000);
    expect([...sums.values()].reduce((total, sum) => total + sum)).toBe(2_400);
    const rows = await collect(ledger.charges({ callId: 'call_9' }));
    expect(rows.map((row) => [row.chargeId, row.amountNanoUsd, row.certainty])).toEqual([
      ['call_9.1', 5_000, 'estimate'],
      ['call_9.1.c1', 1_200 - 5_000, 'exact'],
    ]);
    const [row] = await ledger.report('project', {});
    expect(row).toMatchObject({ costNanoUsd: 2_400n, estimatedNanoUsd: 0n });
    await ledger.close();
  },
);

test(
  'a process that is stopped past its lease under load loses and doubles nothing, and what it is ended under stays as it was',
  { timeout: 60_000 },
  async () => {
    const ledger = await openLedger(path, 300);
    const child = startLedgerChild([path, 'load', 'stopped', '300']);
    await expect.poll(() => acknowledged(child.lines, 'c').length, { timeout: 20_000 }).toBeGreaterThan(50);
    const ended: ReadonlyMap<string | undefined, number>[] = [];
    for (let tries = 0; tries < 12 && ended.length < 3; tries += 1) {
      const sums = await stopPastLease(child, ledger); // oxlint-disable-line no-await-in-loop -- one stop after the other
      if (sums !== undefined) ended.push(sums);
      const count = acknowledged(child.lines, 'c').length;
      // oxlint-disable-next-line no-await-in-loop -- it goes on before it is stopped again
      await expect.poll(() => acknowledged(child.lines, 'c').length, { timeout: 10_000 }).toBeGreaterThan(count + 50);
    }
    child.process.kill('SIGKILL');
    await child.ended;
    await ledger.recover(Date.now() + 1_000);
    expect(ended.length).toBeGreaterThan(1);
    expect(acknowledged(child.lines, 'f')).toEqual([]);
    expect(await ledger.openIntents()).toEqual([]);
    const sums = await sumsByOwner(ledger);
    expect(sums.has(undefined)).toBe(false);
    for (const before of ended) expect(new Map([...sums].filter(([ownerId]) => before.has(ownerId)))).toEqual(before);
    const costs = new Map<string, number>();
    for (const row of await collect(ledger.charges({}))) {
      costs.set(row.callId, (costs.get(row.callId) ?? 0) + (row.amountNanoUsd ?? 0));
    }
    const cost = (chargeId: string): number | undefined => costs.get(chargeId.slice(0, -'.1'.length));
    expect(acknowledged(child.lines, 'c').filter((chargeId) => cost(chargeId) !== 1_200)).toEqual([]);
    expect(acknowledged(child.lines, 'i').filter((chargeId) => cost(chargeId) === undefined)).toEqual([]);
    await ledger.close();
  },
);

test(
  'a disk that fills up refuses by name, and what was acknowledged before is kept',
  { timeout: 60_000 },
  async () => {
    const child = startLedgerChild([path, 'load', 'full'], 600);
    await child.ended; // every lane ends with its first refusal
    const refusals = child.lines.filter((line) => line.startsWith('f '));
    expect(refusals.length).toBeGreaterThan(0);
    expect(refusals.filter((line) => !line.endsWith(' store-unavailable'))).toEqual([]);
    const ledger = await openLedger(path);
    const rows = await collect(ledger.charges({}));
    const outcomes = new Map(rows.map((row) => [row.chargeId, row.outcome]));
    expect(outcomes.size).toBe(rows.length);
    const charges = acknowledged(child.lines, 'c');
    expect(charges.length).toBeGreaterThan(0);
    expect(charges.filter((id) => outcomes.get(id) !== 'complete')).toEqual([]);
    expect(acknowledged(child.lines, 'i').filter((id) => !outcomes.has(id))).toEqual([]);
    await ledger.close();
  },
);
