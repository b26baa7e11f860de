import { expect, test } from 'vitest';
import { sendMalformed } from '../support/malformed-requests.ts';
import { startMalformedStage } from '../support/malformed-stage.ts';

const REQUESTS = 1500;

test(
  `${REQUESTS} malformed requests over all routes: no crash, no hang, no answer of 500 or above`,
  { timeout: 120_000 },
  async () => {
    const { target, isAlive } = await startMalformedStage();
    const { faults, routes, statuses } = await sendMalformed(target, REQUESTS, 1);
    expect(faults).toEqual([]);
    expect(await isAlive()).toBe(true);
    expect(target.routes.filter(({ method, path }) => !routes.has(`${method} ${path}`))).toEqual([]);
    // Some are still sound, and most are not.
    expect(statuses.get(200) ?? 0).toBeGreaterThan(REQUESTS / 50);
    expect(statuses.get(400) ?? 0).toBeGreaterThan(REQUESTS / 10);
  },
);
