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
  const total = keys.reduce((sum, entry) => sum + (entry.weight ?? 1), 0);
  let left = random.fraction() * total;
  for (const entry of keys) {
    left -= entry.weight ?? 1;
    if (left < 0) return entry.key;
  }
  return keys.at(-1)?.key;
}
