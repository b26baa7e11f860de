import { type FileHandle, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Writable } from 'node:stream';
import { FarthingError } from '../../core/errors.ts';

/** Where the results of a run go, a line each. @internal */
export interface ResultsSink {
  /** Resolves when there is room for more. */
  write(line: string): Promise<void>;
  /** All results are there. */
  finish(): Promise<void>;
  /** Keeps what is there so far, under its preliminary name. */
  leave(): Promise<void>;
}

/** Lines are gathered up to so many characters: a system call for each would be most of the work. */
const GATHERED_CHARS = 65_536;

/** Where results stand until they are whole. @internal */
export function partialPath(path: string): string {
  return `${path}.partial`;
}

/**
 * A file of results that is there whole or not at all: it is written beside under {@link partialPath}, made durable, and renamed.
 * @throws the system's error where it cannot be written.
 * @internal
 */
export async function openResultsFile(path: string): Promise<ResultsSink> {
  const handle = await open(partialPath(path), 'w', 0o600);
  const lines = new GatheredLines((text) => handle.appendFile(text).catch(cannotWrite(partialPath(path))));
  return {
    write: (line) => lines.write(line),
    finish: async () => {
      await lines.flush();
      await handle.sync().catch(cannotWrite(partialPath(path)));
      await handle.close();
      await rename(partialPath(path), path);
      await syncFolder(dirname(path));
    },
    leave: async () => {
      try {
        await lines.flush();
      } finally {
        await handle.close();
      }
    },
  };
}

/** Results on standard output. Listens to its errors: a reader that leaves is told to whoever writes, by a rejection. @internal */
export function standardResults(output: Writable): ResultsSink {
  output.on('error', ignoredHere);
  const lines = new GatheredLines((text) => written(output, text).catch(cannotWrite('standard output')));
  return { write: (line) => lines.write(line), finish: () => lines.flush(), leave: () => lines.flush() };
}

function written(output: Writable, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    output.write(text, (error) => (error === null || error === undefined ? resolve() : reject(error)));
  });
}

function ignoredHere(): void {
  // Each write has told it.
}

function cannotWrite(what: string): (cause: unknown) => never {
  return (cause) => {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
    const reason = code === 'EPIPE' ? 'whoever read it has left' : code;
    throw new FarthingError('store-unavailable', `results cannot be written to ${what} (${reason})`, { cause });
  };
}

/** Without it a power cut may forget the new name. Not all systems let folders be opened. */
async function syncFolder(folder: string): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(folder, 'r');
    await handle.sync();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== 'EISDIR' && code !== 'EPERM' && code !== 'EINVAL' && code !== 'EACCES') throw error;
  } finally {
    await handle?.close();
  }
}

class GatheredLines {
  readonly #put: (text: string) => Promise<void>;
  #gathered = '';

  constructor(put: (text: string) => Promise<void>) {
    this.#put = put;
  }

  async write(line: string): Promise<void> {
    this.#gathered += `${line}\n`;
    if (this.#gathered.length >= GATHERED_CHARS) await this.flush();
  }

  async flush(): Promise<void> {
    const text = this.#gathered;
    this.#gathered = '';
    if (text !== '') await this.#put(text);
  }
}
