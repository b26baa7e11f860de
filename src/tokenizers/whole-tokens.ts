import { nextHash, SHORT_TOKEN_BYTES, shortHash } from './vocabulary-layout.ts';
import type { Vocabulary } from './vocabulary.ts';
import { wordAt } from './word-at.ts';

/** Looks up pieces that are tokens as they are. @internal */
export class WholeTokens {
  readonly #short: Int32Array;
  readonly #shortMask: number;
  readonly #long: Int32Array;
  readonly #longMask: number;
  readonly #longBytes: Uint8Array;

  constructor(vocabulary: Vocabulary) {
    this.#short = vocabulary.shortTokens;
    this.#shortMask = vocabulary.shortTokens.length / 4 - 1;
    this.#long = vocabulary.longTokens;
    this.#longMask = vocabulary.longTokens.length / 4 - 1;
    this.#longBytes = vocabulary.longBytes;
  }

  /** The id of the token with these bytes, or -1. */
  idOf(bytes: Uint8Array, start: number, end: number): number {
    return end - start <= SHORT_TOKEN_BYTES
      ? this.#shortId(bytes, start, end - start)
      : this.#longId(bytes, start, end);
  }

  #shortId(bytes: Uint8Array, start: number, length: number): number {
    let first = wordAt(bytes, start);
    let second = 0;
    if (length < 4) first &= (1 << (length * 8)) - 1;
    else if (length > 4) {
      second = wordAt(bytes, start + 4);
      if (length < 8) second &= (1 << ((length - 4) * 8)) - 1;
    }
    const table = this.#short;
    for (let slot = shortHash(first, second) & this.#shortMask; ; slot = (slot + 1) & this.#shortMask) {
      const at = slot * 4;
      const found = table[at + 2]!;
      if (found === 0) return -1;
      if (table[at] === first && table[at + 1] === second && found === length) return table[at + 3]!;
    }
  }

  #longId(bytes: Uint8Array, start: number, end: number): number {
    const length = end - start;
    let hash = length;
    for (let at = start; at + 4 <= end; at += 4) hash = nextHash(hash, wordAt(bytes, at));
    hash = nextHash(hash, wordAt(bytes, end - 4));
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
