import { canonicalText, type LiteralValue } from './literal-value.ts';
import { plainNumber } from './plain-number.ts';

/** Levels of nesting; deeper ones are no answers. Ours. */
const MAX_DEPTH = 100;
const WORDS: ReadonlyMap<string, 'true' | 'false' | 'null'> = new Map([
  ['true', 'true'],
  ['True', 'true'],
  ['false', 'false'],
  ['False', 'false'],
  ['null', 'null'],
  ['None', 'null'],
]);
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['n', '\n'],
  ['t', '\t'],
  ['r', '\r'],
  ['b', '\b'],
  ['f', '\f'],
  ['/', '/'],
  ['\\', '\\'],
  ['"', '"'],
  ["'", "'"],
]);
const SPACE = /\s*/y;
const BARE = /[A-Za-z0-9+.-]+/y;

/**
 * Reads a text that is one value in JSON or Python: `[1, 2]`, `{'a': True}`, `("x",)`. Both are read alike, so that answers are compared by what they mean. Linear.
 * @returns undefined where the text is something else, or nested too deeply.
 * @internal
 */
export function readLiteral(text: string): LiteralValue | undefined {
  const reader = new LiteralReader(text);
  const value = reader.value(0);
  return value !== undefined && reader.isAtEnd() ? value : undefined;
}

/** What Python takes for a key, and JSON's strings. */
function isKey(value: LiteralValue): boolean {
  return isScalar(value) || (value.kind === 'tuple' && value.items.every(isScalar));
}

function isScalar({ kind }: LiteralValue): boolean {
  return kind === 'number' || kind === 'text' || kind === 'word';
}

class LiteralReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    this.#skipSpace();
  }

  isAtEnd(): boolean {
    return this.#at === this.#text.length;
  }

  /** Reads a value and the space behind it. */
  value(depth: number): LiteralValue | undefined {
    if (depth > MAX_DEPTH) return undefined;
    const value = this.#read(depth);
    this.#skipSpace();
    return value;
  }

  #read(depth: number): LiteralValue | undefined {
    const first = this.#text.charAt(this.#at);
    switch (first) {
      case '[':
        return this.#list('list', ']', depth);
      case '(':
        return this.#list('tuple', ')', depth);
      case '{':
        return this.#mapOrSet(depth);
      case '"':
      case "'":
        return this.#string(first);
      default:
        return this.#bare();
    }
  }

  #list(kind: 'list' | 'tuple', close: string, depth: number): LiteralValue | undefined {
    this.#open();
    const items: LiteralValue[] = [];
    let sawComma = false;
    while (!this.#takes(close)) {
      if (items.length > 0 && !sawComma) return undefined;
      const item = this.value(depth + 1);
      if (item === undefined) return undefined;
      items.push(item);
      sawComma = this.#takes(',');
    }
    // In Python `(1)` is 1, and `(1,)` a tuple of it.
    const [only] = items;
    return kind === 'tuple' && items.length === 1 && !sawComma && only !== undefined ? only : { kind, items };
  }

  #mapOrSet(depth: number): LiteralValue | undefined {
    this.#open();
    const items: LiteralValue[] = [];
    const entries = new Map<string, LiteralValue>();
    let sawComma = true;
    while (!this.#takes('}')) {
      if (!sawComma) return undefined;
      const key = this.value(depth + 1);
      if (key === undefined) return undefined;
      if (this.#takes(':')) {
        const value = this.value(depth + 1);
        if (value === undefined || !isKey(key)) return undefined;
        const name = canonicalText(key);
        // Readers differ in which of two values with one key they take.
        if (entries.has(name)) return undefined;
        entries.set(name, value);
      } else items.push(key);
      sawComma = this.#takes(',');
    }
    if (items.length === 0) return { kind: 'map', entries };
    return entries.size === 0 ? { kind: 'set', items } : undefined;
  }

  #string(quote: string): LiteralValue | undefined {
    let text = '';
    let start = this.#at + 1;
    for (let at = start; at < this.#text.length; at += 1) {
      const character = this.#text[at];
      if (character === quote) {
        this.#at = at + 1;
        return { kind: 'text', text: text + this.#text.slice(start, at) };
      }
      if (character !== '\\') continue;
      const escaped = this.#escape(at + 1);
      text += this.#text.slice(start, at) + escaped.text;
      at = escaped.end - 1;
      start = escaped.end;
    }
    return undefined;
  }

  /** What stands behind a backslash; one that means nothing is itself, as in Python. */
  #escape(at: number): { readonly text: string; readonly end: number } {
    const letter = this.#text[at] ?? '';
    const known = ESCAPES.get(letter);
    if (known !== undefined) return { text: known, end: at + 1 };
    const digits = letter === 'u' ? 4 : letter === 'x' ? 2 : 0;
    const hex = this.#text.slice(at + 1, at + 1 + digits);
    if (digits === 0 || hex.length < digits || !/^[0-9a-fA-F]+$/.test(hex)) return { text: '\\', end: at };
    return { text: String.fromCharCode(Number.parseInt(hex, 16)), end: at + 1 + digits };
  }

  #bare(): LiteralValue | undefined {
    BARE.lastIndex = this.#at;
    const found = BARE.exec(this.#text)?.[0];
    if (found === undefined) return undefined;
    this.#at += found.length;
    const word = WORDS.get(found);
    if (word !== undefined) return { kind: 'word', word };
    const digits = plainNumber(found);
    return digits === undefined ? undefined : { kind: 'number', digits };
  }

  #open(): void {
    this.#at += 1;
    this.#skipSpace();
  }

  #takes(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#open();
    return true;
  }

  #skipSpace(): void {
    SPACE.lastIndex = this.#at;
    this.#at += SPACE.exec(this.#text)?.[0].length ?? 0;
  }
}
