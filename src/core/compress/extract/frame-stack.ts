/** What stands around units and is kept with any of them: a heading, a title, or a tag with its closing tag. */
export interface TextFrame {
  readonly start: number;
  readonly end: number;
  /** The closing tag; equal offsets where there is none. */
  readonly closeStart: number;
  readonly closeEnd: number;
  /** The frame around it, -1 for none. */
  readonly parent: number;
}

interface OpenFrame {
  readonly index: number;
  /** 1 to 6 for headings, 7 for titles; 0 for tags, which end headings inside. */
  readonly level: number;
  readonly name: string;
  /** The frame that says what is inside. */
  readonly title: number;
}

/** Deeper ones are left where they are, so that the frames of a unit are few. */
const MAX_DEPTH = 8;
const MAX_HEADING_CHARACTERS = 300;
const TITLE_LEVEL = 7;
const TAG = /^<(\/?)([A-Za-z][\w.:-]{0,40})/;
/** An attribute that may be a name, and not only a number. */
const NAMING_ATTRIBUTE = /=\s*["'][^"'\p{L}]{0,20}\p{L}{2}/u;

/** The headings, titles and tags that are open while a text is read. */
export class FrameStack {
  readonly frames: TextFrame[] = [];
  readonly #text: string;
  readonly #open: OpenFrame[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  /** The innermost open frame. */
  get top(): number {
    return this.#open.at(-1)?.index ?? -1;
  }

  /** The innermost open frame that says what is inside. */
  get title(): number {
    return this.#open.at(-1)?.title ?? -1;
  }

  /** A Markdown heading ends those of its level and below; false where there are too many around it, or it is too long to be one. */
  openHeading(start: number, end: number): boolean {
    const marks = /^ {0,3}(#{1,6})/.exec(this.#text.slice(start, start + 10))?.[1];
    return this.#openLevel(start, end, marks?.length ?? TITLE_LEVEL);
  }

  /** A title without marks: one that stands for itself ends the one before, one that is the first line of a paragraph is closed after it. */
  openTitle(start: number, end: number, isStanding: boolean): boolean {
    return this.#openLevel(start, end, isStanding ? TITLE_LEVEL : TITLE_LEVEL + 1);
  }

  closeTitle(): void {
    this.#open.pop();
  }

  /** A tag on a line of its own; false where it closes nothing or is too deep. */
  takeTag(start: number, end: number): boolean {
    const source = this.#text.slice(start, Math.min(end, start + MAX_HEADING_CHARACTERS)).trimStart();
    const [, slash, name] = TAG.exec(source) ?? [];
    if (name === undefined || source.trimEnd().endsWith('/>')) return false;
    if (slash === '') return this.#push(start, end, 0, name, NAMING_ATTRIBUTE.test(source));
    const depth = this.#open.findLastIndex((open) => open.level === 0 && open.name === name);
    const opened = this.#open[depth];
    if (opened === undefined) return false;
    this.#open.length = depth;
    const trimmed = this.#trimmed(start, end);
    this.frames[opened.index] = {
      ...(this.frames[opened.index] as TextFrame),
      closeStart: trimmed.start,
      closeEnd: trimmed.end,
    };
    return true;
  }

  #openLevel(start: number, end: number, level: number): boolean {
    if (end - start > MAX_HEADING_CHARACTERS) return false;
    while ((this.#open.at(-1)?.level ?? 0) >= level) this.#open.pop();
    return this.#push(start, end, level, '', true);
  }

  #push(start: number, end: number, level: number, name: string, isTitle: boolean): boolean {
    if (this.#open.length >= MAX_DEPTH) return false;
    const index = this.frames.length;
    const trimmed = this.#trimmed(start, end);
    this.frames.push({ ...trimmed, closeStart: trimmed.end, closeEnd: trimmed.end, parent: this.top });
    this.#open.push({ index, level, name, title: isTitle ? index : this.title });
    return true;
  }

  #trimmed(start: number, end: number): { readonly start: number; readonly end: number } {
    const source = this.#text.slice(start, end);
    return { start: start + source.length - source.trimStart().length, end: start + source.trimEnd().length };
  }
}
