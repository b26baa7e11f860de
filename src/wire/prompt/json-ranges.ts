import { CLOSE_BRACE, CLOSE_BRACKET, COMMA, OPEN_BRACE, OPEN_BRACKET, QUOTE } from '../json-codes.ts';
import type { MemberRange } from '../json-scan.ts';
import { closingQuote, isJsonSpace, unescaped } from '../json-string.ts';

/** The way to a value: names of members and indices of elements, from the outermost value on. @public */
export type JsonPath = readonly (string | number)[];

/** Where a value stands in a text, in string offsets; `end` is behind its last character. @public */
export interface JsonRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Levels of containers that are read in one walk: from the list of messages down to the parts of a tool's result (messages, message, content, block, its content, part).
 * One walk for each level took three times as long.
 */
const LEVELS_AT_ONCE = 6;

/**
 * Finds values in the text of sound JSON, so that they can be read or replaced as they were written. A container is walked when something in it is first asked for, with
 * some levels of what is in it, and kept; the rest is jumped over. So all look-ups together are linear in the text.
 * @internal
 */
export class JsonRanges {
  readonly text: string;
  readonly #rootStart: number;
  readonly #members = new Map<number, ReadonlyMap<string, MemberRange>>();
  readonly #elements = new Map<number, readonly JsonRange[]>();

  /** @param members - Where the members of the outermost object stand. */
  constructor(text: string, members: ReadonlyMap<string, MemberRange>) {
    this.text = text;
    this.#rootStart = skipJsonSpace(text, 0);
    this.#members.set(this.#rootStart, members);
  }

  /** Undefined where nothing stands at the path. */
  rangeAt(path: JsonPath): JsonRange | undefined {
    let range: JsonRange = { start: this.#rootStart, end: this.text.length };
    for (const step of path) {
      const inner = typeof step === 'number' ? this.elementsOf(range)[step] : this.memberOf(range, step);
      if (inner === undefined) return undefined;
      range = inner;
    }
    return range;
  }

  memberOf(range: JsonRange, name: string): JsonRange | undefined {
    const member = this.membersOf(range).get(name);
    return member && { start: member.valueStart, end: member.valueEnd };
  }

  /** The members of the object at a range, in the order of the text; none where it is no object. */
  membersOf({ start }: JsonRange): ReadonlyMap<string, MemberRange> {
    if (this.text.charCodeAt(start) !== OPEN_BRACE) return NO_MEMBERS;
    if (!this.#members.has(start)) this.#readMembers(start, LEVELS_AT_ONCE);
    return this.#members.get(start) ?? NO_MEMBERS;
  }

  /** The elements of the array at a range; none where it is no array. */
  elementsOf({ start }: JsonRange): readonly JsonRange[] {
    if (this.text.charCodeAt(start) !== OPEN_BRACKET) return [];
    if (!this.#elements.has(start)) this.#readElements(start, LEVELS_AT_ONCE);
    return this.#elements.get(start) ?? [];
  }

  slice(range: JsonRange): string {
    return this.text.slice(range.start, range.end);
  }

  /** Reads the value at `start`, of containers as many levels as said, and gives the offset behind it. */
  #read(start: number, levels: number): number {
    const code = this.text.charCodeAt(start);
    if (levels > 0 && code === OPEN_BRACE) return this.#readMembers(start, levels);
    if (levels > 0 && code === OPEN_BRACKET) return this.#readElements(start, levels);
    return endOfValue(this.text, start);
  }

  #readMembers(start: number, levels: number): number {
    const { text } = this;
    const members = new Map<string, MemberRange>();
    let at = skipJsonSpace(text, start + 1);
    while (text.charCodeAt(at) === QUOTE) {
      const keyEnd = closingQuote(text, at + 1);
      const valueStart = skipJsonSpace(text, skipJsonSpace(text, keyEnd + 1) + 1);
      const valueEnd = this.#read(valueStart, levels - 1);
      members.set(unescaped(text, at + 1, keyEnd), { keyStart: at, valueStart, valueEnd });
      at = nextStart(text, valueEnd);
    }
    this.#members.set(start, members);
    return at + 1;
  }

  #readElements(start: number, levels: number): number {
    const { text } = this;
    const elements: JsonRange[] = [];
    let at = skipJsonSpace(text, start + 1);
    while (at < text.length && text.charCodeAt(at) !== CLOSE_BRACKET) {
      const end = this.#read(at, levels - 1);
      elements.push({ start: at, end });
      at = nextStart(text, end);
    }
    this.#elements.set(start, elements);
    return at + 1;
  }
}

const NO_MEMBERS: ReadonlyMap<string, MemberRange> = new Map();

/** Where the next value or key begins behind one that ended; else where its container closes. */
function nextStart(text: string, end: number): number {
  const at = skipJsonSpace(text, end);
  return text.charCodeAt(at) === COMMA ? skipJsonSpace(text, at + 1) : at;
}

/** Offset behind the value that begins at `start`. Text that is no sound JSON gives some offset behind `start`. */
function endOfValue(text: string, start: number): number {
  let depth = 0;
  let at = start;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const end = closingQuote(text, at + 1);
      if (end === -1) return text.length;
      at = end + 1;
    } else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      depth += 1;
      at += 1;
      continue;
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      depth -= 1;
      at += 1;
    } else if (depth === 0) {
      return endOfLiteral(text, at);
    } else {
      at += 1;
      continue;
    }
    if (depth <= 0) return at;
  }
  return text.length;
}

/** Behind a number, `true`, `false` or `null`. */
function endOfLiteral(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === COMMA || code === CLOSE_BRACE || code === CLOSE_BRACKET || isJsonSpace(code)) break;
    at += 1;
  }
  return at;
}

/** The next offset at which no white space stands. */
function skipJsonSpace(text: string, start: number): number {
  let at = start;
  while (isJsonSpace(text.charCodeAt(at))) at += 1;
  return at;
}
