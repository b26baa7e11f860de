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
  reopen,
  seededFraction,
  startLedgerChild,
} from './support/ledger-kill-round.ts';

const SEED = randomInt(2 ** 31);
const ROUNDS = 10;
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
    await expect.poll(() => child.lines, { timeout: 20_000 }).toEqual(['i call_9.1']);
    child.process.kill('SIGSTOP');
    const ledger = await reopen(path, leaseMs); // recovers by its own timer
    await expect.poll(() => ledger.openIntents(), { timeout: 5_000 }).toEqual([]);
    child.process.stdin.write('go on\n');
    child.process.kill('SIGCONT');
    await child.ended;
    expect(child.lines).toEqual(['i call_9.1', 'c call_9.1']);
    const rows = await collect(ledger.charges({ callId: 'call_9' }));
    expect(rows.map((row) => [row.chargeId, row.amountNanoUsd, row.certainty])).toEqual([
      ['call_9.1', 5_000, 'estimate'],
      ['call_9.1.c1', 1_200 - 5_000, 'exact'],
    ]);
    const [row] = await ledger.report('project', {});
    expect(row).toMatchObject({ costNanoUsd: 1_200n, estimatedNanoUsd: 0n });
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
    const ledger = await reopen(path);
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
