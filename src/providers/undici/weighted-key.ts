import { weightedDraw } from '../../core/weighted-draw.ts';
import type { Random } from '../../ports/clock.ts';

/** A provider key and its share of the traffic. @public */
export interface WeightedKey {
  readonly key: string;
  /** @defaultValue 1 */
  readonly weight?: number;
}

/** Chooses a key with a chance proportional to its weight; undefined when there is none. @internal */
export function chooseWeighted(keys: readonly WeightedKey[], random: Random): string | undefined {
  if (keys.length <= 1) return keys[0]?.key;
  const weights = keys.map(({ weight }) => weight ?? 1);
  return keys[weightedDraw(weights, random.fraction()).index]?.key;
}
