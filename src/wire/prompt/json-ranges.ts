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
 * Finds values in the text of sound JSON, so that they can be read or replaced as they were written. Each container on the way to a value that is asked for
 * is walked once and kept; what is inside the others is jumped over. So all look-ups together are linear in the text (times the depth that is asked for).
 * @internal
 */
export class JsonRanges {
  readonly text: string;
  readonly root: JsonRange;
  readonly #members = new Map<number, ReadonlyMap<string, MemberRange>>();
  readonly #elements = new Map<number, readonly JsonRange[]>();

  /** @param members - Where the members of the outermost object stand, where that is known. */
  constructor(text: string, members?: ReadonlyMap<string, MemberRange>) {
    const start = skipJsonSpace(text, 0);
    this.text = text;
    this.root = { start, end: endOfValue(text, start) };
    if (members !== undefined) this.#members.set(start, members);
  }

  /** Undefined where nothing stands at the path. */
  rangeAt(path: JsonPath): JsonRange | undefined {
    let range = this.root;
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
    const known = this.#members.get(start);
    if (known !== undefined) return known;
    const members = membersAt(this.text, start);
    this.#members.set(start, members);
    return members;
  }

  /** The elements of the array at a range; none where it is no array. */
  elementsOf({ start }: JsonRange): readonly JsonRange[] {
    const known = this.#elements.get(start);
    if (known !== undefined) return known;
    const elements = elementsAt(this.text, start);
    this.#elements.set(start, elements);
    return elements;
  }

  slice(range: JsonRange): string {
    return this.text.slice(range.start, range.end);
  }
}

function membersAt(text: string, start: number): ReadonlyMap<string, MemberRange> {
  const members = new Map<string, MemberRange>();
  if (text.charCodeAt(start) !== OPEN_BRACE) return members;
  let keyStart = skipJsonSpace(text, start + 1);
  while (text.charCodeAt(keyStart) === QUOTE) {
    const keyEnd = closingQuote(text, keyStart + 1);
    const valueStart = skipJsonSpace(text, skipJsonSpace(text, keyEnd + 1) + 1);
    const valueEnd = endOfValue(text, valueStart);
    members.set(unescaped(text, keyStart + 1, keyEnd), { keyStart, valueStart, valueEnd });
    keyStart = nextStart(text, valueEnd);
  }
  return members;
}

function elementsAt(text: string, start: number): readonly JsonRange[] {
  const elements: JsonRange[] = [];
  if (text.charCodeAt(start) !== OPEN_BRACKET) return elements;
  let at = skipJsonSpace(text, start + 1);
  while (at < text.length && text.charCodeAt(at) !== CLOSE_BRACKET) {
    const end = endOfValue(text, at);
    elements.push({ start: at, end });
    at = nextStart(text, end);
  }
  return elements;
}

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

/** The next offset at which no white space stands. @internal */
export function skipJsonSpace(text: string, start: number): number {
  let at = start;
  while (isJsonSpace(text.charCodeAt(at))) at += 1;
  return at;
}
