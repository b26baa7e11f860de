import { describe, expect, test } from 'vitest';
import { whyNoServices } from './support/budget-stage.ts';
import {
  folderPlace,
  type KillPlace,
  killRounds,
  medianOf,
  randomLives,
  servicesPlace,
} from './support/gateway-kill-round.ts';

const ROUNDS = 100;
/** Named in the title, so that a failure can be repeated. */
const seed = Date.now() % 100_000;
const missing = whyNoServices();

const PLACES: readonly (readonly [name: string, missing: string | undefined, open: () => Promise<KillPlace>])[] = [
  ['on a folder', undefined, () => Promise.resolve(folderPlace())],
  ['on Redis and Postgres', missing, servicesPlace],
];

for (const [name, isMissing, open] of PLACES) {
  describe.skipIf(isMissing !== undefined)(`${name}${isMissing === undefined ? '' : `: ${isMissing}`}`, () => {
    test(`${ROUNDS} gateways killed at random moments: nothing acknowledged is lost, nothing is charged twice (seed ${seed})`, async () => {
      const place = await open();
      try {
        const rounds = await killRounds(place, randomLives(ROUNDS, seed, 100, 1500));
        // Against standing still; below 2 s on a machine that is free.
        expect(medianOf(rounds.map(({ restartMs }) => restartMs))).toBeLessThan(20_000);
      } finally {
        await place.close();
      }
    });
  });
}
