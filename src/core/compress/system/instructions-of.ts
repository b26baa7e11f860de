import { CutPlaces, wholeSpans } from '../cut-places.ts';
import { splitSentences } from '../extract/split-sentences.ts';
import type { WholeSpans } from '../extract/whole-spans.ts';
import type { Segment } from '../segment.ts';
import { WORD_KINDS } from '../transform.ts';

/** A sentence of a system prompt, with what it depends on. @internal */
export interface Instruction {
  readonly start: number;
  readonly end: number;
  /** Without the mark of a list item. */
  readonly text: string;
  /** What it stands under, from outside in: headings, a line that ends with a colon, items of lists. By offset, so that equal headings differ. */
  readonly scope: readonly number[];
  /** Its paragraph or list item. */
  readonly block: InstructionBlock;
  /** Place in its block. */
  readonly place: number;
}

/** A paragraph or a list item. */
interface InstructionBlock {
  /** Offset of the beginning of its first line. */
  readonly start: number;
  /** Offset behind its last line. */
  readonly end: number;
  /** Whether it is a step of a numbered list, in which a step may come twice. */
  readonly isStep: boolean;
  /** How many sentences it has. */
  readonly sentences: number;
  /** Whether it holds nothing but words: no code, URL, quotation or template. */
  readonly isPlain: boolean;
}

/** Deeper lists are no instructions. */
const MAX_DEPTH = 12;

const ITEM = /^([ \t]*)(?:[-*+•]|(\d{1,9}[.)]))[ \t]+/;
const HEADING = /^[ ]{0,3}(#{1,6})[ \t]/;
/** Who speaks in a talk that is given as an example. */
const SPEAKERS: ReadonlySet<string> = new Set(
  'user assistant human ai agent customer bot q a input output example'.split(' '),
);
/** A line of a talk names its speaker within so many characters. */
const MAX_SPEAKER = 30;
const INLINE: ReadonlySet<Segment['kind']> = new Set<Segment['kind']>([
  ...WORD_KINDS,
  'inline-code',
  'url',
  'quote',
  'template',
  'base64',
]);

/**
 * The sentences of a system prompt that stand in paragraphs and list items. What stands between tags, in code, tables or lines of an example talk is no
 * instruction.
 * @internal
 */
export function instructionsOf(text: string, segments: readonly Segment[]): readonly Instruction[] {
  return new InstructionReader(text, segments).read();
}

class InstructionReader {
  readonly #text: string;
  readonly #places: CutPlaces;
  readonly #wholes: WholeSpans;
  readonly #found: Instruction[] = [];
  readonly #headings: { readonly level: number; readonly at: number }[] = [];
  readonly #items: { readonly indent: number; readonly at: number }[] = [];
  #leadIn = -1;
  #open: { start: number; end: number; textStart: number; isStep: boolean; scope: readonly number[] } | undefined;

  constructor(text: string, segments: readonly Segment[]) {
    this.#text = text;
    this.#places = new CutPlaces(text, segments);
    this.#wholes = wholeSpans(segments);
  }

  read(): readonly Instruction[] {
    let tagDepth = 0;
    for (let at = 0; at < this.#text.length;) {
      const feed = this.#text.indexOf('\n', at);
      const end = feed === -1 ? this.#text.length : feed + 1;
      const line = this.#text.slice(at, end);
      const kind = this.#kindOf(at, line);
      if (kind === 'tag') tagDepth = Math.max(0, tagDepth + tagBalance(line));
      if (kind === 'words' && tagDepth === 0) this.#takeLine(at, end, line);
      else this.#close();
      at = end;
    }
    this.#close();
    return this.#found;
  }

  /** What a line is, by the segments that it touches. */
  #kindOf(at: number, line: string): 'words' | 'tag' | 'other' {
    if (line.trim() === '') return 'other';
    let kind: 'words' | 'tag' | 'other' = 'words';
    for (let place = at; place < at + line.length;) {
      const segment = this.#places.segmentAt(place);
      if (segment === undefined) break;
      if (segment.kind === 'tagged') return 'tag';
      if (!INLINE.has(segment.kind) && segment.kind !== 'blank') kind = 'other';
      place = segment.end;
    }
    return isTalk(line) ? 'other' : kind;
  }

  #takeLine(at: number, end: number, line: string): void {
    const heading = HEADING.exec(line);
    if (heading !== null) {
      this.#close();
      const level = (heading[1] ?? '').length;
      while ((this.#headings.at(-1)?.level ?? 0) >= level) this.#headings.pop();
      this.#headings.push({ level, at });
      this.#items.length = 0;
      this.#leadIn = -1;
      return;
    }
    const item = ITEM.exec(line);
    if (item !== null) this.#openItem(at, end, item);
    else if (this.#open === undefined) this.#openParagraph(at, end);
    else this.#open.end = end;
  }

  #openItem(at: number, end: number, item: RegExpExecArray): void {
    this.#close();
    const indent = (item[1] ?? '').length;
    while ((this.#items.at(-1)?.indent ?? -1) >= indent) this.#items.pop();
    const scope = this.#scope();
    this.#items.push({ indent, at });
    if (this.#items.length > MAX_DEPTH) return;
    this.#open = { start: at, end, textStart: at + item[0].length, isStep: item[2] !== undefined, scope };
  }

  #openParagraph(at: number, end: number): void {
    const isIndented = /^[ \t]/.test(this.#text.slice(at, at + 1));
    // A paragraph that is set in belongs to the item above it.
    if (!isIndented) {
      this.#items.length = 0;
      this.#leadIn = -1;
    }
    this.#open = { start: at, end, textStart: at, isStep: false, scope: this.#scope() };
  }

  #scope(): readonly number[] {
    const outer = this.#headings.map(({ at }) => at);
    return [...outer, ...(this.#leadIn < 0 ? [] : [this.#leadIn]), ...this.#items.map(({ at }) => at)];
  }

  #close(): void {
    const open = this.#open;
    this.#open = undefined;
    if (open === undefined) return;
    const ranges: (readonly [number, number])[] = [];
    const take = (start: number, end: number): void => {
      ranges.push([start, end]);
    };
    splitSentences(this.#text, open.textStart, open.end, take, this.#wholes);
    const { start, end, isStep, scope } = open;
    const block = { start, end, isStep, sentences: ranges.length, isPlain: this.#isPlain(start, end) };
    for (const [place, [from, to]] of ranges.entries()) {
      this.#found.push({ start: from, end: to, text: this.#text.slice(from, to), scope, block, place });
    }
    if (open.textStart === start && this.#text.slice(start, end).trimEnd().endsWith(':')) this.#leadIn = start;
  }

  #isPlain(start: number, end: number): boolean {
    for (let at = start; at < end;) {
      const segment = this.#places.segmentAt(at);
      if (segment === undefined) return true;
      if (!WORD_KINDS.has(segment.kind) && segment.kind !== 'blank') return false;
      at = segment.end;
    }
    return true;
  }
}

/** `**User 1:** hello` is a line of an example talk. */
function isTalk(line: string): boolean {
  const name = line.trimStart().slice(0, MAX_SPEAKER);
  const colon = name.indexOf(':');
  const [speaker = ''] = name.slice(0, Math.max(0, colon)).replaceAll('*', '').trim().toLowerCase().split(' ');
  return SPEAKERS.has(speaker);
}

/** Tags that a line opens less those that it closes. */
function tagBalance(line: string): number {
  let balance = 0;
  for (const [tag] of line.matchAll(/<\/?[A-Za-z][^<>\n]{0,200}>/g)) {
    if (tag.startsWith('</')) balance -= 1;
    else if (!tag.endsWith('/>')) balance += 1;
  }
  return balance;
}
