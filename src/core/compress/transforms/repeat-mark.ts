/** Shorter texts cost less than the mark that would stand for them, and are often repeated on purpose ("Answer: yes"). @internal */
export const MIN_REPEAT_CHARACTERS = 80;

/** So long is what a mark quotes of the first words. */
const MAX_EXCERPT = 48;
/** Fewer would not tell which text is meant. */
const MIN_EXCERPT = 12;
const HIGH_SURROGATE = /[\uD800-\uDBFF]$/;
/** Marks of code, templates and quotations: a mark that quotes them would be read as such. */
const STOPS = '\n\r"“”`{}<>[]$%|\\';

/** The first words of a text, to quote in a mark; undefined where they would not tell which text is meant. */
function excerptOf(text: string): string | undefined {
  let end = 0;
  while (end < text.length && end < MAX_EXCERPT && !STOPS.includes(text.charAt(end))) end += 1;
  let words = text.slice(0, end);
  if (end === MAX_EXCERPT) {
    const space = words.lastIndexOf(' ');
    if (space >= MIN_EXCERPT) words = words.slice(0, space);
    // Half of a character outside the basic plane is none.
    else if (HIGH_SURROGATE.test(words)) words = words.slice(0, -1);
  }
  words = words.trim();
  return words.length < MIN_EXCERPT ? undefined : words;
}

/** Stands where a text was that has been there before. @internal */
export function repeatMark(excerpt: string): string {
  return `[same as "${excerpt}…" above]`;
}

/** Stands for several in a row. @internal */
export function repeatedRunMark(first: string, last: string): string {
  return `[same as above, from "${first}…" through "${last}…"]`;
}

/** Which text an excerpt stands for: the only one that begins with it. @internal */
export class Excerpts {
  /** Undefined where several begin with it. */
  readonly #textOf = new Map<string, string | undefined>();

  add(text: string): void {
    const excerpt = excerptOf(text);
    if (excerpt === undefined) return;
    const isTaken = this.#textOf.has(excerpt) && this.#textOf.get(excerpt) !== text;
    this.#textOf.set(excerpt, isTaken ? undefined : text);
  }

  /** The excerpt of a text if no other begins with the same words. */
  of(text: string): string | undefined {
    const excerpt = excerptOf(text);
    return excerpt !== undefined && this.#textOf.get(excerpt) === text ? excerpt : undefined;
  }
}
