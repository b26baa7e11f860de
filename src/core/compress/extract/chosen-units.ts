import type { TextEdit } from '../compression.ts';
import type { CountTokens } from '../../tokens/count-tokens.ts';
import { edited, type Kept, keptEdits, type Piece, piecesOf } from './kept-edits.ts';
import type { PinnedUnits } from './pinned-units.ts';
import type { TextFrame } from './frame-stack.ts';
import type { ReadText } from './read-text.ts';
import type { TextUnit } from './text-units.ts';

/** What is pinned for its content may take this share of the budget, so that the question's answer has room. */
const CONTENT_PINS_SHARE = 0.5;
/** After the first round the result is counted exactly, and what it needs less than its parts is filled. */
const FILLING_ROUNDS = 2;

/** No sentence has more characters a token: what is longer than the rest of the budget allows is not even counted. */
const MAX_CHARACTERS_PER_TOKEN = 10;

/** A text with something left out. */
export interface Extract {
  readonly text: string;
  readonly tokens: number;
  readonly edits: readonly TextEdit[];
}

/** What may be kept, and how it is counted. */
export interface Choice {
  readonly read: ReadText;
  /** Units, the best first. */
  readonly order: readonly number[];
  readonly pinned: PinnedUnits;
  readonly budgetTokens: number;
  readonly mark: string;
  readonly count: CountTokens;
}

/**
 * Keeps units in the order of their worth as long as they fit with the frames around them and the marks that they need; one that does not fit is
 * passed over. Parts are counted apart, so the result is counted as a whole in the end: it never passes the budget.
 */
export function chosenUnits(choice: Choice): Extract {
  return new Chooser(choice).extract();
}

class Chooser {
  readonly #choice: Choice;
  readonly #pieces: readonly Piece[];
  readonly #costs: Float64Array;
  readonly #frameCosts: Float64Array;
  readonly #markTokens: number;
  readonly #kept: Kept;
  /** In the order in which they were taken. */
  readonly #taken: number[] = [];
  #usedTokens = 0;

  constructor(choice: Choice) {
    const { units, frames } = choice.read;
    this.#choice = choice;
    this.#pieces = piecesOf(choice.read);
    this.#costs = new Float64Array(units.length).fill(-1);
    this.#frameCosts = new Float64Array(frames.length).fill(-1);
    this.#markTokens = choice.mark === '' ? 0 : choice.count(` ${choice.mark}`);
    this.#kept = { units: new Uint8Array(units.length), frames: new Uint8Array(frames.length) };
  }

  extract(): Extract {
    const { order, pinned, budgetTokens } = this.#choice;
    this.#takeAll(pinned.byCaller, budgetTokens);
    this.#takeAll(pinned.byContent, budgetTokens * CONTENT_PINS_SHARE);
    let best = this.#fitting(0);
    for (let round = 0; round < FILLING_ROUNDS; round += 1) {
      const before = this.#taken.length;
      this.#usedTokens = best.tokens;
      this.#takeAll(order, budgetTokens);
      if (this.#taken.length === before) break;
      best = this.#fitting(before);
    }
    const marked = this.#result(true);
    return marked.tokens <= budgetTokens ? marked : best;
  }

  #takeAll(units: readonly number[], limitTokens: number): void {
    for (const unit of units) {
      if (this.#usedTokens >= limitTokens) return;
      if (this.#kept.units[unit] === 1 || this.#isHopeless(unit, limitTokens - this.#usedTokens)) continue;
      const cost = this.#costOf(unit);
      if (this.#usedTokens + cost > limitTokens) continue;
      this.#usedTokens += cost;
      this.#keep(unit);
      this.#taken.push(unit);
    }
  }

  #isHopeless(unit: number, tokensLeft: number): boolean {
    const { start, end } = this.#choice.read.units[unit] as TextUnit;
    return end - start > MAX_CHARACTERS_PER_TOKEN * tokensLeft;
  }

  #keep(unit: number): void {
    const { units, frames } = this.#choice.read;
    this.#kept.units[unit] = 1;
    for (let frame = units[unit]?.frame ?? -1; frame >= 0; frame = frames[frame]?.parent ?? -1)
      this.#kept.frames[frame] = 1;
  }

  /** What the unit adds: itself, the frames that are not there yet, and the marks beside it less the one whose place it takes. */
  #costOf(unit: number): number {
    const { read, count } = this.#choice;
    const { start, end, frame } = read.units[unit] as TextUnit;
    let own = this.#costs[unit] as number;
    if (own < 0) {
      // With its space before it, since that is how it is encoded after another sentence.
      own = count(read.text.slice(read.text[start - 1] === ' ' ? start - 1 : start, end));
      this.#costs[unit] = own;
    }
    let around = 0;
    for (let outer = frame; outer >= 0 && this.#kept.frames[outer] === 0; outer = read.frames[outer]?.parent ?? -1)
      around += this.#costOfFrame(outer);
    const before = unit === 0 || this.#kept.units[unit - 1] === 1 ? 0 : 1;
    const after = unit === read.units.length - 1 || this.#kept.units[unit + 1] === 1 ? 0 : 1;
    return own + around + (before + after - 1) * this.#markTokens;
  }

  #costOfFrame(index: number): number {
    const known = this.#frameCosts[index] as number;
    if (known >= 0) return known;
    const { read, count } = this.#choice;
    const { start, end, closeStart, closeEnd } = read.frames[index] as TextFrame;
    const closing = closeEnd > closeStart ? count(`\n${read.text.slice(closeStart, closeEnd)}`) : 0;
    const cost = count(`${read.text.slice(start, end)}\n`) + closing;
    this.#frameCosts[index] = cost;
    return cost;
  }

  /** The result, after giving back the units that were taken last if it is too long. At least `sure` units are known to fit. */
  #fitting(sure: number): Extract {
    const whole = this.#result(false);
    if (whole.tokens <= this.#choice.budgetTokens) return whole;
    const all = [...this.#taken];
    let low = Math.min(sure, all.length);
    let high = all.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      this.#restore(all.slice(0, middle));
      if (this.#result(false).tokens <= this.#choice.budgetTokens) low = middle;
      else high = middle;
    }
    this.#restore(all.slice(0, low));
    const found = this.#result(false);
    if (found.tokens <= this.#choice.budgetTokens || low === 0) return found;
    this.#restore([]);
    return this.#result(false);
  }

  #restore(taken: readonly number[]): void {
    this.#kept.units.fill(0);
    this.#kept.frames.fill(0);
    this.#taken.length = 0;
    for (const unit of taken) {
      this.#keep(unit);
      this.#taken.push(unit);
    }
  }

  #result(areEndsMarked: boolean): Extract {
    const { read, mark, count } = this.#choice;
    const edits = keptEdits(read.text, this.#pieces, this.#kept, { mark, areEndsMarked });
    const text = edited(read.text, edits);
    return { text, tokens: text === '' ? 0 : count(text), edits };
  }
}
