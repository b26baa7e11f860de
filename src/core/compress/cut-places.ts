import { WholeSpans } from './extract/whole-spans.ts';
import { graphemeBorderAfter, graphemeBorderBefore } from './grapheme-border.ts';
import type { Segment, SegmentKind } from './segment.ts';

/** `words`: between any two graphemes. `lines`: between lines. `fence`: between the lines within its fences. `whole`: nowhere. */
type CutRule = 'words' | 'lines' | 'fence' | 'rows' | 'whole';

const RULES: Readonly<Record<SegmentKind, CutRule>> = {
  'front-matter': 'whole',
  fence: 'fence',
  'json-fence': 'whole',
  'inline-code': 'whole',
  code: 'lines',
  json: 'whole',
  table: 'rows',
  records: 'whole',
  list: 'words',
  heading: 'words',
  diff: 'lines',
  log: 'lines',
  html: 'lines',
  tagged: 'whole',
  url: 'whole',
  quote: 'words',
  template: 'whole',
  base64: 'whole',
  prose: 'words',
  blank: 'words',
  unknown: 'lines',
};

/** A line that is longer may be cut within, between graphemes: it is no line that anybody reads. */
const MAX_LINE = 2000;
/** A quotation that is shorter stays whole. */
const MIN_CUT_QUOTE = 200;

const FENCE_OPENING = /^([ \t>]*)(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?(`{3,}|~{3,})/;

/** Where a text may be cut. All offsets are into the text. @internal */
export class CutPlaces {
  readonly text: string;
  readonly segments: readonly Segment[];

  constructor(text: string, segments: readonly Segment[]) {
    this.text = text;
    this.segments = segments;
  }

  /** The last place up to `at` where the text may be cut. */
  before(at: number): number {
    if (at <= 0) return 0;
    if (at >= this.text.length) return this.text.length;
    const segment = this.segmentAt(at);
    if (segment === undefined) return 0;
    if (segment.start === at) return at;
    return Math.max(segment.start, this.#innerBefore(segment, at) ?? segment.start);
  }

  /** The first place from `at` on where the text may be cut. */
  after(at: number): number {
    if (at <= 0) return 0;
    if (at >= this.text.length) return this.text.length;
    const segment = this.segmentAt(at);
    if (segment === undefined) return this.text.length;
    if (segment.start === at) return at;
    return Math.min(segment.end, this.#innerAfter(segment, at) ?? segment.end);
  }

  /** What must follow a cut here so that a fence is closed; `''` where none is open. */
  closing(at: number): string {
    const fence = this.#fenceAround(at);
    return fence === undefined ? '' : `${fence.indent}${fence.marks}\n`;
  }

  /** What must come before a text that goes on from here so that its fence is opened; `''` where none is open. */
  opening(at: number): string {
    const fence = this.#fenceAround(at);
    return fence === undefined ? '' : fence.line;
  }

  /** The segment that holds the character at an offset. */
  segmentAt(at: number): Segment | undefined {
    let low = 0;
    let high = this.segments.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const segment = this.segments[middle];
      if (segment === undefined) return undefined;
      if (segment.end <= at) low = middle + 1;
      else if (segment.start > at) high = middle - 1;
      else return segment;
    }
    return undefined;
  }

  #fenceAround(at: number): { readonly indent: string; readonly marks: string; readonly line: string } | undefined {
    const segment = this.segmentAt(at);
    if (segment === undefined || segment.start === at || segment.kind !== 'fence') return undefined;
    const line = this.text.slice(segment.start, this.#nextLine(segment.start));
    const found = FENCE_OPENING.exec(line);
    return found === null ? undefined : { indent: found[1] ?? '', marks: found[2] ?? '', line };
  }

  #innerBefore(segment: Segment, at: number): number | undefined {
    const line = this.#lineStart(at);
    switch (ruleOf(segment)) {
      case 'whole':
        return undefined;
      case 'words':
        return graphemeBorderBefore(this.text, at);
      case 'rows':
        return line;
      case 'lines':
        return this.#nextLine(line) - line > MAX_LINE ? graphemeBorderBefore(this.text, at) : line;
      case 'fence':
        return line >= this.#secondLine(segment) ? line : undefined;
    }
  }

  #innerAfter(segment: Segment, at: number): number | undefined {
    const line = this.#lineStart(at);
    const next = line === at ? at : this.#nextLine(at);
    switch (ruleOf(segment)) {
      case 'whole':
        return undefined;
      case 'words':
        return graphemeBorderAfter(this.text, at);
      case 'rows':
        return next;
      case 'lines':
        return next - line > MAX_LINE ? graphemeBorderAfter(this.text, at) : next;
      case 'fence': {
        // Behind the fence's last line of content there is nothing to open it for.
        const place = Math.max(next, this.#secondLine(segment));
        return this.#nextLine(place) < segment.end ? place : undefined;
      }
    }
  }

  /** The beginning of the second line of a fence's content. */
  #secondLine(segment: Segment): number {
    return this.#nextLine(this.#nextLine(segment.start));
  }

  #lineStart(at: number): number {
    return at === 0 ? 0 : this.text.lastIndexOf('\n', at - 1) + 1;
  }

  #nextLine(at: number): number {
    const feed = this.text.indexOf('\n', at);
    return feed === -1 ? this.text.length : feed + 1;
  }
}

/** All stretches that no sentence ends within, as `splitSentences` takes them. @internal */
export function wholeSpans(segments: readonly Segment[]): WholeSpans {
  const spans = new WholeSpans();
  for (const segment of segments) if (ruleOf(segment) !== 'words') spans.add(segment.start, segment.end);
  return spans;
}

/** A short quotation stays whole. @internal */
export function ruleOf(segment: Segment): CutRule {
  return segment.kind === 'quote' && segment.end - segment.start < MIN_CUT_QUOTE ? 'whole' : RULES[segment.kind];
}
