import { type Fields } from './usage-count.ts';

/** A text without escapes can be taken from the JSON as it is; a control character would make the JSON invalid. */
// oxlint-disable-next-line no-control-regex -- control characters are what this looks for
const NEEDS_PARSING = /[\\\u0000-\u001f]/;

/** OpenAI ends most events with random padding, so that their length tells nothing: `"obfuscation":"aB3"}`. */
const PADDING_KEY = '"obfuscation":"';
const PADDING = /^\w*"\}$/;

/**
 * Takes the text of an event that differs from an earlier one in its text (and padding) alone, without parsing it: in a long answer nearly
 * every event does. The rest of the JSON is compared character by character, so nothing that an event could say is overlooked.
 * @internal
 */
export class DeltaTemplate {
  readonly #marker: string;
  #before = '';
  #after = '';
  /** Whether random padding follows `#after`. */
  #isPadded = false;

  /** @param key - the member that carries the text: `content`, `text`. */
  constructor(key: string) {
    // Inside a JSON string a quote is always escaped, so this is found at members only.
    this.#marker = `"${key}":"`;
  }

  /** The text of an event that is like the remembered one; undefined when it has to be parsed. */
  textOf(data: string): string | undefined {
    if (this.#before === '' || !data.startsWith(this.#before)) return undefined;
    const end = data.indexOf('"', this.#before.length);
    if (end === -1 || !data.startsWith(this.#after, end)) return undefined;
    const text = data.slice(this.#before.length, end);
    if (NEEDS_PARSING.test(text)) return undefined;
    const rest = end + this.#after.length;
    const isWhole = this.#isPadded ? PADDING.test(data.slice(rest)) : rest === data.length;
    return isWhole ? text : undefined;
  }

  /** Remembers an event whose only effect is its text. Its JSON must have been parsed, and have the text at the first member of the key. */
  remember(data: string, text: string): void {
    this.#before = '';
    const at = data.indexOf(this.#marker);
    if (at === -1) return;
    const start = at + this.#marker.length;
    const end = start + text.length;
    if (data.slice(start, end) !== text || NEEDS_PARSING.test(text)) return;
    const padding = data.indexOf(PADDING_KEY, end);
    this.#isPadded = padding !== -1 && PADDING.test(data.slice(padding + PADDING_KEY.length));
    this.#after = this.#isPadded ? data.slice(end, padding + PADDING_KEY.length) : data.slice(end);
    this.#before = data.slice(0, start);
  }
}

/** Whether an object's only values beside those of the given names are plain: no list, no object. @internal */
export function isPlainBeside(fields: Fields, names: readonly string[]): boolean {
  for (const name in fields) {
    if (!names.includes(name) && typeof fields[name] === 'object' && fields[name] !== null) return false;
  }
  return true;
}

/** Whether an object's only values beside those of the given names are null. @internal */
export function isEmptyBeside(fields: Fields, names: readonly string[]): boolean {
  for (const name in fields) {
    if (!names.includes(name) && fields[name] !== null) return false;
  }
  return true;
}
