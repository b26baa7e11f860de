import type { FileHandle } from 'node:fs/promises';

/** Bytes that are read at once: lines that follow each other come with one reading. */
const BLOCK_BYTES = 262_144;

const LINE_FEED = 10;

/** A line of a file and where it stands. */
interface PlacedLine {
  /** Without its line feed. */
  readonly line: string;
  readonly offset: number;
  /** Where the next one begins. */
  readonly nextOffset: number;
}

/** The whole lines of a file, from its beginning; what stands behind the last line feed is none. @internal */
export async function* journalLines(handle: FileHandle): AsyncGenerator<PlacedLine> {
  let rest: Buffer = Buffer.alloc(0);
  let restAt = 0;
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- one block after the other
    const block = await readBlock(handle, restAt + rest.byteLength);
    if (block.byteLength === 0) return;
    const bytes = rest.byteLength === 0 ? block : Buffer.concat([rest, block]);
    let from = 0;
    for (let at = bytes.indexOf(LINE_FEED); at >= 0; at = bytes.indexOf(LINE_FEED, from)) {
      const line = bytes.toString('utf8', from, at);
      yield { line, offset: restAt + from, nextOffset: restAt + at + 1 };
      from = at + 1;
    }
    restAt += from;
    rest = bytes.subarray(from);
  }
}

/** Reads single lines of a file. Those near each other come out of one reading. @internal */
export class JournalReader {
  readonly #handle: FileHandle;
  #block: Buffer = Buffer.alloc(0);
  #blockAt = 0;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** The line that begins there, without its line feed. */
  async lineAt(offset: number): Promise<string> {
    const held = this.#held(offset);
    if (held !== undefined) return held;
    let bytes: Buffer = Buffer.alloc(0);
    while (!bytes.includes(LINE_FEED)) {
      // oxlint-disable-next-line no-await-in-loop -- a line longer than a block takes several
      const block = await readBlock(this.#handle, offset + bytes.byteLength);
      if (block.byteLength === 0) break;
      bytes = bytes.byteLength === 0 ? block : Buffer.concat([bytes, block]);
    }
    [this.#block, this.#blockAt] = [bytes, offset];
    return this.#held(offset) ?? '';
  }

  #held(offset: number): string | undefined {
    const from = offset - this.#blockAt;
    if (from < 0 || from >= this.#block.byteLength) return undefined;
    const to = this.#block.indexOf(LINE_FEED, from);
    return to < 0 ? undefined : this.#block.toString('utf8', from, to);
  }
}

async function readBlock(handle: FileHandle, position: number): Promise<Buffer> {
  const { bytesRead, buffer } = await handle.read({ buffer: Buffer.alloc(BLOCK_BYTES), position });
  return buffer.subarray(0, bytesRead);
}
