import { FarthingError } from '../core/errors.ts';

/** One event (or comment block) of an event stream. @public */
export interface SseFrame {
  /** The frame as it came, with the blank line that ends it. May be a view into the chunk that was pushed. */
  readonly bytes: Uint8Array;
  /** The `event` field; undefined where there is none. */
  readonly event: string | undefined;
  /** The `data` lines joined by line feeds; undefined for a frame without any, such as a comment. */
  readonly data: string | undefined;
}

/** Settings of an {@link SseFramer}. @public */
export interface SseFramerOptions {
  /**
   * The longest frame that is taken, in bytes. A provider that never sends a blank line is cut off here, so that it cannot
   * fill the memory.
   * @defaultValue {@link DEFAULT_MAX_FRAME_BYTES}
   */
  readonly maxFrameBytes?: number;
}

/** 16 MiB. Our own bound: the longest event in recorded real streams has 0.1 MB, a whole image in base64 a few. @public */
export const DEFAULT_MAX_FRAME_BYTES: number = 16 * 1024 * 1024;

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const KEPT_CAPACITY_BYTES = 64 * 1024;
const NO_BYTES: Uint8Array = new Uint8Array(0);
const NO_FRAMES: readonly SseFrame[] = Object.freeze([]);

// The byte order mark is taken off by hand: it counts only at the start of the stream, not of every frame.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * Cuts an event stream into frames without changing a byte: the `bytes` of all frames, joined, are the input.
 * Frames do not depend on where the chunk borders were. Lines may end in LF, CRLF or CR (WHATWG HTML, 9.2.6).
 *
 * Where a frame lies within one chunk its `bytes` are a view of that chunk; the text is decoded when it is first read.
 * Line ends are found by the chunk's own `indexOf`, which is four times as fast on a `Buffer` as on a plain `Uint8Array`.
 * After a blank line that ends in a CR at the very end of a chunk, the frame waits for the next chunk (or `finish`), since an LF
 * may still belong to it.
 * @public
 */
export class SseFramer {
  readonly #maxFrameBytes: number;
  /** Bytes of the open frame from earlier chunks; only the first `#restLength` count. */
  #rest: Uint8Array = NO_BYTES;
  #restLength = 0;
  /** Whether the open line has no byte yet. */
  #lineIsEmpty = true;
  /** What the CR that ended the last chunk stands for. */
  #openReturn: 'none' | 'line-end' | 'frame-end' = 'none';
  #isFirst = true;

  constructor(options: SseFramerOptions = {}) {
    this.#maxFrameBytes = options.maxFrameBytes ?? DEFAULT_MAX_FRAME_BYTES;
  }

  /**
   * Takes the next bytes and gives the frames that they complete.
   * @throws FarthingError `provider-broken` when a frame is longer than `maxFrameBytes`.
   */
  push(chunk: Uint8Array): readonly SseFrame[] {
    const length = chunk.length;
    if (length === 0) return NO_FRAMES;
    const frames: SseFrame[] = [];
    let frameStart = 0;
    let lineStart = this.#settleReturn(chunk);
    if (this.#openReturn === 'frame-end') {
      frames.push(this.#frame(chunk, 0, lineStart));
      frameStart = lineStart;
    }
    this.#openReturn = 'none';
    // Searched for once where the stream has none, which is the usual case.
    let nextReturn = chunk.indexOf(CARRIAGE_RETURN, lineStart);
    let nextFeed = chunk.indexOf(LINE_FEED, lineStart);
    while (nextFeed !== -1 || nextReturn !== -1) {
      const isReturn = nextReturn !== -1 && (nextFeed === -1 || nextReturn < nextFeed);
      const lineEnd = isReturn ? nextReturn : nextFeed;
      const isBlank = lineEnd === lineStart && this.#lineIsEmpty;
      if (isReturn && lineEnd === length - 1) {
        this.#openReturn = isBlank ? 'frame-end' : 'line-end';
        this.#lineIsEmpty = true;
        lineStart = length;
        break;
      }
      lineStart = lineEnd + (isReturn && nextFeed === lineEnd + 1 ? 2 : 1);
      this.#lineIsEmpty = true;
      if (isBlank) {
        frames.push(this.#frame(chunk, frameStart, lineStart));
        frameStart = lineStart;
      }
      if (isReturn) nextReturn = chunk.indexOf(CARRIAGE_RETURN, lineStart);
      if (nextFeed < lineStart && nextFeed !== -1) nextFeed = chunk.indexOf(LINE_FEED, lineStart);
    }
    if (lineStart < length) this.#lineIsEmpty = false;
    this.#keep(chunk, frameStart);
    return frames;
  }

  /**
   * Ends the stream. Gives what came after the last blank line, if anything; a provider that forgets the last blank line is
   * understood in this way.
   */
  finish(): SseFrame | undefined {
    if (this.#restLength === 0) return undefined;
    this.#openReturn = 'none';
    this.#lineIsEmpty = true;
    return this.#frame(NO_BYTES, 0, 0);
  }

  /** Where the first line of this chunk starts: behind the LF of a CRLF that the chunk border cut in two. */
  #settleReturn(chunk: Uint8Array): number {
    return this.#openReturn !== 'none' && chunk[0] === LINE_FEED ? 1 : 0;
  }

  #frame(chunk: Uint8Array, start: number, end: number): SseFrame {
    const sizeBytes = this.#restLength + end - start;
    if (sizeBytes > this.#maxFrameBytes) throw this.#tooLong();
    let bytes = start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end);
    if (this.#restLength > 0) {
      const joined = new Uint8Array(sizeBytes);
      joined.set(this.#rest.subarray(0, this.#restLength));
      joined.set(bytes, this.#restLength);
      bytes = joined;
      this.#restLength = 0;
      if (this.#rest.length > KEPT_CAPACITY_BYTES) this.#rest = NO_BYTES;
    }
    const isFirst = this.#isFirst;
    this.#isFirst = false;
    return new LazyFrame(bytes, isFirst);
  }

  /** Copies the open frame's bytes into a buffer that doubles, so that many small chunks stay linear in time and memory. */
  #keep(chunk: Uint8Array, start: number): void {
    const sizeBytes = chunk.length - start;
    if (sizeBytes === 0) return;
    const needed = this.#restLength + sizeBytes;
    if (needed > this.#maxFrameBytes) throw this.#tooLong();
    if (needed > this.#rest.length) {
      const grown = new Uint8Array(Math.max(1024, needed * 2));
      grown.set(this.#rest.subarray(0, this.#restLength));
      this.#rest = grown;
    }
    this.#rest.set(start === 0 ? chunk : chunk.subarray(start), this.#restLength);
    this.#restLength = needed;
  }

  #tooLong(): FarthingError {
    return new FarthingError(
      'provider-broken',
      `the provider sent an event of more than ${this.#maxFrameBytes} bytes without an end`,
    );
  }
}

const BYTE_ORDER_MARK = '\uFEFF';

interface Fields {
  readonly event: string | undefined;
  readonly data: string | undefined;
}

class LazyFrame implements SseFrame {
  readonly bytes: Uint8Array;
  readonly #isFirst: boolean;
  #fields: Fields | undefined;

  constructor(bytes: Uint8Array, isFirst: boolean) {
    this.bytes = bytes;
    this.#isFirst = isFirst;
  }

  get event(): string | undefined {
    return this.#read().event;
  }

  get data(): string | undefined {
    return this.#read().data;
  }

  #read(): Fields {
    this.#fields ??= fieldsOf(this.#text());
    return this.#fields;
  }

  #text(): string {
    const text = decoder.decode(this.bytes);
    return this.#isFirst && text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
  }
}

function fieldsOf(text: string): Fields {
  // Nearly every frame of a real stream is one `data:` line, an empty line, and no CR.
  const firstEnd = text.indexOf('\n');
  if (firstEnd === text.length - 2 && text.startsWith('data:') && text.charCodeAt(firstEnd + 1) === LINE_FEED) {
    const value = text.slice(text.startsWith(' ', 5) ? 6 : 5, firstEnd);
    if (!value.includes('\r')) return { event: undefined, data: value };
  }
  let event: string | undefined;
  let data: string | undefined;
  for (const line of text.split(text.includes('\r') ? /\r\n|\n|\r/ : '\n')) {
    const colon = line.indexOf(':');
    if (line === '' || colon === 0) continue;
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(line.startsWith(' ', colon + 1) ? colon + 2 : colon + 1);
    if (name === 'data') data = data === undefined ? value : `${data}\n${value}`;
    else if (name === 'event') event = value;
  }
  return { event, data };
}
