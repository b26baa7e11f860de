import { appendFile, mkdir, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { EventSink } from '../ports/event-sink.ts';
import type { AnswerTokens } from './answer-tokens.ts';

/** A judged pair, as `farthing routes train` and `farthing replay` read it. @internal */
export interface JudgedLine {
  /** The call's id. */
  readonly id: string;
  /** What a score would read. */
  readonly prompt: string;
  /** By `provider/model`; quality is 0 to 1. */
  readonly models: Readonly<Record<string, { readonly quality: number } & Partial<AnswerTokens>>>;
}

/** Settings of {@link JudgedLog}. @internal */
export interface JudgedLogOptions {
  readonly path: string;
  readonly events: EventSink;
  /** Past it the file becomes `<path>.1` in the place of an older one, and a new one begins. @defaultValue 67_108_864 (64 MiB, about 30,000 pairs) */
  readonly maxFileBytes?: number;
}

const MAX_FILE_BYTES = 64 * 1024 * 1024;

/** Lines that wait for a slow disk; more are dropped. */
const MAX_WAITING = 1000;

/**
 * Writes judged pairs to a file, with prompts: for operators who want to train a score. A file that cannot be written is told as `store-failed` and
 * harms nobody.
 * @internal
 */
export class JudgedLog {
  readonly #options: JudgedLogOptions;
  #waiting = 0;
  #work: Promise<void> = Promise.resolve();

  constructor(options: JudgedLogOptions) {
    this.#options = options;
  }

  /** Takes a pair; returns at once. */
  append(line: JudgedLine): void {
    if (this.#waiting >= MAX_WAITING) return this.#fault(new Error('too many judged pairs wait: one is dropped'));
    this.#waiting += 1;
    this.#work = this.#work
      .then(() => this.#write(`${JSON.stringify(line)}\n`))
      .catch((error: unknown) => this.#fault(error))
      .finally(() => (this.#waiting -= 1));
  }

  /** Resolves when all that was taken is written, or could not be. */
  close(): Promise<void> {
    return this.#work;
  }

  async #write(text: string): Promise<void> {
    const { path, maxFileBytes = MAX_FILE_BYTES } = this.#options;
    const sizeBytes = await sizeOf(path);
    if (sizeBytes === undefined) await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    else if (sizeBytes > 0 && sizeBytes + Buffer.byteLength(text) > maxFileBytes) await rename(path, `${path}.1`);
    // One appending write of a whole line: several processes may write one file.
    await appendFile(path, text, { mode: 0o600 });
  }

  #fault(error: unknown): void {
    this.#options.events.emit({ kind: 'store-failed', store: 'judged-log', operation: 'write', error });
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
