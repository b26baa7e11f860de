import { writeSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';

/** For how long lines are gathered before they are made durable together, in milliseconds. Ours: with the disk's own time within 10. */
const GATHER_MS = 4;

interface Waiting {
  readonly offset: number;
  readonly resolve: (offset: number) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Appends lines to a file, many to one `fdatasync`. A line is handed to the system at once, which takes some microseconds: should this process be killed, it is there
 * all the same; the wait is for the disk.
 * @internal
 */
export class GroupCommit {
  readonly #handle: FileHandle;
  #end: number;
  #waiting: Waiting[] = [];
  #work: Promise<void> | undefined;
  /** A line may be there in part: what came behind it would stand in the middle of it. */
  #fault: { readonly cause: unknown } | undefined;

  /** @param end - where the file ends. */
  constructor(handle: FileHandle, end: number) {
    this.#handle = handle;
    this.#end = end;
  }

  /** Resolves with where the line begins, once it is durable. Rejects when it cannot be written, and from then on. */
  append(line: string): Promise<number> {
    const offset = this.#end;
    try {
      this.#write(Buffer.from(line));
    } catch (cause) {
      this.#fault ??= { cause };
      return Promise.reject(cause);
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ offset, resolve, reject });
      this.#work ??= this.#sync();
    });
  }

  /** Resolves when all is durable, or could not be made so. */
  async settled(): Promise<void> {
    await this.#work;
  }

  #write(bytes: Buffer): void {
    if (this.#fault !== undefined) throw this.#fault.cause;
    for (let written = 0; written < bytes.byteLength;) written += writeSync(this.#handle.fd, bytes, written);
    this.#end += bytes.byteLength;
  }

  async #sync(): Promise<void> {
    while (this.#waiting.length > 0) {
      // oxlint-disable-next-line no-await-in-loop -- what comes meanwhile goes along
      await new Promise((resolve) => void setTimeout(resolve, GATHER_MS));
      const waiting = this.#waiting;
      this.#waiting = [];
      try {
        // oxlint-disable-next-line no-await-in-loop
        await this.#handle.datasync();
        for (const { resolve, offset } of waiting) resolve(offset);
      } catch (cause) {
        this.#fault ??= { cause };
        for (const { reject } of waiting) reject(cause);
      }
    }
    this.#work = undefined;
  }
}
