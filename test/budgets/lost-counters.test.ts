import { describe, expect, onTestFinished, test } from 'vitest';
import { parseUsd } from '../../src/core/money.ts';
import { figuresOf } from '../support/budget-calls.ts';
import { whyNoServices } from '../support/budget-stage.ts';
import { sumOf } from '../support/charges-of.ts';
import { type FailureStage, startFailureStage } from '../support/failures/failure-stage.ts';
import { startPostgres } from '../support/postgres-server.ts';
import { RedisServer } from '../support/redis-server.ts';

const LIMIT_USD = '0.1';
const LIMIT = BigInt(parseUsd(LIMIT_USD));
const CALLS = 700;
const missing = whyNoServices();

/** Makes a call again and again until it is answered or the money is spent. */
async function callUntilDecided(stage: FailureStage, number: number): Promise<number> {
  for (;;) {
    /* oxlint-disable no-await-in-loop -- one try after the other */
    const { status } = await stage.hard(number % 2, { isStream: number % 3 === 0 });
    if (status === 200 || status === 402) return status;
    expect([429, 503]).toContain(status);
    await new Promise((resolve) => void setTimeout(resolve, 200 + (number % 7) * 50));
    /* oxlint-enable no-await-in-loop */
  }
}

describe.skipIf(missing !== undefined)(`on Redis and Postgres${missing === undefined ? '' : `: ${missing}`}`, () => {
  test(
    'a Redis that is emptied, hangs and is started anew, again and again while a budget is spent, costs not a nano-dollar above the limit',
    { timeout: 120_000 },
    async () => {
      const [redis, postgres] = await Promise.all([RedisServer.start(), startPostgres()]);
      onTestFinished(async () => {
        await Promise.all([redis.close(), postgres.close()]);
      });
      const storage = { redis: redis.url, postgres: await postgres.createDatabase() };
      const stage = await startFailureStage({ expect, onTestFinished }, { storage, gateways: 2, limitUsd: LIMIT_USD });
      const calls = Promise.all(Array.from({ length: CALLS }, (_, number) => callUntilDecided(stage, number)));
      const spentRatio = (): number => Number(stage.billed()) / Number(LIMIT);
      const failures = [
        () => redis.flush(),
        async () => {
          redis.freeze();
          await new Promise((resolve) => void setTimeout(resolve, 700));
          redis.thaw();
        },
        async () => {
          await redis.stop();
          await redis.start();
        },
        () => redis.flush(),
      ];
      for (const [index, fail] of failures.entries()) {
        /* oxlint-disable no-await-in-loop -- one failure after the other, as the money goes */
        await expect.poll(spentRatio, { timeout: 30_000, interval: 5 }).toBeGreaterThan(0.1 + index * 0.2);
        await fail();
        expect(stage.billed()).toBeLessThanOrEqual(LIMIT);
        /* oxlint-enable no-await-in-loop */
      }
      const statuses = await calls;
      expect(new Set(statuses)).toEqual(new Set([200, 402]));
      const spent = stage.billed();
      expect(spent).toBeLessThanOrEqual(LIMIT);
      expect(spent).toBeGreaterThanOrEqual((LIMIT * 95n) / 100n);
      expect(sumOf(await stage.charges())).toBe(spent);
      await expect
        .poll(() => figuresOf(stage.gateways[0]?.url ?? ''), { timeout: 15_000 })
        .toMatchObject({ usedNanoUsd: Number(spent), heldNanoUsd: 0 });
    },
  );
});
