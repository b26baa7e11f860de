import type { Segment } from '../segment.ts';
import { segmentText } from '../segment-text.ts';
import { FrameStack, type TextFrame } from './frame-stack.ts';
import { splitSentences } from './split-sentences.ts';
import { inlineTitleEnd, isTitleLine, standsOverText } from './title-line.ts';
import { WholeSpans } from './whole-spans.ts';

/** What is kept or left out as a whole: a sentence, or a block that must not be cut (code, JSON, a table). */
export interface TextUnit {
  readonly kind: 'sentence' | 'block';
  readonly start: number;
  readonly end: number;
  /** Number of its paragraph. */
  readonly section: number;
  /** Place in its paragraph, from 0; a block is never the first. */
  readonly place: number;
  /** The innermost heading or tag that it stands under, -1 for none. */
  readonly frame: number;
  /** The frame that says what it is about, -1 for none. */
  readonly title: number;
}

/** A text in the parts that extraction chooses from; all in order. */
export interface TextUnits {
  readonly units: readonly TextUnit[];
  readonly frames: readonly TextFrame[];
}

/** Splits a text into units. Takes time that is linear in the text, and never throws. */
export function textUnits(text: string): TextUnits {
  return new UnitReader(text).read();
}

class UnitReader {
  readonly #text: string;
  readonly #units: TextUnit[] = [];
  readonly #stack: FrameStack;
  #paragraphStart = -1;
  #paragraphEnd = -1;
  #wholes = new WholeSpans();
  #section = 0;

  constructor(text: string) {
    this.#text = text;
    this.#stack = new FrameStack(text);
  }

  read(): TextUnits {
    let at = 0;
    for (const segment of segmentText(this.#text))
      if (segment.end > at) at = this.#take(segment, Math.max(at, segment.start));
    this.#flush();
    return { units: this.#units, frames: this.#stack.frames };
  }

  /** Takes a segment from an offset on; gives the offset up to which the text is read. */
  #take(segment: Segment, at: number): number {
    switch (segment.kind) {
      case 'blank':
        this.#flush();
        return segment.end;
      case 'heading':
        return this.#heading(at, segment.end);
      case 'fence':
      case 'json-fence':
      case 'table':
      case 'diff':
      case 'html':
      case 'code':
      case 'front-matter':
      case 'records':
      case 'unknown':
        return this.#block(at, segment.end);
      case 'json':
      case 'base64':
        return this.#isAlone(at, segment.end) ? this.#block(at, segment.end) : this.#whole(at, segment.end);
      case 'log':
        return this.#lines(at, segment.end);
      case 'tagged':
        return this.#tag(at, segment.end);
      case 'inline-code':
      case 'url':
      case 'template':
        return this.#whole(at, segment.end);
      case 'prose':
      case 'list':
      case 'quote':
        return this.#extend(at, segment.end);
    }
  }

  #extend(start: number, end: number): number {
    if (this.#paragraphStart < 0) this.#paragraphStart = start;
    this.#paragraphEnd = end;
    return end;
  }

  #whole(start: number, end: number): number {
    this.#wholes.add(start, end);
    return this.#extend(start, end);
  }

  /** A heading takes its whole line, whatever stands in it. */
  #heading(start: number, segmentEnd: number): number {
    if (this.#paragraphStart >= 0 && !this.#beginsLine(start)) return this.#extend(start, segmentEnd);
    this.#flush();
    const found = this.#text.indexOf('\n', start);
    const end = found < 0 ? this.#text.length : found;
    if (!this.#stack.openHeading(start, end)) {
      this.#add('sentence', start, end, 0);
      this.#section += 1;
    }
    return Math.min(end + 1, this.#text.length);
  }

  #tag(start: number, end: number): number {
    if (!this.#isAlone(start, end)) return this.#extend(start, end);
    this.#flush();
    if (!this.#stack.takeTag(start, end)) this.#add('block', start, end, 1);
    return end;
  }

  #block(start: number, end: number): number {
    this.#flush();
    const isSameSection = this.#section > 0 && this.#units.at(-1)?.frame === this.#stack.top;
    if (isSameSection) this.#section -= 1;
    this.#add('block', start, end, 1);
    this.#section += 1;
    return end;
  }

  #lines(start: number, end: number): number {
    this.#flush();
    let place = 0;
    for (let from = start; from < end;) {
      const found = this.#text.indexOf('\n', from);
      const stop = found < 0 || found >= end ? end : found + 1;
      this.#add('sentence', from, stop, place);
      place += 1;
      from = stop;
    }
    this.#section += 1;
    return end;
  }

  /** Ends the paragraph: its first line may be a title, the rest is sentences. */
  #flush(): void {
    const start = this.#paragraphStart;
    const end = this.#paragraphEnd;
    if (start < 0) return;
    const titleEnd = isTitleLine(this.#text, start, end) ?? inlineTitleEnd(this.#text, start, end);
    if (titleEnd === undefined && standsOverText(this.#text, start, end) && this.#stack.openTitle(start, end, true)) {
      this.#reset();
      return;
    }
    const isTitled = titleEnd !== undefined && this.#stack.openTitle(start, titleEnd, false);
    let place = 0;
    const take = (from: number, to: number): void => {
      this.#add('sentence', from, to, place);
      place += 1;
    };
    splitSentences(this.#text, isTitled ? titleEnd : start, end, take, this.#wholes);
    if (isTitled) this.#stack.closeTitle();
    if (place > 0) this.#section += 1;
    this.#reset();
  }

  #reset(): void {
    this.#paragraphStart = -1;
    this.#wholes = new WholeSpans();
  }

  #add(kind: TextUnit['kind'], from: number, to: number, place: number): void {
    let start = from;
    let end = to;
    while (end > start && isSpace(this.#text.charCodeAt(end - 1))) end -= 1;
    // A block's indentation belongs to it.
    if (kind === 'sentence') while (start < end && isSpace(this.#text.charCodeAt(start))) start += 1;
    if (start >= end) return;
    const { top, title } = this.#stack;
    this.#units.push({ kind, start, end, section: this.#section, place, frame: top, title });
  }

  #beginsLine(at: number): boolean {
    return at === 0 || this.#text.charCodeAt(at - 1) === 10;
  }

  /** Whether nothing else stands on the lines; looks at a few characters only. */
  #isAlone(start: number, end: number): boolean {
    const before = this.#text.slice(Math.max(0, start - 40), start);
    const after = this.#text.slice(end, end + 40);
    return (
      /(?:^|\n)[ \t]*$/.test(before) && (this.#text.charCodeAt(end - 1) === 10 || /^[ \t]*(?:\r?\n|$)/.test(after))
    );
  }
}

function isSpace(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13);
}
