import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { killRound, medianMs, seededFraction } from './support/ledger-kill-round.ts';

const SEED = randomInt(2 ** 31);
const ROUNDS = 200;

test(
  `kill -9 at ${ROUNDS} random moments under load loses and doubles nothing (seed ${SEED})`,
  { timeout: 900_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ledger-kill-'));
    const fraction = seededFraction(SEED);
    const total = { intents: 0, charges: 0, estimates: 0, slowestRestartMs: 0 };
    const restartsMs: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      // oxlint-disable-next-line no-await-in-loop -- each round opens what the one before left
      const found = await killRound(join(folder, 'ledger.db'), `r${round}`, fraction() * 500);
      total.intents += found.intents;
      total.charges += found.charges;
      total.estimates += found.estimates;
      restartsMs.push(found.restartMs);
      total.slowestRestartMs = Math.max(total.slowestRestartMs, found.restartMs);
    }
    process.stdout.write(`ledger-kill: ${JSON.stringify({ seed: SEED, rounds: ROUNDS, ...total })}\n`);
    expect(medianMs(restartsMs)).toBeLessThan(2_000);
    expect(total.estimates).toBeGreaterThan(0);
    rmSync(folder, { recursive: true });
  },
);
