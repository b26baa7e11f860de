/** First word of a vocabulary file; another one means another file, or a machine of another byte order. @internal */
export const VOCABULARY_MAGIC = 0x31_56_54_46;

/** Version of the layout below. What is generated in an older one is generated anew. @internal */
export const LAYOUT_VERSION = 5;

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
  /** Hash table of whole tokens of up to 8 bytes: their bytes as two words, filled with zeros; two zeros are an empty slot. */
  'shortTokens',
  /** Ids of the slots of `shortTokens`. */
  'shortIds',
  /** Hash table of the other whole tokens: their hashes; 0 is an empty slot. */
  'longHashes',
  /** For each slot of `longHashes`: offset in `longBytes`, length, id. */
  'longTokens',
  'longBytes',
  /** Hash table of merges, two words: see `pairWords`. */
  'pairs',
  /** A bit at the hash of each pair that merges, to know most of those that do not. */
  'pairBits',
  /** A bit at the hash of each two characters of three bytes that stand side by side in a token. */
  'neighbourBits',
  /** A bit for each code point below 0x10000 after which, and before which, a token may end or begin within a character. */
  'raggedAfterBits',
  'raggedBeforeBits',
  /** Class of each code point below 0x10000, one byte. */
  'basicClasses',
  /** For each 256 code points from 0x10000 on: number of their block in `astralClasses`. */
  'astralBlocks',
  'astralClasses',
] as const;

/** @internal */
export type SectionName = (typeof SECTIONS)[number];

/** Tokens up to this length are compared as two words, unless they end with a zero byte. @internal */
export const SHORT_TOKEN_BYTES = 8;

/** Bits of `pairBits` and of `neighbourBits`, a power of two each. @internal */
export const PAIR_BITS = 0x10_00_00;

/** @internal */
export const NEIGHBOUR_BITS = 0x4_00_00;

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

/** Hash of an empty slot of the table of longer tokens; a token with this hash has 1. @internal */
export const EMPTY_HASH = 0;

/** Hash of the bytes of a piece, never `EMPTY_HASH`. Reads up to three bytes beyond it. @internal */
export function pieceHash(view: DataView, start: number, end: number): number {
  let hash = end - start;
  let at = start;
  for (; at + 4 <= end; at += 4) hash = nextHash(hash, view.getInt32(at, true));
  if (at < end) hash = nextHash(hash, lastWord(view, at, end));
  return hash === EMPTY_HASH ? 1 : hash;
}

/** The last bytes of a piece, up to three, as a word. @internal */
export function lastWord(view: DataView, at: number, end: number): number {
  return view.getInt32(at, true) & ((1 << ((end - at) * 8)) - 1);
}

function nextHash(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, 0x9e_37_79_b1);
  return mixed ^ (mixed >>> 15);
}

/** Slot (not yet masked) of a pair of ids or of code points. @internal */
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
