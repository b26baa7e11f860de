import { type CutPlaces, ruleOf, wholeSpans } from './cut-places.ts';
import { splitSentences } from './extract/split-sentences.ts';
import type { KeptRange } from './kept-text.ts';
import { lexicalRelevance } from './lexical-relevance.ts';

/** More parts than this are not judged one by one: neighbours are put together. */
const MAX_PARTS = 4000;
/** Lines of code and logs are judged in stretches of so many characters. */
const STRETCH = 400;
/** So many parts that do not fit are passed over for shorter ones. */
const MAX_MISSES = 8;

/**
 * The parts of a text that have most to do with a question, in the order of the text, as many as fit. Of parts that have nothing to do with it those at both
 * ends go last.
 * @param sizeOf - the size of the text with these ranges kept
 * @returns what is kept, and the best part that did not fit: a piece of it may.
 * @internal
 */
export function relevantRanges(
  places: CutPlaces,
  question: string,
  sizeOf: (kept: readonly KeptRange[]) => number,
  maxSize: number,
): { readonly kept: readonly KeptRange[]; readonly next: KeptRange | undefined } {
  const parts = textParts(places);
  const scores = lexicalRelevance(
    parts.map(({ start, end }) => places.text.slice(start, end)),
    question,
  );
  const last = parts.length - 1;
  const ranked = parts
    .map((range, index) => ({ range, score: scores[index] ?? 0, toEnd: Math.min(index, last - index) }))
    .toSorted((left, right) => right.score - left.score || left.toEnd - right.toEnd)
    .map(({ range }) => range);
  const taken = mostThatFit(ranked, sizeOf, maxSize);
  let kept = ordered(ranked.slice(0, taken));
  const missed: KeptRange[] = [];
  for (const range of ranked.slice(taken)) {
    if (missed.length > MAX_MISSES) break;
    const more = ordered([...kept, range]);
    if (sizeOf(more) <= maxSize) kept = more;
    else missed.push(range);
  }
  return { kept, next: missed[0] };
}

/** By halving: each size is that of a text. */
function mostThatFit(
  ranked: readonly KeptRange[],
  sizeOf: (kept: readonly KeptRange[]) => number,
  maxSize: number,
): number {
  let low = 0;
  let high = ranked.length;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (sizeOf(ordered(ranked.slice(0, middle))) <= maxSize) low = middle;
    else high = middle;
  }
  return low;
}

/** In the order of the text, neighbours as one. */
function ordered(ranges: readonly KeptRange[]): readonly KeptRange[] {
  const found: KeptRange[] = [];
  for (const range of ranges.toSorted((left, right) => left.start - right.start)) {
    const before = found.at(-1);
    if (before?.end === range.start) found[found.length - 1] = { start: before.start, end: range.end };
    else found.push(range);
  }
  return found;
}

/** What is kept or left out as a whole. Together they are the text, so that neighbours need no mark between them. */
function textParts(places: CutPlaces): readonly KeptRange[] {
  const borders = new Set<number>([0]);
  const { text, segments } = places;
  const wholes = wholeSpans(segments);
  let lineDone = 0;
  for (const segment of segments) {
    const isInLine = segment.start > 0 && text[segment.start - 1] !== '\n';
    if (!isInLine) borders.add(segment.start);
    const rule = ruleOf(segment);
    if (rule === 'lines' || rule === 'rows') addStretches(places, segment.start, segment.end, borders);
    if (rule !== 'words' || segment.start < lineDone) continue;
    let end = segment.end;
    // A line of prose goes on behind a URL or inline code in it.
    while (end < text.length && text[end - 1] !== '\n') end = places.segmentAt(end)?.end ?? text.length;
    lineDone = end;
    const take = (start: number): void => {
      if (places.before(start) === start) borders.add(start);
    };
    splitSentences(text, segment.start, end, take, wholes);
  }
  const starts = [...borders].toSorted((left, right) => left - right);
  const step = Math.ceil(starts.length / MAX_PARTS);
  const wide = starts.filter((_, index) => index % step === 0);
  return wide.map((start, index) => ({ start, end: wide[index + 1] ?? text.length }));
}

function addStretches(places: CutPlaces, start: number, end: number, borders: Set<number>): void {
  let from = start;
  while (end - from > STRETCH) {
    const next = places.after(from + STRETCH);
    if (next >= end) return;
    borders.add(next);
    from = next;
  }
}
