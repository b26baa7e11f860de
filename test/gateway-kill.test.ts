import { describe, expect, test } from 'vitest';
import { whyNoServices } from './support/budget-stage.ts';
import { folderPlace, type KillPlace, killRounds, randomLives, servicesPlace } from './support/gateway-kill-round.ts';

const ROUNDS = 4;
/** Named in the title, so that a failure can be repeated. */
const seed = Date.now() % 100_000;
const missing = whyNoServices();

const PLACES: readonly (readonly [name: string, missing: string | undefined, open: () => Promise<KillPlace>])[] = [
  ['on a folder', undefined, () => Promise.resolve(folderPlace())],
  ['on Redis and Postgres', missing, servicesPlace],
];

for (const [name, isMissing, open] of PLACES) {
  describe.skipIf(isMissing !== undefined)(`${name}${isMissing === undefined ? '' : `: ${isMissing}`}`, () => {
    test(
      `gateways killed ${ROUNDS} times under load lose no acknowledged charge, double none, hold nothing, and come back (seed ${seed})`,
      { timeout: 180_000 },
      async () => {
        const place = await open();
        try {
          const rounds = await killRounds(place, randomLives(ROUNDS, seed, 100, 500));
          expect(rounds.reduce((sum, { acknowledged }) => sum + acknowledged, 0)).toBeGreaterThan(ROUNDS);
          expect(rounds.at(-1)?.estimates).toBeGreaterThan(0);
          // The best of them: a machine that is busy besides makes everything dearer.
          expect(Math.min(...rounds.map(({ restartCpuMs }) => restartCpuMs))).toBeLessThan(2000);
        } finally {
          await place.close();
        }
      },
    );
  });
}
