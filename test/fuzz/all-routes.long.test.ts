import { expect, test } from 'vitest';
import { sendMalformed } from '../support/malformed-requests.ts';
import { startMalformedStage } from '../support/malformed-stage.ts';

const REQUESTS = Number(process.env['FARTHING_FUZZ_REQUESTS'] ?? 100_000);

test(`${REQUESTS} malformed requests over all routes: no crash, no hang, no answer of 500 or above`, async () => {
  const { target, isAlive } = await startMalformedStage();
  const { faults } = await sendMalformed(target, REQUESTS, 1_000_000);
  expect(faults).toEqual([]);
  expect(await isAlive()).toBe(true);
});
