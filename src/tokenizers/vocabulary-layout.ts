/** First word of a vocabulary file; another one means another file, or a machine of another byte order. @internal */
export const VOCABULARY_MAGIC = 0x31_56_54_46;

/** Version of the layout below. What is generated in an older one is generated anew. @internal */
export const LAYOUT_VERSION = 2;

/** Words of the header: magic, version, the source's digest (8 words), then offset and size in bytes of each section. @internal */
export const HEADER_WORDS = 64;

/** First word of the digest in the header. @internal */
export const DIGEST_WORD = 2;

/** First word of the sections' places in the header. @internal */
export const SECTIONS_WORD = 10;

/** What a vocabulary file holds, in this order, each at a multiple of 16 bytes. @internal */
export const SECTIONS = [
  /** Id of each single byte. */
  'byteIds',
  /** Token that two bytes become, or `NO_MERGE`, at 256 times the first and the second. */
  'bytePairs',
  /** Hash table of whole tokens of up to 8 bytes: first word, second word, length, id; length 0 is an empty slot. */
  'shortTokens',
  /** Hash table of longer whole tokens: hash, offset in `longBytes`, length, id; length 0 is an empty slot. */
  'longTokens',
  'longBytes',
  /** Hash table of merges, two words: see `pairWords`. */
  'pairs',
  /** Class of each code point below 0x10000, one byte. */
  'basicClasses',
  /** For each 256 code points from 0x10000 on: number of their block in `astralClasses`. */
  'astralBlocks',
  'astralClasses',
] as const;

/** @internal */
export type SectionName = (typeof SECTIONS)[number];

/** Tokens up to this length are compared as two words. @internal */
export const SHORT_TOKEN_BYTES = 8;

/** What stands for the token of two that do not merge: above any id. @internal */
export const NO_MERGE = 0x7f_ff_ff_ff;

/** Second word of an empty slot of the table of pairs. @internal */
export const NO_PAIR = -1;

/** Bits of the right id that fit into the first word of a pair, beside the left id of 18 bits. @internal */
export const RIGHT_LOW_BITS = 14;

/** Slot (not yet masked) of a token of up to 8 bytes, given as two little-endian words filled with zeros. @internal */
export function shortHash(first: number, second: number): number {
  const mixed = Math.imul(first, 0x9e_37_79_b1) ^ Math.imul(second ^ (second >>> 15), 0x85_eb_ca_6b);
  return mixed ^ (mixed >>> 15);
}

/** One step of the hash of a longer token: over its words from its start, and last over its last four bytes. @internal */
export function nextHash(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, 0x9e_37_79_b1);
  return mixed ^ (mixed >>> 15);
}

/** Slot (not yet masked) of a pair of ids. @internal */
export function pairHash(left: number, right: number): number {
  const mixed = Math.imul(left, 0x9e_37_79_b1) ^ Math.imul(right, 0x85_eb_ca_6b);
  return mixed ^ (mixed >>> 15);
}

/** The words of a pair's slot: both ids and what they become, 18 bits each. The second is never `NO_PAIR`. @internal */
export function pairWords(left: number, right: number, merged: number): readonly [number, number] {
  return [firstPairWord(left, right), (right >>> RIGHT_LOW_BITS) | (merged << 4)];
}

/** @internal */
export function firstPairWord(left: number, right: number): number {
  return left | (right << 18);
}
