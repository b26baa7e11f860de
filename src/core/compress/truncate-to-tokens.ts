import type { CountTokens } from '../tokens/count-tokens.ts';
import type { Compression, TextEdit } from './compression.ts';
import { CutPlaces, ruleOf } from './cut-places.ts';
import { type KeptRange, keptText, type KeptText } from './kept-text.ts';
import { type FitSearch, longestFit } from './longest-fit.ts';
import { relevantRanges } from './relevant-ranges.ts';
import { segmentText } from './segment-text.ts';

/**
 * Which part of a text is kept.
 *
 * - `head`, `tail`: its beginning, its end.
 * - `both`: half of each; the middle goes.
 * - `relevant`: the lines and sentences that share most words with a question, in their order; without a question as `both`.
 * @public
 */
export type TruncationKeep = 'head' | 'tail' | 'both' | 'relevant';

/** How a text is shortened. @public */
export interface TruncationOptions {
  /** @defaultValue `both` */
  readonly keep?: TruncationKeep;
  /** The question that `relevant` goes by. */
  readonly question?: string | undefined;
  /**
   * Stands where something was cut. It counts, and is left out where it would take more than half of the tokens.
   * @defaultValue `[...]`
   */
  readonly mark?: string;
}

/** Goes up when the same text would be cut elsewhere. */
const TRANSFORM = 'truncate@1';

/** So often a part that cannot be cut and does not fit is left out and what stands behind it is tried. */
const MAX_SKIPS = 6;
/** Fewer tokens than this that are left over are not worth another search. */
const WORTH_A_SEARCH = 8;

/**
 * Cuts a text to so many tokens at the most, and as near to that as the text allows. It is cut between graphemes in prose, between lines in code, logs and
 * tables, in a fenced block between two lines (the fence is closed, and opened again), and never in JSON, inline code, URLs or templates: what does not fit
 * and cannot be cut goes as a whole. Where something went stands a mark. Never throws; counts the text once and parts of the size of the result some ten times.
 * @public
 */
export function truncateToTokens(
  text: string,
  maxTokens: number,
  count: CountTokens,
  options: TruncationOptions = {},
): Compression {
  const tokensBefore = count(text);
  if (tokensBefore <= maxTokens) return { text, tokensBefore, tokensAfter: tokensBefore, steps: [] };
  const mark = options.mark ?? '[...]';
  const places = new CutPlaces(text, segmentText(text));
  const draft = new Draft(places, count, maxTokens, tokensBefore, 2 * count(mark) > maxTokens ? '' : mark);
  const kept = maxTokens > 0 ? keptRanges(draft, options) : [];
  const { text: result, edits } = draft.assembled(kept);
  const tokensAfter = count(result);
  const isFit = tokensAfter <= maxTokens;
  const everything: readonly TextEdit[] = [{ start: 0, end: text.length, text: '' }];
  return {
    text: isFit ? result : '',
    tokensBefore,
    tokensAfter: isFit ? tokensAfter : count(''),
    steps: [
      {
        transform: TRANSFORM,
        savedTokens: tokensBefore - (isFit ? tokensAfter : count('')),
        edits: isFit ? edits : everything,
      },
    ],
  };
}

/** What a text would be with some ranges kept, and how long. */
class Draft {
  readonly places: CutPlaces;
  readonly count: CountTokens;
  readonly maxTokens: number;
  /** Of the whole text. */
  readonly tokensBefore: number;
  readonly #mark: string;

  constructor(places: CutPlaces, count: CountTokens, maxTokens: number, tokensBefore: number, mark: string) {
    this.places = places;
    this.count = count;
    this.maxTokens = maxTokens;
    this.tokensBefore = tokensBefore;
    this.#mark = mark;
  }

  assembled(kept: readonly KeptRange[]): KeptText {
    return keptText(this.places, kept, this.#mark);
  }

  size(kept: readonly KeptRange[]): number {
    return this.count(this.assembled(kept).text);
  }
}

function keptRanges(draft: Draft, options: TruncationOptions): readonly KeptRange[] {
  const end = draft.places.text.length;
  switch (options.keep ?? 'both') {
    case 'head':
      return withHead(draft, [], 0, end, draft.maxTokens);
    case 'tail':
      return withTail(draft, [], 0, end, draft.maxTokens);
    case 'relevant':
      return relevantParts(draft, options.question?.trim() ?? '');
    case 'both':
      return bothEnds(draft);
  }
}

function relevantParts(draft: Draft, question: string): readonly KeptRange[] {
  if (question === '') return bothEnds(draft);
  const { kept, next } = relevantRanges(draft.places, question, (ranges) => draft.size(ranges), draft.maxTokens);
  const filled = next === undefined ? kept : withHead(draft, kept, next.start, next.end, draft.maxTokens);
  return filled.length === 0 ? bothEnds(draft) : filled;
}

function bothEnds(draft: Draft): readonly KeptRange[] {
  const end = draft.places.text.length;
  const head = withHead(draft, [], 0, end, Math.ceil(draft.maxTokens / 2));
  const both = withTail(draft, head, head.at(-1)?.end ?? 0, end, draft.maxTokens);
  // What could not be used at the end, since nothing there was short enough, is used at the beginning.
  if (draft.maxTokens - draft.size(both) < WORTH_A_SEARCH) return both;
  const tail = both.slice(head.length);
  return withHead(draft, both, head.at(-1)?.end ?? 0, tail[0]?.start ?? end, draft.maxTokens);
}

/** Adds as much as fits from a place on, up to another. */
function withHead(
  draft: Draft,
  kept: readonly KeptRange[],
  from: number,
  to: number,
  maxTokens: number,
): readonly KeptRange[] {
  let ranges = kept;
  let start = from;
  for (let skip = 0; skip <= MAX_SKIPS && start < to; skip += 1) {
    const base = ranges;
    const first = start;
    const sizeAt = (end: number): number => draft.size(merged(base, { start: first, end }));
    const end = farthest(
      draft,
      { start: first, end: to, sizeAt, maxSize: maxTokens, startSize: draft.size(base) },
      PLACES_ONWARD,
    );
    if (!isBlank(draft, first, end)) ranges = merged(base, { start: first, end });
    const blocked = draft.places.segmentAt(end);
    if (end === to || blocked?.start !== end || ruleOf(blocked) === 'words') break;
    start = blocked.end;
  }
  return ranges;
}

/** Adds as much as fits before a place, back to another. */
function withTail(
  draft: Draft,
  kept: readonly KeptRange[],
  from: number,
  to: number,
  maxTokens: number,
): readonly KeptRange[] {
  let ranges = kept;
  let end = to;
  for (let skip = 0; skip <= MAX_SKIPS && end > from; skip += 1) {
    const base = ranges;
    const last = end;
    // The same search with offsets from the end.
    const sizeAt = (taken: number): number => draft.size(merged(base, { start: last - taken, end: last }));
    const places = placesBack(last);
    const taken = farthest(
      draft,
      { start: 0, end: last - from, sizeAt, maxSize: maxTokens, startSize: draft.size(base) },
      places,
    );
    const start = last - taken;
    if (!isBlank(draft, start, last)) ranges = merged(base, { start, end: last });
    const blocked = draft.places.segmentAt(start - 1);
    if (start === from || blocked?.end !== start || ruleOf(blocked) === 'words') break;
    end = blocked.start;
  }
  return ranges;
}

/** The places of a search that goes in one direction. */
interface Direction {
  readonly before: (places: CutPlaces, at: number) => number;
  readonly after: (places: CutPlaces, at: number) => number;
}

const PLACES_ONWARD: Direction = {
  before: (places, at) => places.before(at),
  after: (places, at) => places.after(at),
};

function placesBack(end: number): Direction {
  return {
    before: (places, at) => end - places.after(end - at),
    after: (places, at) => end - places.before(end - at),
  };
}

type Reach = Pick<FitSearch, 'start' | 'end' | 'startSize' | 'maxSize' | 'sizeAt'>;

function farthest(draft: Draft, reach: Reach, direction: Direction): number {
  const { places, tokensBefore } = draft;
  const characters = reach.end - reach.start;
  const endSize = reach.startSize + Math.ceil((tokensBefore * characters) / Math.max(1, places.text.length));
  // The whole text is known not to fit; a part of it may.
  const mayFit = characters < places.text.length && endSize - reach.startSize <= 2 * (reach.maxSize - reach.startSize);
  if (mayFit && reach.sizeAt(reach.end) <= reach.maxSize) return reach.end;
  return longestFit({
    ...reach,
    endSize,
    placeBefore: (at) => direction.before(places, at),
    placeAfter: (at) => direction.after(places, at),
  });
}

function isBlank(draft: Draft, start: number, end: number): boolean {
  return draft.places.text.slice(start, end).trim() === '';
}

/** The ranges in order, neighbours as one. */
function merged(kept: readonly KeptRange[], added: KeptRange): readonly KeptRange[] {
  const ordered = [...kept, added].toSorted((left, right) => left.start - right.start);
  const ranges: KeptRange[] = [];
  for (const range of ordered) {
    const last = ranges.at(-1);
    if (last !== undefined && last.end >= range.start)
      ranges[ranges.length - 1] = { start: last.start, end: range.end };
    else ranges.push(range);
  }
  return ranges;
}
