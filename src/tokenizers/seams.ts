import { NEIGHBOUR_BITS, pairHash } from './vocabulary-layout.ts';
import type { Vocabulary } from './vocabulary.ts';

/** Bytes of each character that is looked at: most scripts without spaces between words have such. */
const CHARACTER_BYTES = 3;

/**
 * Finds the borders between two characters over which no token reaches, so that what is on either side can be merged by itself: few of the neighbours in
 * a Chinese sentence stand side by side in any token. Only characters of three bytes are looked at.
 * @internal
 */
export class Seams {
  readonly #neighbours: Int32Array;
  readonly #raggedAfter: Int32Array;
  readonly #raggedBefore: Int32Array;

  constructor(vocabulary: Vocabulary) {
    this.#neighbours = vocabulary.neighbourBits;
    this.#raggedAfter = vocabulary.raggedAfterBits;
    this.#raggedBefore = vocabulary.raggedBeforeBits;
  }

  /** The first such border behind `start`, which is the start of a character, or `end`. */
  next(bytes: Uint8Array, start: number, end: number): number {
    let left = -1;
    for (let at = start; at < end;) {
      const lead = bytes[at]!;
      if ((lead & 0xf0) === 0xe0) {
        const right = ((lead & 0x0f) << 12) | ((bytes[at + 1]! & 0x3f) << 6) | (bytes[at + 2]! & 0x3f);
        if (left >= 0 && !this.#mayJoin(left, right)) return at;
        left = right;
        at += CHARACTER_BYTES;
      } else {
        left = -1;
        if (lead < 0x80) at += 1;
        else at += lead < 0xe0 ? 2 : 4;
      }
    }
    return end;
  }

  #mayJoin(left: number, right: number): boolean {
    return (
      hasBit(this.#neighbours, pairHash(left, right) & (NEIGHBOUR_BITS - 1)) ||
      hasBit(this.#raggedAfter, left) ||
      hasBit(this.#raggedBefore, right)
    );
  }
}

function hasBit(words: Int32Array, bit: number): boolean {
  return ((words[bit >> 5]! >>> (bit & 31)) & 1) === 1;
}
