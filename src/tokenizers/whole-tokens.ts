import type { Utf8Text } from './utf8-text.ts';
import { EMPTY_HASH, pieceHash, SHORT_TOKEN_BYTES, shortHash } from './vocabulary-layout.ts';
import type { Vocabulary } from './vocabulary.ts';

/** Looks up pieces that are tokens as they are. @internal */
export class WholeTokens {
  readonly #short: Int32Array;
  readonly #shortIds: Int32Array;
  readonly #shortMask: number;
  readonly #longHashes: Int32Array;
  readonly #long: Int32Array;
  readonly #longMask: number;
  readonly #longBytes: Uint8Array;

  constructor(vocabulary: Vocabulary) {
    this.#short = vocabulary.shortTokens;
    this.#shortIds = vocabulary.shortIds;
    this.#shortMask = vocabulary.shortIds.length - 1;
    this.#longHashes = vocabulary.longHashes;
    this.#long = vocabulary.longTokens;
    this.#longMask = vocabulary.longHashes.length - 1;
    this.#longBytes = vocabulary.longBytes;
  }

  /** The id of the token that a piece is, or -1. */
  idOf(text: Utf8Text, start: number, end: number): number {
    if (!isShort(text, start, end)) return this.longId(pieceHash(text.view, start, end), text, start, end);
    const slot = this.#shortSlot(text.view, start, end - start);
    return slot < 0 ? -1 : this.#shortIds[slot]!;
  }

  /** Whether a piece for which `isShort` holds is a token. */
  hasShort(text: Utf8Text, start: number, end: number): boolean {
    return this.#shortSlot(text.view, start, end - start) >= 0;
  }

  /** The id of the token that a piece with this hash is, for which `isShort` does not hold, or -1. */
  longId(hash: number, { bytes }: Utf8Text, start: number, end: number): number {
    // Nearly all that is asked for is not there, and is told from the hashes, which are a small part of the table.
    const hashes = this.#longHashes;
    const mask = this.#longMask;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const found = hashes[slot]!;
      if (found === EMPTY_HASH) return -1;
      if (found === hash && this.#isAt(slot, bytes, start, end)) return this.#long[slot * 3 + 2]!;
    }
  }

  #shortSlot(view: DataView, start: number, length: number): number {
    let first = view.getInt32(start, true);
    let second = 0;
    if (length < 4) first &= (1 << (length * 8)) - 1;
    else if (length > 4) {
      second = view.getInt32(start + 4, true);
      if (length < 8) second &= (1 << ((length - 4) * 8)) - 1;
    }
    const table = this.#short;
    const mask = this.#shortMask;
    for (let slot = shortHash(first, second) & mask; ; slot = (slot + 1) & mask) {
      const found = table[slot * 2]!;
      const after = table[slot * 2 + 1]!;
      if (found === first && after === second) return slot;
      if (found === 0 && after === 0) return -1;
    }
  }

  #isAt(slot: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#long[slot * 3 + 1] !== end - start) return false;
    const offset = this.#long[slot * 3]! - start;
    for (let at = start; at < end; at += 1) if (this.#longBytes[offset + at] !== bytes[at]) return false;
    return true;
  }
}

/** Whether a piece is looked up as two words: up to 8 bytes, of which the last is not zero as what the words are filled with. @internal */
export function isShort({ bytes }: Utf8Text, start: number, end: number): boolean {
  return end - start <= SHORT_TOKEN_BYTES && bytes[end - 1] !== 0;
}
