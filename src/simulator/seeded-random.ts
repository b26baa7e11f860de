import type { Random } from '../ports/clock.ts';

/**
 * Chance that repeats: the same seed gives the same run. Xoshiro128** (Blackman and Vigna, 2018) seeded by splitmix32;
 * good enough for made-up traffic, never for secrets.
 * @param seed any whole number; only its lower 32 bits count.
 * @public
 */
export function seededRandom(seed: number): Random {
  const state = [0, 0, 0, 0].map((_, index) => splitMix32((seed | 0) + index));
  const next = (): number => {
    const [a = 0, b = 0, c = 0, d = 0] = state;
    const result = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 0;
    const third = c ^ a;
    const fourth = d ^ b;
    state[0] = a ^ fourth;
    state[1] = b ^ third;
    state[2] = third ^ (b << 9);
    state[3] = rotateLeft(fourth, 11);
    return result;
  };
  return {
    fraction: () => next() / 2 ** 32,
    hex(length: number): string {
      let digits = '';
      while (digits.length < length) digits += next().toString(16).padStart(8, '0');
      return digits.slice(0, length);
    },
  };
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function splitMix32(value: number): number {
  let mixed = (value + 0x9e3779b9) | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
