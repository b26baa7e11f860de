import { FarthingError } from '../../core/errors.ts';
import type { CallRecord } from '../../core/model/charge.ts';
import type { Clock } from '../../ports/clock.ts';
import { CallLogFiles } from './call-log-files.ts';
import { type CallBodies, callLogLine } from './call-log-line.ts';

/** Settings of {@link CallLog}. @public */
export interface CallLogOptions {
  /** Folder of the log; made with mode 0700 when it is not there. */
  readonly folder: string;
  readonly clock: Clock;
  /** A new file begins past this size, in bytes. @defaultValue 100_000_000 */
  readonly maxFileBytes?: number;
  /** Files that were not written for this long are deleted, in milliseconds. @defaultValue 2_592_000_000 (30 days) */
  readonly retentionMs?: number;
  /** The oldest files are deleted while all but the current one are larger than this, in bytes. @defaultValue 1_000_000_000 */
  readonly maxTotalBytes?: number;
  /**
   * How much may wait for a slow or broken disk, in characters; past it new lines are dropped and counted, because a
   * log must not stop calls nor fill the memory. @defaultValue 16_000_000
   */
  readonly maxBufferChars?: number;
  /** Told of every write that failed. @defaultValue nobody */
  readonly onFault?: (error: FarthingError) => void;
}

/** For how long lines are gathered before they are written: few system calls, and little lost by a crash. */
const GATHER_MS = 100;
/** Lines go out in chunks of about this many characters, so that files end near their limit. */
const CHUNK_CHARS = 1_000_000;

/**
 * The opt-in log of calls: one line of JSON for each, in a documented format (docs/call-log.md). It is a log, not the
 * ledger: a crash may lose the last moment of it.
 * @public
 */
export class CallLog {
  readonly #files: CallLogFiles;
  readonly #options: CallLogOptions;
  readonly #maxBufferChars: number;
  #waiting: string[] = [];
  #waitingChars = 0;
  #dropped = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(options: CallLogOptions) {
    this.#options = options;
    this.#maxBufferChars = options.maxBufferChars ?? 16_000_000;
    this.#files = new CallLogFiles({
      folder: options.folder,
      maxFileBytes: options.maxFileBytes ?? 100_000_000,
      retentionMs: options.retentionMs ?? 30 * 86_400_000,
      maxTotalBytes: options.maxTotalBytes ?? 1_000_000_000,
    });
  }

  /** Lines that were dropped because the disk was too far behind, since the log was opened. */
  get droppedLines(): number {
    return this.#dropped;
  }

  /** Takes a call. Never waits and never throws. */
  append(record: CallRecord, bodies?: CallBodies): void {
    const line = callLogLine(record, bodies);
    if (this.#isClosed || this.#waitingChars + line.length > this.#maxBufferChars) {
      this.#dropped += 1;
      return;
    }
    this.#waiting.push(line);
    this.#waitingChars += line.length;
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.flush().catch(() => undefined); // reported through onFault
    }, GATHER_MS);
    this.#timer.unref();
  }

  /**
   * Resolves when every line handed over so far is written.
   * @throws FarthingError `store-unavailable`; the lines are kept and tried again with the next ones.
   */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const written = this.#writing.then(() => this.#writeWaiting());
    this.#writing = written.catch(() => undefined); // the next flush tries again
    return written;
  }

  /** Writes what is left and closes the file. */
  async close(): Promise<void> {
    this.#isClosed = true;
    try {
      await this.flush();
    } finally {
      await this.#files.close();
    }
  }

  async #writeWaiting(): Promise<void> {
    while (this.#waiting.length > 0) {
      let count = 0;
      let chars = 0;
      while (count < this.#waiting.length && (count === 0 || chars < CHUNK_CHARS)) {
        chars += this.#waiting[count]?.length ?? 0;
        count += 1;
      }
      // oxlint-disable-next-line no-await-in-loop -- chunks go to one file in order
      await this.#writeChunk(this.#waiting.slice(0, count));
      this.#waiting = this.#waiting.slice(count);
      this.#waitingChars -= chars;
    }
  }

  async #writeChunk(lines: readonly string[]): Promise<void> {
    try {
      await this.#files.write(Buffer.from(lines.join('')), this.#options.clock.nowMs());
    } catch (cause) {
      const error = new FarthingError('store-unavailable', 'the call log cannot be written', {
        cause,
        retryable: true,
      });
      this.#options.onFault?.(error);
      throw error;
    }
  }
}
