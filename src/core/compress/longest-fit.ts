/** What a search for the longest fit goes by. @internal */
export interface FitSearch {
  /** Known to fit; nothing shorter is asked for. */
  readonly start: number;
  /** Known not to fit. */
  readonly end: number;
  /** Size at the start. */
  readonly startSize: number;
  /** Size at the end, or a guess. */
  readonly endSize: number;
  readonly maxSize: number;
  /** The last place up to an offset that may be taken. */
  readonly placeBefore: (at: number) => number;
  /** The first place from an offset on that may be taken. */
  readonly placeAfter: (at: number) => number;
  /** Size of what a place takes in. Should grow with the place; where it does not, something that fits is found, if not the longest. */
  readonly sizeAt: (place: number) => number;
}

/** Sizes are dear to find, so the next place is guessed from those that are known. */
const MAX_GUESSES = 32;
/** Where guesses have not closed in after so many, each third one halves what is left. */
const FIRST_HALVING = 9;

/**
 * The farthest place that fits.
 * @returns the start where nothing more fits.
 * @internal
 */
export function longestFit(search: FitSearch): number {
  let { start: low, end: high, startSize: lowSize, endSize: highSize } = search;
  for (let guess = 0; guess < MAX_GUESSES && lowSize < search.maxSize; guess += 1) {
    const place = nextPlace(search, guess, { low, high, lowSize, highSize });
    if (place === undefined) break;
    const size = search.sizeAt(place);
    if (size <= search.maxSize) {
      low = place;
      lowSize = size;
    } else {
      high = place;
      highSize = size;
    }
  }
  return low;
}

interface Bracket {
  readonly low: number;
  readonly high: number;
  readonly lowSize: number;
  readonly highSize: number;
}

function nextPlace(search: FitSearch, guess: number, bracket: Bracket): number | undefined {
  const { low, high } = bracket;
  const isHalving = guess >= FIRST_HALVING && guess % 3 === 0;
  const wished = isHalving ? Math.floor((low + high) / 2) : guessed(bracket, search.maxSize, guess);
  const before = search.placeBefore(Math.min(high - 1, Math.max(low + 1, wished)));
  if (before > low && before < high) return before;
  const after = search.placeAfter(Math.max(low + 1, before + 1));
  if (after > low && after < high) return after;
  // Where the wish fell into something that cannot be cut, a place may be left before it.
  const last = search.placeBefore(high - 1);
  return last > low && last < high ? last : undefined;
}

/** By the size of a character between the two ends, aimed a little short on one guess and a little beyond on the next, so that both ends close in. */
function guessed({ low, high, lowSize, highSize }: Bracket, maxSize: number, guess: number): number {
  const perSize = (high - low) / Math.max(1, highSize - lowSize);
  const reach = (maxSize - lowSize) * perSize;
  return low + Math.round(guess % 2 === 0 ? reach * 0.99 : reach * 1.01 + 2 ** guess);
}
