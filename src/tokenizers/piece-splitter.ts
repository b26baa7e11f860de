import { CASELESS, LINE_END, LOWER, MARK, NUMBER, OTHER, SPACE, UPPER } from './character-class.ts';
import { CLASS_BITS, CLASS_MASK, type CharacterClasses } from './character-classes.ts';

/** Finds the end of the piece that begins at `start`, where a piece is what is looked up or merged by itself. `end` is the text's end. @internal */
export interface PieceSplitter {
  pieceEnd(bytes: Uint8Array, start: number, end: number): number;
}

const APOSTROPHE = 0x27;
const SLASH = 0x2f;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
/** What follows the apostrophe of a contraction: one letter of these, or the first of two. */
const ONE_LETTER = new Set(Array.from('stmd', (letter) => letter.codePointAt(0)));
const TWO_LETTERS = new Map(Array.from(['re', 've', 'll'], (pair) => [pair.codePointAt(0), pair.codePointAt(1)]));

/** The end of `'s`, `'t`, `'re`, `'ve`, `'m`, `'ll` or `'d` at `at`, or `at`. */
function contractionEnd(bytes: Uint8Array, at: number, end: number): number {
  if (at + 1 >= end || bytes[at] !== APOSTROPHE) return at;
  const first = bytes[at + 1]! | 0x20;
  if (ONE_LETTER.has(first)) return at + 2;
  return at + 2 < end && TWO_LETTERS.get(first) === (bytes[at + 2]! | 0x20) ? at + 3 : at;
}

/** `\p{N}{1,3}` after its first character. */
function numberEnd(classes: CharacterClasses, bytes: Uint8Array, second: number, end: number): number {
  let at = second;
  for (let digits = 1; digits < 3 && at < end; digits += 1) {
    const found = classes.classAndLength(bytes, at);
    if ((found & CLASS_MASK) !== NUMBER) break;
    at += found >> CLASS_BITS;
  }
  return at;
}

/** `\s*[\r\n]+|\s+(?!\S)|\s+` */
function whitespaceEnd(classes: CharacterClasses, bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  let last = start;
  let lineEnd = 0;
  while (at < end) {
    const found = classes.classAndLength(bytes, at);
    const kind = found & CLASS_MASK;
    if (kind < SPACE || kind > LINE_END) break;
    last = at;
    at += found >> CLASS_BITS;
    if (kind === LINE_END) lineEnd = at;
  }
  if (lineEnd > 0) return lineEnd;
  return at === end || last === start ? at : last;
}

/** `[^\s\p{L}\p{N}]+` */
function symbolsEnd(classes: CharacterClasses, bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end) {
    const found = classes.classAndLength(bytes, at);
    if ((found & CLASS_MASK) > MARK) break;
    at += found >> CLASS_BITS;
  }
  return at;
}

/** The pieces of o200k_base. @internal */
export class O200kSplitter implements PieceSplitter {
  readonly #classes: CharacterClasses;
  readonly #ofByte: Uint8Array;

  constructor(classes: CharacterClasses) {
    this.#classes = classes;
    this.#ofByte = classes.ofByte;
  }

  pieceEnd(bytes: Uint8Array, start: number, end: number): number {
    const ofByte = this.#ofByte;
    const first = ofByte[bytes[start]!]!;
    // Nearly all there is in most texts: a word in lower case, with a space before it or without.
    if (first === LOWER) return this.#lowerEnd(bytes, start + 1, end);
    if (first === SPACE && start + 1 < end && ofByte[bytes[start + 1]!] === LOWER)
      return this.#lowerEnd(bytes, start + 2, end);
    const found = this.#classes.classAndLength(bytes, start);
    const kind = found & CLASS_MASK;
    const second = start + (found >> CLASS_BITS);
    if (kind >= UPPER) return this.#wordEnd(bytes, start, end, false);
    if (kind === NUMBER) return numberEnd(this.#classes, bytes, second, end);
    if (kind === MARK) return this.#wordEnd(bytes, second, end, true);
    const next = second < end ? this.#classes.classAndLength(bytes, second) & CLASS_MASK : LINE_END;
    if (kind !== LINE_END && (next >= UPPER || next === MARK)) return this.#wordEnd(bytes, second, end, false);
    if (kind === OTHER || (kind === SPACE && next === OTHER)) return this.#symbolsEnd(bytes, second, end);
    return whitespaceEnd(this.#classes, bytes, start, end);
  }

  /**
   * `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+` or, where that fails, the same with `+` and `*`, then a contraction. One
   * other character may stand before it. If that is a mark, it is also the first form by itself, which goes before the second form.
   */
  #wordEnd(bytes: Uint8Array, start: number, end: number, isAfterMark: boolean): number {
    const classes = this.#classes;
    let at = start;
    let caselessEnd = 0;
    let kind = OTHER;
    while (at < end) {
      const found = classes.classAndLength(bytes, at);
      kind = found & CLASS_MASK;
      if (kind !== UPPER && kind !== CASELESS && kind !== MARK) break;
      at += found >> CLASS_BITS;
      if (kind !== UPPER) caselessEnd = at;
    }
    if (at < end && kind === LOWER) return this.#lowerEnd(bytes, at, end);
    if (caselessEnd > 0) at = caselessEnd;
    else if (isAfterMark) at = start;
    return contractionEnd(bytes, at, end);
  }

  /** `[\p{Ll}\p{Lm}\p{Lo}\p{M}]*` and a contraction. */
  #lowerEnd(bytes: Uint8Array, start: number, end: number): number {
    const ofByte = this.#ofByte;
    let at = start;
    for (;;) {
      while (at < end && ofByte[bytes[at]!] === LOWER) at += 1;
      if (at >= end) return at;
      const byte = bytes[at]!;
      if (byte < 0x80) return byte === APOSTROPHE ? contractionEnd(bytes, at, end) : at;
      const found = this.#classes.classAndLength(bytes, at);
      const kind = found & CLASS_MASK;
      if (kind !== LOWER && kind !== CASELESS && kind !== MARK) return at;
      at += found >> CLASS_BITS;
    }
  }

  /** Also `[\r\n/]*`. */
  #symbolsEnd(bytes: Uint8Array, start: number, end: number): number {
    let at = symbolsEnd(this.#classes, bytes, start, end);
    while (at < end && (bytes[at] === NEWLINE || bytes[at] === RETURN || bytes[at] === SLASH)) at += 1;
    return at;
  }
}

/** The pieces of cl100k_base. @internal */
export class Cl100kSplitter implements PieceSplitter {
  readonly #classes: CharacterClasses;

  constructor(classes: CharacterClasses) {
    this.#classes = classes;
  }

  pieceEnd(bytes: Uint8Array, start: number, end: number): number {
    const contraction = contractionEnd(bytes, start, end);
    if (contraction > start) return contraction;
    const classes = this.#classes;
    const found = classes.classAndLength(bytes, start);
    const kind = found & CLASS_MASK;
    const second = start + (found >> CLASS_BITS);
    if (kind >= UPPER) return this.#lettersEnd(bytes, second, end);
    if (kind === NUMBER) return numberEnd(classes, bytes, second, end);
    const next = second < end ? classes.classAndLength(bytes, second) & CLASS_MASK : LINE_END;
    if (kind !== LINE_END && next >= UPPER) return this.#lettersEnd(bytes, second, end);
    if (kind <= MARK || (kind === SPACE && next <= MARK)) {
      let at = symbolsEnd(classes, bytes, second, end);
      while (at < end && (bytes[at] === NEWLINE || bytes[at] === RETURN)) at += 1;
      return at;
    }
    return whitespaceEnd(classes, bytes, start, end);
  }

  #lettersEnd(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end) {
      const found = this.#classes.classAndLength(bytes, at);
      if ((found & CLASS_MASK) < UPPER) break;
      at += found >> CLASS_BITS;
    }
    return at;
  }
}
