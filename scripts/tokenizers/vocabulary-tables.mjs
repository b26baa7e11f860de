// The hash tables of a vocabulary, as the tokenizer reads them: whole tokens, and the merge by which each token comes about.
import {
  NO_MERGE,
  NO_PAIR,
  nextHash,
  pairHash,
  pairWords,
  SHORT_TOKEN_BYTES,
  shortHash,
} from '../../src/tokenizers/vocabulary-layout.ts';

/** How full a table may be: fuller ones take less room and more steps. */
const MAX_LOAD = 0.6;

const isText = (bytes) => Buffer.from(bytes.toString('utf8')).equals(bytes);

function slotsFor(count) {
  let slots = 16;
  while (slots * MAX_LOAD < count) slots *= 2;
  return slots;
}

/** Tables of the tokens that can be whole pieces: those that are valid UTF-8. */
export function wholeTokenTables(tokens) {
  const whole = tokens.map((bytes, id) => ({ bytes, id })).filter(({ bytes }) => isText(bytes));
  const short = whole.filter(({ bytes }) => bytes.length <= SHORT_TOKEN_BYTES);
  const long = whole.filter(({ bytes }) => bytes.length > SHORT_TOKEN_BYTES);
  return { shortTokens: shortTable(short), ...longTable(long) };
}

function shortTable(tokens) {
  const slots = slotsFor(tokens.length);
  const table = new Int32Array(slots * 4);
  for (const { bytes, id } of tokens) {
    const padded = Buffer.alloc(8);
    bytes.copy(padded);
    const [first, second] = [padded.readInt32LE(0), padded.readInt32LE(4)];
    insert(table, 4, shortHash(first, second), 2, [first, second, bytes.length, id]);
  }
  return table;
}

function longTable(tokens) {
  const table = new Int32Array(slotsFor(tokens.length) * 4);
  const longBytes = Buffer.concat(tokens.map(({ bytes }) => bytes));
  let offset = 0;
  for (const { bytes, id } of tokens) {
    let hash = bytes.length;
    for (let at = 0; at + 4 <= bytes.length; at += 4) hash = nextHash(hash, bytes.readInt32LE(at));
    hash = nextHash(hash, bytes.readInt32LE(bytes.length - 4));
    insert(table, 4, hash, 2, [hash, offset, bytes.length, id]);
    offset += bytes.length;
  }
  return { longTokens: table, longBytes };
}

/** Puts a row into the first slot from `hash` on whose word `emptyWord` is 0. */
function insert(table, words, hash, emptyWord, row) {
  const mask = table.length / words - 1;
  let slot = hash & mask;
  while (table[slot * words + emptyWord] !== 0) slot = (slot + 1) & mask;
  table.set(row, slot * words);
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
  const slots = slotsFor(merges.size);
  const pairs = new Int32Array(slots * 2);
  for (let slot = 0; slot < slots; slot += 1) pairs[slot * 2 + 1] = NO_PAIR;
  for (const [pair, id] of merges) insertPair(pairs, Math.floor(pair / 2 ** 18), pair % 2 ** 18, id);
  return { byteIds, bytePairs, pairs };
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

function insertPair(table, left, right, merged) {
  const mask = table.length / 2 - 1;
  let slot = pairHash(left, right) & mask;
  while (table[slot * 2 + 1] !== NO_PAIR) slot = (slot + 1) & mask;
  table.set(pairWords(left, right, merged), slot * 2);
}
