import type { PrefixBlock } from './prefix-block.ts';

/** Tokens of a part of a prompt. @internal */
export function tokensBetween(chain: readonly PrefixBlock[], from: number, until: number): number {
  let sum = 0;
  for (let depth = from; depth < until; depth += 1) sum += chain[depth]?.tokens ?? 0;
  return sum;
}

/** The last depth up to `from` behind a block for which something holds; 0: there is none. @internal */
export function lastWhere<T>(values: readonly (T | undefined)[], from: number, holds: (value: T) => boolean): number {
  for (let depth = from; depth > 0; depth -= 1) {
    const value = values[depth - 1];
    if (value !== undefined && holds(value)) return depth;
  }
  return 0;
}

/** How many values from the front have something. @internal */
export function countWhile<T>(values: readonly T[], holds: (value: T) => boolean): number {
  const end = values.findIndex((value) => !holds(value));
  return end < 0 ? values.length : end;
}
