import type { Vocabulary } from './vocabulary.ts';

/** Bits of `classAndLength` that hold the class. @internal */
export const CLASS_BITS = 4;

/** @internal */
export const CLASS_MASK = 15;

/** What `ofByte` has for the first byte of a character of several bytes. */
const SEVERAL_BYTES = 15;

/** Looks up the class of the character at a place of well-formed UTF-8. @internal */
export class CharacterClasses {
  /** Class of a character of one byte, or `SEVERAL_BYTES`. */
  readonly ofByte: Uint8Array;
  readonly #basic: Uint8Array;
  readonly #astralBlocks: Uint8Array;
  readonly #astral: Uint8Array;

  constructor(vocabulary: Vocabulary) {
    this.#basic = vocabulary.basicClasses;
    this.#astralBlocks = vocabulary.astralBlocks;
    this.#astral = vocabulary.astralClasses;
    this.ofByte = Uint8Array.from({ length: 256 }, (_, byte) => (byte < 0x80 ? this.#basic[byte]! : SEVERAL_BYTES));
  }

  /** The class of the character at `at`, and above it its length in bytes. */
  classAndLength(bytes: Uint8Array, at: number): number {
    const lead = bytes[at]!;
    if (lead < 0x80) return this.ofByte[lead]! | (1 << CLASS_BITS);
    if (lead < 0xe0) return this.#basic[((lead & 0x1f) << 6) | (bytes[at + 1]! & 0x3f)]! | (2 << CLASS_BITS);
    if (lead < 0xf0) {
      const codePoint = ((lead & 0x0f) << 12) | ((bytes[at + 1]! & 0x3f) << 6) | (bytes[at + 2]! & 0x3f);
      return this.#basic[codePoint]! | (3 << CLASS_BITS);
    }
    const high = ((lead & 0x07) << 10) | ((bytes[at + 1]! & 0x3f) << 4) | ((bytes[at + 2]! & 0x3f) >> 2);
    const low = ((bytes[at + 2]! & 0x03) << 6) | (bytes[at + 3]! & 0x3f);
    return this.#astral[(this.#astralBlocks[high - 0x1_00]! << 8) | low]! | (4 << CLASS_BITS);
  }
}
