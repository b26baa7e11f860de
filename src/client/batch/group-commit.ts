import type { FileHandle } from 'node:fs/promises';

/** For how long lines are gathered before they are written and made durable together, in milliseconds. Ours: with the disk's own time within 10. */
const GATHER_MS = 4;

interface Waiting {
  readonly offset: number;
  readonly resolve: (offset: number) => void;
  readonly reject: (error: unknown) => void;
}

/** Appends lines to a file, many to one `fdatasync`. @internal */
export class GroupCommit {
  readonly #handle: FileHandle;
  #end: number;
  #lines: string[] = [];
  #waiting: Waiting[] = [];
  #work: Promise<void> | undefined;

  /** @param end - where the file ends. */
  constructor(handle: FileHandle, end: number) {
    this.#handle = handle;
    this.#end = end;
  }

  /** Resolves with where the line begins, once it is durable. Rejects when it cannot be written. */
  append(line: string): Promise<number> {
    const offset = this.#end;
    this.#end += Buffer.byteLength(line);
    this.#lines.push(line);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ offset, resolve, reject });
      this.#work ??= this.#write();
    });
  }

  /** Resolves when all is durable, or could not be made so. */
  async settled(): Promise<void> {
    await this.#work;
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      // oxlint-disable-next-line no-await-in-loop -- what comes meanwhile goes along
      await new Promise((resolve) => void setTimeout(resolve, GATHER_MS));
      const [lines, waiting] = [this.#lines, this.#waiting];
      [this.#lines, this.#waiting] = [[], []];
      try {
        // oxlint-disable-next-line no-await-in-loop
        await this.#handle.appendFile(lines.join(''));
        // oxlint-disable-next-line no-await-in-loop
        await this.#handle.datasync();
        for (const { resolve, offset } of waiting) resolve(offset);
      } catch (error) {
        for (const { reject } of waiting) reject(error);
      }
    }
    this.#work = undefined;
  }
}
