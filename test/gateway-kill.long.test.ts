import { expect, test } from 'vitest';
import { killRound } from './support/gateway-kill-round.ts';

const ROUNDS = 40;
/** Named in the test's title, so that a failure can be repeated. */
const seed = Date.now() % 100_000;

test(`${ROUNDS} gateways killed at random moments: nothing acknowledged is lost, nothing is charged twice (seed ${seed})`, async () => {
  let state = seed;
  for (let round = 0; round < ROUNDS; round += 1) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    const { restartMs } = await killRound(300 + (state % 1500));
    expect(restartMs).toBeLessThan(2000);
  }
});
