import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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
import { type PostgresServer, startPostgres, whyNoPostgres } from './support/postgres-server.ts';

const SEED = randomInt(2 ** 31);
const ROUNDS = 8;
const missing = whyNoPostgres();

describe.skipIf(missing !== undefined)(`on Postgres${missing === undefined ? '' : ` (not here: ${missing})`}`, () => {
  let server: PostgresServer;

  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.close());

  test(
    `kill -9 at ${ROUNDS} random moments under load loses and doubles nothing (seed ${SEED})`,
    { timeout: 120_000 },
    async () => {
      const url = await server.createDatabase();
      const fraction = seededFraction(SEED);
      let charges = 0;
      const restartsMs: number[] = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        const found = await killRound(url, `r${round}`, fraction() * 250);
        charges += found.charges;
        restartsMs.push(found.restartMs);
      }
      expect(charges).toBeGreaterThan(ROUNDS);
      expect(medianMs(restartsMs)).toBeLessThan(2_000);
    },
  );

  test(
    'a process that is stopped past its lease under load loses and doubles nothing, and what it is ended under stays as it was',
    { timeout: 60_000 },
    async () => {
      const url = await server.createDatabase();
      const ledger = await openLedger(url, 300);
      const child = startLedgerChild([url, 'load', 'stopped', '300']);
      const charged = (): number => acknowledged(child.lines, 'c').length;
      await expect.poll(charged, { timeout: 20_000 }).toBeGreaterThan(50);
      const ended: ReadonlyMap<string | undefined, number>[] = [];
      for (let tries = 0; tries < 12 && ended.length < 3; tries += 1) {
        const sums = await stopPastLease(child, ledger);
        if (sums !== undefined) ended.push(sums);
        const count = charged();
        await expect.poll(charged, { timeout: 10_000 }).toBeGreaterThan(count + 50);
      }
      child.process.kill('SIGKILL');
      await child.ended;
      await ledger.recover(Date.now() + 1_000);
      expect(ended.length).toBeGreaterThan(1);
      expect(acknowledged(child.lines, 'f')).toEqual([]);
      expect(await ledger.openIntents()).toEqual([]);
      const sums = await sumsByOwner(ledger);
      for (const before of ended) expect(new Map([...sums].filter(([owner]) => before.has(owner)))).toEqual(before);
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
});
