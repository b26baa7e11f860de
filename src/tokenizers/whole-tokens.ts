import type { Utf8Text } from './utf8-text.ts';
import { nextHash, SHORT_TOKEN_BYTES, shortHash } from './vocabulary-layout.ts';
import type { Vocabulary } from './vocabulary.ts';

/** No token is longer, in either vocabulary (the longest has 128). */
const MAX_TOKEN_BYTES = 256;

/** Looks up pieces that are tokens as they are. @internal */
export class WholeTokens {
  readonly #short: Int32Array;
  readonly #shortIds: Int32Array;
  readonly #shortMask: number;
  readonly #long: Int32Array;
  readonly #longMask: number;
  readonly #longBytes: Uint8Array;

  constructor(vocabulary: Vocabulary) {
    this.#short = vocabulary.shortTokens;
    this.#shortIds = vocabulary.shortIds;
    this.#shortMask = vocabulary.shortIds.length - 1;
    this.#long = vocabulary.longTokens;
    this.#longMask = vocabulary.longTokens.length / 4 - 1;
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
    const table = this.#long;
    for (let slot = hash & this.#longMask; ; slot = (slot + 1) & this.#longMask) {
      const at = slot * 4;
      const found = table[at + 2]!;
      if (found === 0) return -1;
      if (table[at] === hash && found === length && this.#isAt(table[at + 1]!, bytes, start, end))
        return table[at + 3]!;
    }
  }

  #isAt(offset: number, bytes: Uint8Array, start: number, end: number): boolean {
    for (let at = start; at < end; at += 1) if (this.#longBytes[offset + at - start] !== bytes[at]) return false;
    return true;
  }
}
