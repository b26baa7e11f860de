import { BACKSLASH, CLOSE_BRACE, CLOSE_BRACKET, COLON, COMMA, OPEN_BRACE, OPEN_BRACKET, QUOTE } from './json-codes.ts';
import type { JsonLimits } from './json-limits.ts';
import { jsonPathAt } from './json-path.ts';
import { closingQuote, isJsonSpace, unescaped } from './json-string.ts';
import { hasLoneSurrogate, loneSurrogateAt, mayHoldSurrogate } from './lone-surrogate.ts';

/** Where a member of the outermost object stands in the text, in string offsets. @public */
export interface MemberRange {
  /** Offset of the key's opening quote. */
  readonly keyStart: number;
  readonly valueStart: number;
  /** Offset behind the value's last character. */
  readonly valueEnd: number;
}

/** What is wrong with a JSON text although it may be good JSON. @public */
export type JsonFaultReason =
  | 'too-deep'
  | 'too-many-keys'
  | 'too-many-containers'
  | 'duplicate-key'
  | 'forbidden-key'
  | 'lone-surrogate'
  | 'syntax';

/** What {@link scanJson} found. @public */
export type JsonScan =
  | { readonly kind: 'ok'; readonly members: ReadonlyMap<string, MemberRange> }
  | { readonly kind: 'fault'; readonly reason: JsonFaultReason; readonly path: string };

/** Objects with more keys than this look theirs up in a set; below it comparing ranges is faster (measured). */
const SMALL_OBJECT_KEYS = 12;
/** In place of an offset: the walk has ended at a fault. */
const FAULT = -1;
const FORBIDDEN_KEY = '__proto__';

/**
 * Looks at the text of a JSON value for what `JSON.parse` hides: duplicate keys, an own `__proto__`, lone surrogates, depth, width and number; and finds the
 * members of the outermost object. Linear in the text; jumps over strings with the native search, so that it costs far less than parsing.
 *
 * It is no judge of syntax: it never throws on any text, and reports `syntax` only where brackets or quotes do not match. Ask `JSON.parse` too.
 * Escaped spellings of a key count as the key.
 * @param parse - Gives what `JSON.parse` makes of the text, where that is wanted anyway: surrogates are found faster in the value than in the text. Called
 * once depth and keys are known to be sound; what it throws passes through.
 * @public
 */
export function scanJson(text: string, limits: JsonLimits, parse?: () => unknown): JsonScan {
  const walk = new Walk(text, limits);
  if (!walk.run()) return { kind: 'fault', reason: walk.fault, path: jsonPathAt(text, walk.faultOffset) };
  const value = parse?.();
  const isSound = !mayHoldSurrogate(text) || (parse !== undefined && !hasLoneSurrogate(value));
  const surrogate = isSound ? -1 : loneSurrogateAt(text);
  if (surrogate !== -1) return { kind: 'fault', reason: 'lone-surrogate', path: jsonPathAt(text, surrogate) };
  return { kind: 'ok', members: walk.members };
}

/** One pass over the tokens of a text. Its steps take the offset of a token and return the offset behind it, or `FAULT`. */
class Walk {
  readonly members: Map<string, MemberRange> = new Map<string, MemberRange>();
  fault: JsonFaultReason = 'syntax';
  faultOffset = 0;
  readonly #text: string;
  readonly #maxDepth: number;
  readonly #maxContainers: number;
  readonly #keys: KeyStack;
  #depth = 0;
  #containers = 0;
  /** The outermost object's open member. */
  #memberKey = '';
  #memberKeyStart = -1;
  #memberValueStart = -1;

  constructor(text: string, limits: JsonLimits) {
    this.#text = text;
    this.#maxDepth = limits.maxDepth;
    this.#maxContainers = limits.maxContainers;
    this.#keys = new KeyStack(text, limits.maxObjectKeys);
  }

  /** Whether no fault was found. */
  run(): boolean {
    const text = this.#text;
    const length = text.length;
    let at = 0;
    while (at < length) {
      const code = text.charCodeAt(at);
      if (code === QUOTE) at = this.#string(at);
      else if (code === COMMA && this.#depth === 1) at = this.#endMember(at);
      // Numbers, commas, white space: the bulk of arrays of numbers, so asked before the brackets.
      else if (code < OPEN_BRACKET) at += 1;
      else if (code === OPEN_BRACE || code === OPEN_BRACKET) at = this.#open(at);
      else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) at = this.#close(at);
      else at += 1;
      if (at === FAULT) return false;
    }
    return this.#depth === 0 || this.#fail('syntax', length) !== FAULT;
  }

  #fail(reason: JsonFaultReason, offset: number): typeof FAULT {
    this.fault = reason;
    this.faultOffset = offset;
    return FAULT;
  }

  #open(at: number): number {
    this.#depth += 1;
    if (this.#depth > this.#maxDepth) return this.#fail('too-deep', at);
    this.#containers += 1;
    if (this.#containers > this.#maxContainers) return this.#fail('too-many-containers', at);
    this.#keys.open();
    return at + 1;
  }

  #close(at: number): number {
    if (this.#depth === 0) return this.#fail('syntax', at);
    if (this.#depth === 1) this.#endMember(at);
    this.#depth -= 1;
    this.#keys.close();
    return at + 1;
  }

  #string(at: number): number {
    const text = this.#text;
    const end = closingQuote(text, at + 1);
    if (end === -1) return this.#fail('syntax', at);
    const next = skipSpace(text, end + 1);
    if (text.charCodeAt(next) !== COLON) return next;
    const reason = this.#depth === 0 ? 'syntax' : this.#keys.add(at + 1, end);
    if (reason !== undefined) return this.#fail(reason, at);
    if (this.#depth > 1) return next + 1;
    this.#memberKey = unescaped(text, at + 1, end);
    this.#memberKeyStart = at;
    this.#memberValueStart = skipSpace(text, next + 1);
    return this.#memberValueStart;
  }

  #endMember(at: number): number {
    if (this.#memberKeyStart === -1) return at + 1;
    const valueStart = this.#memberValueStart;
    let valueEnd = at;
    while (valueEnd > valueStart && isJsonSpace(this.#text.charCodeAt(valueEnd - 1))) valueEnd -= 1;
    this.members.set(this.#memberKey, { keyStart: this.#memberKeyStart, valueStart, valueEnd });
    this.#memberKeyStart = -1;
    return at + 1;
  }
}

/** The keys of all open objects, as ranges of the text so that nothing is allocated for them. */
class KeyStack {
  readonly #text: string;
  readonly #maxKeys: number;
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  /** Decoded, where they are spelled with escapes. */
  readonly #decoded: (string | undefined)[] = [];
  /** By depth: where the keys of that level begin. */
  readonly #bases: number[] = [];
  /** By depth: the decoded keys, where a level is large. */
  readonly #sets: (Set<string> | undefined)[] = [];
  #top = 0;
  #depth = 0;

  constructor(text: string, maxKeys: number) {
    this.#text = text;
    this.#maxKeys = maxKeys;
  }

  open(): void {
    this.#bases[this.#depth] = this.#top;
    this.#sets[this.#depth] = undefined;
    this.#depth += 1;
  }

  close(): void {
    this.#depth -= 1;
    this.#top = this.#bases[this.#depth] ?? 0;
  }

  /** Adds a key to the innermost level. */
  add(start: number, end: number): 'duplicate-key' | 'forbidden-key' | 'too-many-keys' | undefined {
    const level = this.#depth - 1;
    const base = this.#bases[level] ?? 0;
    let set = this.#sets[level];
    if (set === undefined && this.#top - base >= Math.min(SMALL_OBJECT_KEYS, this.#maxKeys)) {
      set = this.#makeSet(base);
      this.#sets[level] = set;
    }
    if (set !== undefined) {
      const key = unescaped(this.#text, start, end);
      if (key === FORBIDDEN_KEY) return 'forbidden-key';
      if (set.has(key)) return 'duplicate-key';
      if (set.size >= this.#maxKeys) return 'too-many-keys';
      set.add(key);
      return undefined;
    }
    const decoded = hasBackslash(this.#text, start, end) ? unescaped(this.#text, start, end) : undefined;
    if (this.#isForbidden(start, end, decoded)) return 'forbidden-key';
    for (let index = base; index < this.#top; index += 1) {
      if (this.#isSame(index, start, end, decoded)) return 'duplicate-key';
    }
    this.#starts[this.#top] = start;
    this.#ends[this.#top] = end;
    this.#decoded[this.#top] = decoded;
    this.#top += 1;
    return undefined;
  }

  #isForbidden(start: number, end: number, decoded: string | undefined): boolean {
    if (decoded !== undefined) return decoded === FORBIDDEN_KEY;
    return end - start === FORBIDDEN_KEY.length && this.#text.startsWith(FORBIDDEN_KEY, start);
  }

  #makeSet(base: number): Set<string> {
    const set = new Set<string>();
    for (let index = base; index < this.#top; index += 1) {
      set.add(this.#keyAt(index));
    }
    return set;
  }

  #keyAt(index: number): string {
    return this.#decoded[index] ?? this.#text.slice(this.#starts[index], this.#ends[index]);
  }

  #isSame(index: number, start: number, end: number, decoded: string | undefined): boolean {
    if (decoded !== undefined || this.#decoded[index] !== undefined)
      return this.#keyAt(index) === (decoded ?? this.#text.slice(start, end));
    const earlier = this.#starts[index] ?? 0;
    const length = end - start;
    if ((this.#ends[index] ?? 0) - earlier !== length) return false;
    for (let at = 0; at < length; at += 1) {
      if (this.#text.charCodeAt(earlier + at) !== this.#text.charCodeAt(start + at)) return false;
    }
    return true;
  }
}

function hasBackslash(text: string, start: number, end: number): boolean {
  for (let index = start; index < end; index += 1) {
    if (text.charCodeAt(index) === BACKSLASH) return true;
  }
  return false;
}

function skipSpace(text: string, start: number): number {
  let at = start;
  while (isJsonSpace(text.charCodeAt(at))) at += 1;
  return at;
}
