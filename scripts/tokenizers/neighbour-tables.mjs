// Which characters may be joined by a token: two between which no token can reach can be parted before anything is merged.
import { NEIGHBOUR_BITS, pairHash } from '../../src/tokenizers/vocabulary-layout.ts';
import { setBit } from './vocabulary-tables.mjs';

const BASIC_CODE_POINTS = 0x1_00_00;
const FIRST_OF_THREE_BYTES = 0x8_00;

/** Length of the character that a byte begins; 0 within a character. */
function lengthOf(byte) {
  if (byte < 0x80) return 1;
  if (byte < 0xc0) return 0;
  if (byte < 0xe0) return 2;
  return byte < 0xf0 ? 3 : 4;
}

/** A token's whole characters, and what it has of others at its ends. */
function partsOf(bytes) {
  const parts = [];
  for (let start = 0; start < bytes.length;) {
    let end = start + 1;
    while (end < bytes.length && lengthOf(bytes[end]) === 0) end += 1;
    const part = bytes.subarray(start, end);
    const isWhole = lengthOf(part[0]) === part.length;
    parts.push({ bytes: part, codePoint: isWhole ? part.toString('utf8').codePointAt(0) : undefined });
    start = end;
  }
  return parts;
}

/** Bits of the neighbours within tokens, as far as they have three bytes, and of the characters beside which a token is torn. */
export function neighbourTables(tokens) {
  const tables = {
    neighbourBits: new Int32Array(NEIGHBOUR_BITS / 32),
    raggedAfterBits: new Int32Array(BASIC_CODE_POINTS / 32),
    raggedBeforeBits: new Int32Array(BASIC_CODE_POINTS / 32),
  };
  for (const bytes of tokens) {
    const parts = partsOf(bytes);
    for (let at = 1; at < parts.length; at += 1) note(tables, parts[at - 1], parts[at]);
  }
  return tables;
}

function note({ neighbourBits, raggedAfterBits, raggedBeforeBits }, left, right) {
  const leftPoint = left.codePoint;
  const rightPoint = right.codePoint;
  if (leftPoint !== undefined && rightPoint !== undefined) {
    setBit(neighbourBits, pairHash(leftPoint, rightPoint) & (NEIGHBOUR_BITS - 1));
  } else if (leftPoint !== undefined) {
    if (leftPoint < BASIC_CODE_POINTS) setBit(raggedAfterBits, leftPoint);
  } else if (rightPoint !== undefined) {
    if (rightPoint < BASIC_CODE_POINTS) setBit(raggedBeforeBits, rightPoint);
  } else {
    for (const codePoint of beginningWith(right.bytes)) setBit(raggedBeforeBits, codePoint);
  }
}

/** The characters of three bytes that begin with these. */
function beginningWith(bytes) {
  const found = [];
  for (let codePoint = FIRST_OF_THREE_BYTES; codePoint < BASIC_CODE_POINTS; codePoint += 1) {
    const encoded = Buffer.from(String.fromCodePoint(codePoint));
    if (encoded.subarray(0, bytes.length).equals(bytes)) found.push(codePoint);
  }
  return found;
}
