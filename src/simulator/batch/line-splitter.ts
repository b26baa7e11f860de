import { keptBytes } from './kept-bytes.ts';

const LINE_FEED = 10;

/**
 * Cuts bytes into lines as they come, keeping a copy of each line and nothing else. The lines joined by line feeds are the bytes again: what
 * ends with a line feed has an empty last line.
 * @internal
 */
export class LineSplitter {
  readonly #lines: Buffer[] = [];
  #open: Uint8Array[] = [];

  push(bytes: Uint8Array): void {
    let start = 0;
    for (let end = bytes.indexOf(LINE_FEED); end !== -1; end = bytes.indexOf(LINE_FEED, start)) {
      this.#close(bytes.subarray(start, end));
      start = end + 1;
    }
    // A copy, since the caller may use its memory again.
    if (start < bytes.byteLength) this.#open.push(Buffer.from(bytes.subarray(start)));
  }

  end(): readonly Buffer[] {
    this.#close(Buffer.alloc(0));
    return this.#lines;
  }

  #close(rest: Uint8Array): void {
    this.#lines.push(keptBytes([...this.#open, rest]));
    this.#open = [];
  }
}
