// The hash tables of a vocabulary, as the tokenizer reads them: whole tokens, and the merge by which each token comes about.
import {
  EMPTY_HASH,
  NO_MERGE,
  NO_PAIR,
  PAIR_BITS,
  pairHash,
  pairWords,
  pieceHash,
  SHORT_TOKEN_BYTES,
  shortHash,
} from '../../src/tokenizers/vocabulary-layout.ts';

/** How full a table may be: fuller ones take less room and more steps. */
const MAX_LOAD = 0.6;
/** That of the pairs, which are searched for little that is not there. */
const MAX_PAIR_LOAD = 0.8;

const isText = (bytes) => Buffer.from(bytes.toString('utf8')).equals(bytes);
const isShort = (bytes) => bytes.length <= SHORT_TOKEN_BYTES && bytes.at(-1) !== 0;

function slotsFor(count, maxLoad) {
  let slots = 16;
  while (slots * maxLoad < count) slots *= 2;
  return slots;
}

/** Tables of the tokens that can be whole pieces: those that are valid UTF-8. */
export function wholeTokenTables(tokens) {
  const whole = tokens.map((bytes, id) => ({ bytes, id })).filter(({ bytes }) => isText(bytes));
  return {
    ...shortTables(whole.filter(({ bytes }) => isShort(bytes))),
    ...longTables(whole.filter(({ bytes }) => !isShort(bytes))),
  };
}

function shortTables(tokens) {
  const slots = slotsFor(tokens.length, MAX_LOAD);
  const shortTokens = new Int32Array(slots * 2);
  const shortIds = new Int32Array(slots);
  for (const { bytes, id } of tokens) {
    const padded = Buffer.alloc(8);
    bytes.copy(padded);
    const [first, second] = [padded.readInt32LE(0), padded.readInt32LE(4)];
    let slot = shortHash(first, second) & (slots - 1);
    while (shortTokens[slot * 2] !== 0 || shortTokens[slot * 2 + 1] !== 0) slot = (slot + 1) & (slots - 1);
    shortTokens.set([first, second], slot * 2);
    shortIds[slot] = id;
  }
  return { shortTokens, shortIds };
}

function longTables(tokens) {
  const slots = slotsFor(tokens.length, MAX_LOAD);
  const longHashes = new Int32Array(slots);
  const longTokens = new Int32Array(slots * 3);
  const longBytes = Buffer.concat(tokens.map(({ bytes }) => bytes));
  let offset = 0;
  for (const { bytes, id } of tokens) {
    const hash = longHash(bytes);
    let slot = hash & (slots - 1);
    while (longHashes[slot] !== EMPTY_HASH) slot = (slot + 1) & (slots - 1);
    longHashes[slot] = hash;
    longTokens.set([offset, bytes.length, id], slot * 3);
    offset += bytes.length;
  }
  return { longHashes, longTokens, longBytes };
}

function longHash(bytes) {
  const padded = Buffer.concat([bytes, Buffer.alloc(4)]);
  return pieceHash(new DataView(padded.buffer, padded.byteOffset, padded.length), 0, bytes.length);
}

/**
 * Tables of the merges. While a piece is merged, the parts of a token join in the order in which they would alone, so that there is one pair of ids
 * from which a token can come about: the last two parts of the token by itself.
 */
export function mergeTables(tokens) {
  const byteIds = new Int32Array(256);
  for (const [id, bytes] of tokens.entries()) if (bytes.length === 1) byteIds[bytes[0]] = id;
  const merges = mergesOf(tokens, byteIds);
  const bytePairs = Int32Array.from(
    { length: 65_536 },
    (_, pair) => merges.get(pairKey(byteIds[pair >> 8], byteIds[pair & 255])) ?? NO_MERGE,
  );
  const slots = slotsFor(merges.size, MAX_PAIR_LOAD);
  const pairs = new Int32Array(slots * 2);
  for (let slot = 0; slot < slots; slot += 1) pairs[slot * 2 + 1] = NO_PAIR;
  const pairBits = new Int32Array(PAIR_BITS / 32);
  for (const [pair, id] of merges) {
    const [left, right] = [Math.floor(pair / 2 ** 18), pair % 2 ** 18];
    insertPair(pairs, left, right, id);
    setBit(pairBits, pairHash(left, right) & (PAIR_BITS - 1));
  }
  return { byteIds, bytePairs, pairs, pairBits };
}

function mergesOf(tokens, byteIds) {
  const merges = new Map();
  for (const [id, bytes] of tokens.entries()) {
    if (bytes.length === 1) continue;
    const parts = Array.from(bytes, (byte) => byteIds[byte]);
    mergeBelow(id, parts, merges);
    if (parts.length !== 2) throw new Error(`token ${id} does not come about by merging two tokens of lower rank`);
    merges.set(pairKey(...parts), id);
  }
  return merges;
}

const pairKey = (left, right) => left * 2 ** 18 + right;

/** Merges parts in place as long as two of them are a token of lower rank than `id`. */
function mergeBelow(id, parts, merges) {
  const mergedAt = (at) => merges.get(pairKey(parts[at], parts[at + 1])) ?? id;
  for (;;) {
    let best = id;
    let place = 0;
    for (let at = 0; at + 1 < parts.length; at += 1) if (mergedAt(at) < best) [best, place] = [mergedAt(at), at];
    if (best === id) return;
    parts.splice(place, 2, best);
  }
}

export function setBit(words, bit) {
  words[bit >> 5] |= 1 << (bit & 31);
}

function insertPair(table, left, right, merged) {
  const mask = table.length / 2 - 1;
  let slot = pairHash(left, right) & mask;
  while (table[slot * 2 + 1] !== NO_PAIR) slot = (slot + 1) & mask;
  table.set(pairWords(left, right, merged), slot * 2);
}
