import { createReadStream } from 'node:fs';
import { FarthingError } from '../../core/errors.ts';

/** A line of a file with its number, from 1: its text without its end, or why it cannot be read. @internal */
export type FileLine =
  | { readonly number: number; readonly text: string }
  | { readonly number: number; readonly problem: string };

/** A line may be as large as the largest file that a provider takes for a batch (OpenAI 200 MB), less would refuse what it allows; more could not be sent. */
export const MAX_LINE_BYTES = 200_000_000;

const LINE_FEED = 0x0a;
const READ_BYTES = 262_144;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads a file line by line in flat memory. A line ends at its line feed; a carriage return before that stays, since it may be part of a field.
 * @throws FarthingError `configuration` where the file cannot be read.
 * @internal
 */
export async function* fileLines(path: string): AsyncGenerator<FileLine> {
  const file = createReadStream(path, { highWaterMark: READ_BYTES });
  try {
    yield* linesOf(file as AsyncIterable<Uint8Array>);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined;
    if (code === undefined) throw cause;
    const reasons: Readonly<Record<string, string>> = { ENOENT: 'there is no such file', EISDIR: 'is a folder' };
    throw new FarthingError('configuration', `${path}: ${reasons[code] ?? `cannot be read (${code})`}`, { cause });
  } finally {
    file.destroy();
  }
}

/** The lines of bytes; the last one need not have an end. @internal */
export async function* linesOf(
  chunks: AsyncIterable<Uint8Array>,
  maxLineBytes: number = MAX_LINE_BYTES,
): AsyncGenerator<FileLine> {
  const open = new OpenLine(maxLineBytes);
  let number = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
      number += 1;
      yield { number, ...open.close(chunk.subarray(start, end)) };
      start = end + 1;
    }
    open.add(chunk.subarray(start));
  }
  if (!open.isEmpty()) yield { number: number + 1, ...open.close(new Uint8Array()) };
}

/** The pieces of a line whose end has not come yet. */
class OpenLine {
  readonly #maxBytes: number;
  #pieces: Uint8Array[] = [];
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  isEmpty(): boolean {
    return this.#bytes === 0;
  }

  add(piece: Uint8Array): void {
    this.#bytes += piece.length;
    // What is too long is only counted.
    if (this.#bytes > this.#maxBytes) this.#pieces = [];
    else if (piece.length > 0) this.#pieces.push(piece);
  }

  close(last: Uint8Array): { readonly text: string } | { readonly problem: string } {
    this.add(last);
    const pieces = this.#pieces;
    const isTooLong = this.#bytes > this.#maxBytes;
    this.#pieces = [];
    this.#bytes = 0;
    if (isTooLong) return { problem: `is longer than ${this.#maxBytes / 1e6} MB` };
    try {
      return { text: utf8.decode(pieces.length === 1 ? pieces[0] : Buffer.concat(pieces)) };
    } catch {
      return { problem: 'is not valid UTF-8' };
    }
  }
}

/** A line's text without the carriage return of Windows. @internal */
export function withoutReturn(text: string): string {
  return text.endsWith('\r') ? text.slice(0, -1) : text;
}
