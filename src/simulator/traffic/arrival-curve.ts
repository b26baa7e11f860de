import type { Random } from '../../ports/clock.ts';
import { logNormal } from '../chance.ts';
import { DAY_MS, HOUR_WEIGHTS, SLOT_SIGMA } from './traffic-parameters.ts';

const SLOTS_AN_HOUR = 6;
const SLOT_MS = DAY_MS / (24 * SLOTS_AN_HOUR);

/**
 * Draws moments of a day: busy hours get more, and neighbouring ten-minute slots differ as they do in production.
 * @returns a function that gives the next moment, in milliseconds from midnight.
 * @internal
 */
export function arrivalCurve(random: Random): () => number {
  const bounds: number[] = [];
  let total = 0;
  for (const weight of HOUR_WEIGHTS) {
    for (let slot = 0; slot < SLOTS_AN_HOUR; slot += 1) {
      total += weight * logNormal(random, 1, SLOT_SIGMA);
      bounds.push(total);
    }
  }
  return () => {
    const drawn = random.fraction() * total;
    const slot = bounds.findIndex((bound) => drawn < bound);
    return Math.floor((slot + random.fraction()) * SLOT_MS);
  };
}
