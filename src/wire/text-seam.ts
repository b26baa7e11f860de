import type { ContinuationWay } from './continuation-way.ts';
import { seenText } from './sent-text.ts';

/** A shorter repetition may be chance. */
const MIN_REPEATED_CHARS = 12;
/** How far back in the partial text a repetition of its end is looked for. */
const MAX_REPEATED_CHARS = 200;

/**
 * Joins the text of the next target to the text that the client has.
 *
 * - Whitespace at the end of the partial text was not shown to the next target (`sentText`): where the continuation begins with the same, it is cut off.
 * - `instruct`: models like to repeat the last words, or to begin anew. A beginning that repeats the end of the partial text (12 to 200
 *   characters, whitespace before them not counted, or all of it) is cut off. Not cut off is a repetition that repeats itself (`--------`, a row of zeros):
 *   such a text may well go on.
 * - `prefix`: the reply repeats the prefix; it is cut off whatever its length.
 * - `prefill`: the model goes on behind the last token, so nothing is taken for a repetition.
 *
 * Text is held back only as long as it may still be a repetition: mostly not at all.
 * @internal
 */
export class TextSeam {
  readonly #seen: string;
  /** The whitespace that the client has and the next target was not shown; what is left of it to match. */
  #space: string;
  #phase: 'repetition' | 'space' | 'done';
  /** Where in the seen text a repetition may begin that the held text agrees with so far. */
  #starts: readonly number[];
  /** Length of the longest repetition found. */
  #repeated = 0;
  #heldSpace = '';
  #held = '';

  constructor(partialText: string, way: ContinuationWay) {
    this.#seen = seenText(partialText);
    this.#space = partialText.slice(this.#seen.length);
    this.#starts = startsOf(this.#seen, way);
    this.#phase = this.#starts.length > 0 ? 'repetition' : 'space';
  }

  /** Takes the next piece of the continuation and gives what may go to the client, perhaps nothing. */
  take(piece: string): string {
    if (this.#phase === 'done') return piece;
    if (this.#phase === 'space') return this.#skipSpace(piece);
    const rest = this.#held === '' ? piece.trimStart() : piece;
    this.#heldSpace += piece.slice(0, piece.length - rest.length);
    this.#compare(rest);
    this.#held += rest;
    return this.#starts.length > 0 ? '' : this.#endRepetition();
  }

  /** Ends the continuation and gives what was held back. */
  finish(): string {
    const held = this.#phase === 'repetition' ? this.#endRepetition() : '';
    this.#phase = 'done';
    return held;
  }

  #compare(piece: string): void {
    const at = this.#held.length;
    this.#starts = this.#starts.filter((start) => {
      const left = this.#seen.length - start - at;
      if (!this.#seen.startsWith(piece.slice(0, left), start + at)) return false;
      if (piece.length < left) return true;
      this.#repeated = Math.max(this.#repeated, this.#seen.length - start);
      return false;
    });
  }

  #endRepetition(): string {
    const held = this.#repeated > 0 ? this.#held.slice(this.#repeated) : this.#heldSpace + this.#held;
    this.#phase = 'space';
    this.#starts = [];
    return this.#skipSpace(held);
  }

  #skipSpace(piece: string): string {
    let same = 0;
    while (same < piece.length && same < this.#space.length && piece[same] === this.#space[same]) same += 1;
    this.#space = same === piece.length ? this.#space.slice(same) : '';
    if (this.#space === '') this.#phase = 'done';
    return piece.slice(same);
  }
}

function startsOf(seen: string, way: ContinuationWay): readonly number[] {
  if (way === 'prefill' || seen === '') return [];
  // Whitespace before the first word is not compared.
  const first = seen.length - seen.trimStart().length;
  if (way === 'prefix') return [first];
  const starts: number[] = [];
  if (seen.length > MAX_REPEATED_CHARS) starts.push(first);
  for (let size = Math.min(MAX_REPEATED_CHARS, seen.length); size >= MIN_REPEATED_CHARS; size -= 1) {
    if (!repeatsItself(seen.slice(-size))) starts.push(seen.length - size);
  }
  return starts;
}

/** Whether a text is one piece at least twice in a row, the last time perhaps not to its end. */
function repeatsItself(text: string): boolean {
  // The failure function of Knuth, Morris and Pratt: for each prefix the length of its longest border.
  const borders = new Uint8Array(text.length);
  let border = 0;
  for (let at = 1; at < text.length; at += 1) {
    while (border > 0 && text[at] !== text[border]) border = borders[border - 1] ?? 0;
    if (text[at] === text[border]) border += 1;
    borders[at] = border;
  }
  return border * 2 >= text.length;
}
