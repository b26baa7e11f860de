import { randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import { killRound, medianMs, seededFraction } from './support/ledger-kill-round.ts';
import { startPostgres, whyNoPostgres } from './support/postgres-server.ts';

const SEED = randomInt(2 ** 31);
const ROUNDS = 200;
const missing = whyNoPostgres();

test.skipIf(missing !== undefined)(
  `kill -9 at ${ROUNDS} random moments under load loses and doubles nothing on Postgres (${missing ?? `seed ${SEED}`})`,
  { timeout: 900_000 },
  async () => {
    const server = await startPostgres();
    const url = await server.createDatabase();
    const fraction = seededFraction(SEED);
    const total = { intents: 0, charges: 0, estimates: 0, slowestRestartMs: 0 };
    const restartsMs: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const found = await killRound(url, `r${round}`, fraction() * 500);
      total.intents += found.intents;
      total.charges += found.charges;
      total.estimates += found.estimates;
      restartsMs.push(found.restartMs);
      total.slowestRestartMs = Math.max(total.slowestRestartMs, found.restartMs);
    }
    process.stdout.write(`postgres-kill: ${JSON.stringify({ seed: SEED, rounds: ROUNDS, ...total })}\n`);
    expect(medianMs(restartsMs)).toBeLessThan(2_000);
    expect(total.estimates).toBeGreaterThan(0);
    await server.close();
  },
);
