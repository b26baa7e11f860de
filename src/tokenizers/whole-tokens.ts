import type { Utf8Text } from './utf8-text.ts';
import { EMPTY_HASH, nextHash, SHORT_TOKEN_BYTES, shortHash } from './vocabulary-layout.ts';
import type { Vocabulary } from './vocabulary.ts';

/** No token is longer, in either vocabulary (the longest has 128). */
const MAX_TOKEN_BYTES = 256;

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

  /** Whether a piece is a token. */
  has(text: Utf8Text, start: number, end: number): boolean {
    const length = end - start;
    if (length > SHORT_TOKEN_BYTES || text.bytes[end - 1] === 0) return this.#longId(text, start, end) >= 0;
    return this.#shortSlot(text.view, start, length) >= 0;
  }

  /** The id of the token that a piece is, or -1. */
  idOf(text: Utf8Text, start: number, end: number): number {
    const length = end - start;
    if (length > SHORT_TOKEN_BYTES || text.bytes[end - 1] === 0) return this.#longId(text, start, end);
    const slot = this.#shortSlot(text.view, start, length);
    return slot < 0 ? -1 : this.#shortIds[slot]!;
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

  #longId({ bytes, view }: Utf8Text, start: number, end: number): number {
    const length = end - start;
    if (length > MAX_TOKEN_BYTES) return -1;
    let hash = length;
    for (let at = start; at + 4 <= end; at += 4) hash = nextHash(hash, view.getInt32(at, true));
    hash = nextHash(
      hash,
      length < 4 ? view.getInt32(start, true) & ((1 << (length * 8)) - 1) : view.getInt32(end - 4, true),
    );
    // Nearly all that is asked for is not there, and is told from the hashes, which are a small part of the table.
    if (hash === EMPTY_HASH) hash = 1;
    const hashes = this.#longHashes;
    const mask = this.#longMask;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const found = hashes[slot]!;
      if (found === EMPTY_HASH) return -1;
      if (found === hash && this.#isAt(slot, bytes, start, end)) return this.#long[slot * 3 + 2]!;
    }
  }

  #isAt(slot: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#long[slot * 3 + 1] !== end - start) return false;
    const offset = this.#long[slot * 3]! - start;
    for (let at = start; at < end; at += 1) if (this.#longBytes[offset + at] !== bytes[at]) return false;
    return true;
  }
}
