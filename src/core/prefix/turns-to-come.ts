/** Conversations longer than this count as of this length: expected turns stay bounded. */
const MOST_TURNS = 64;
/** So many conversations say as much as the belief that one more turn comes. */
const PRIOR_CONVERSATIONS = 4;
const PRIOR_TURNS = 1;
/** Older conversations fade when more were seen. */
const MOST_CONVERSATIONS = 2000;

/**
 * How many turns a conversation still has, from how long others lasted. Conversations that still go on count as long as they are, so that the
 * answer leans to too few: dropping text is then done too rarely rather than too often.
 * @public
 */
export class TurnsToCome {
  /** How many conversations reached each turn; the first turn is 1. */
  readonly #reached = new Float64Array(MOST_TURNS + 1);

  /** Takes note that a conversation has reached a turn, once for each turn. */
  observe(turn: number): void {
    if (!(turn >= 1 && turn <= MOST_TURNS)) return;
    const at = Math.floor(turn);
    this.#reached[at] = (this.#reached[at] ?? 0) + 1;
    if ((this.#reached[1] ?? 0) <= MOST_CONVERSATIONS) return;
    for (let each = 1; each <= MOST_TURNS; each += 1) this.#reached[each] = (this.#reached[each] ?? 0) / 2;
  }

  /** Turns that are expected after this one; 0 to 64. */
  expected(turn: number): number {
    const at = Math.max(1, Math.min(MOST_TURNS, Math.floor(turn) || 1));
    let later = 0;
    for (let each = at + 1; each <= MOST_TURNS; each += 1) later += this.#reached[each] ?? 0;
    const mean = (later + PRIOR_CONVERSATIONS * PRIOR_TURNS) / ((this.#reached[at] ?? 0) + PRIOR_CONVERSATIONS);
    return Math.min(MOST_TURNS, mean);
  }
}
