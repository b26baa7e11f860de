import type { BatchRow } from '../../core/model/batch-reply.ts';
import { FarthingError } from '../../core/errors.ts';
import type { ResultLine } from '../../wire/batch/result-line.ts';
import { replyLines } from './reply-lines.ts';

/** Where the lines of a batch's results come from. @internal */
export interface ResultFile {
  /** Its name in messages. */
  readonly name: string;
  readonly open: () => Promise<AsyncIterable<Uint8Array>>;
}

/** Bytes of one line: what a live reply may have (engine, `DEFAULT_MAX_REPLY_BYTES`). */
const MAX_LINE_BYTES = 128 * 1024 * 1024;

/**
 * The rows of a batch's results, file after file, each custom id once: the first row counts. What cannot be read is passed over, so that no other row suffers
 * from it, and told at the end.
 * @throws FarthingError `provider-failed` with status 502, once all rows are given, when lines could not be read.
 * @internal
 */
export async function* resultRows(
  files: readonly ResultFile[],
  read: (line: Uint8Array) => ResultLine,
  maxLineBytes: number = MAX_LINE_BYTES,
): AsyncGenerator<BatchRow> {
  const given = new Set<string>();
  const faults = new LineFaults();
  for (const { name, open } of files) {
    let number = 0;
    // oxlint-disable-next-line no-await-in-loop -- a file is asked for when the one before has been read
    for await (const line of replyLines(await open(), maxLineBytes)) {
      number += 1;
      if (line.kind === 'too-long') {
        faults.add(name, number, `is longer than ${maxLineBytes} bytes`);
        continue;
      }
      if (isBlank(line.bytes)) continue;
      const row = read(line.bytes);
      if (row.kind === 'unreadable') {
        faults.add(name, number, row.fault);
      } else if (!given.has(row.customId)) {
        given.add(row.customId);
        yield row;
      }
    }
  }
  faults.throwIfAny();
}

/** Counts what could not be read and keeps the first of it. */
class LineFaults {
  #first = '';
  #count = 0;

  add(name: string, number: number, fault: string): void {
    if (this.#count === 0) this.#first = `line ${number} of ${name} ${fault}`;
    this.#count += 1;
  }

  throwIfAny(): void {
    if (this.#count === 0) return;
    const more = this.#count === 1 ? '' : `, and ${this.#count - 1} more cannot be read`;
    throw new FarthingError('provider-failed', `${this.#first}${more}`, { status: 502 });
  }
}

const CARRIAGE_RETURN = 13;

function isBlank(line: Uint8Array): boolean {
  return line.length === 0 || (line.length === 1 && line[0] === CARRIAGE_RETURN);
}
