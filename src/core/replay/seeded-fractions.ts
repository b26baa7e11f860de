/**
 * Fractions from 0 up to, but without, 1 that a seed fixes: the same seed gives the same row, on any machine. A counter mixed by splitmix32;
 * good enough to draw samples, never for secrets.
 * @param seed - a whole number; only its lower 32 bits count.
 * @public
 */
export function seededFractions(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}

/** The numbers from 0 to `size - 1` in an order that chance decides. @public */
export function shuffledIndexes(size: number, fraction: () => number): readonly number[] {
  const indexes = Array.from({ length: size }, (_, index) => index);
  for (let last = size - 1; last > 0; last -= 1) {
    const other = Math.floor(fraction() * (last + 1));
    const moved = indexes[last] ?? 0;
    indexes[last] = indexes[other] ?? 0;
    indexes[other] = moved;
  }
  return indexes;
}
