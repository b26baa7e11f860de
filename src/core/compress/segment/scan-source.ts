import type { SegmentKind } from '../segment.ts';

/** How often a text may be looked at ahead, over its length; ordinary texts stay below 2. */
const LOOK_AHEAD_FACTOR = 8;
/** So that short texts are never out of budget. */
const LOOK_AHEAD_START = 65_536;

/** A stretch that a recogniser has found: it begins where it was asked. @internal */
export interface Found {
  readonly kind: SegmentKind;
  /** Offset behind the last character. */
  readonly end: number;
}

/**
 * The text under the segmenter, with what may still be spent on looking ahead. Searches for an end that is not there would make hostile texts take
 * quadratic time; when the budget is spent, the rest of the text is `unknown`.
 * @internal
 */
export class ScanSource {
  readonly text: string;
  /** Offset up to which lines are known not to be code. */
  notCodeUntil = 0;
  #left: number;

  constructor(text: string) {
    this.text = text;
    this.#left = LOOK_AHEAD_START + LOOK_AHEAD_FACTOR * text.length;
  }

  /** Notes characters that were looked at and not kept. */
  spend(characters: number): void {
    this.#left -= characters;
  }

  get isSpent(): boolean {
    return this.#left < 0;
  }
}
