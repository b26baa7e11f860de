import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { FarthingError } from '../../core/errors.ts';
import type { OutcomeRow } from '../../core/replay/outcome-row.ts';
import { type LineFault, outcomeTable } from '../../core/replay/outcome-table.ts';
import type { DropReason } from '../../core/replay/read-outcome-row.ts';
import { STANDARD_INPUT } from '../token-input.ts';

/** A line that cannot be used, and where it stands. */
interface FileFault extends LineFault {
  readonly file: string;
}

/** What was read from files of outcomes, as if they were one. @internal */
export interface OutcomeFiles {
  readonly rows: readonly OutcomeRow[];
  readonly faults: readonly FileFault[];
  readonly dropped: ReadonlyMap<DropReason, number>;
}

/** Unpacked; a string can hold no more than some 536 million characters. */
const MAX_FILE_BYTES = 500_000_000;
const GZIP_MAGIC = [0x1f, 0x8b];

/**
 * Reads files of outcomes one after the other, packed by gzip or not. Rows without a domain have that of their file where there are several.
 * @throws FarthingError `configuration` where a file cannot be read or is no text.
 * @internal
 */
export async function readOutcomeFiles(
  paths: readonly string[],
  stdin: AsyncIterable<Uint8Array>,
): Promise<OutcomeFiles> {
  const rows: OutcomeRow[] = [];
  const faults: FileFault[] = [];
  const dropped = new Map<DropReason, number>();
  for (const path of paths) {
    // oxlint-disable-next-line no-await-in-loop -- one file after the other, so that only one is in memory
    const table = outcomeTable(linesOf(textOf(path, await bytesOf(path, stdin))));
    const domain = paths.length > 1 ? basename(path).split('.')[0] : undefined;
    for (const row of table.rows) rows.push(row.domain === undefined ? { ...row, domain } : row);
    for (const fault of table.faults) faults.push({ file: path, ...fault });
    for (const [reason, count] of table.dropped) dropped.set(reason, (dropped.get(reason) ?? 0) + count);
  }
  return { rows, faults, dropped };
}

async function bytesOf(path: string, stdin: AsyncIterable<Uint8Array>): Promise<Buffer> {
  if (path === STANDARD_INPUT) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of stdin) chunks.push(chunk);
    return Buffer.concat(chunks);
  }
  try {
    return await readFile(path);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unreadable';
    const reasons: Readonly<Record<string, string>> = { ENOENT: 'there is no such file', EISDIR: 'is a folder' };
    throw new FarthingError('configuration', `${path}: ${reasons[code] ?? `cannot be read (${code})`}`, { cause });
  }
}

function textOf(path: string, bytes: Buffer): string {
  try {
    const plain = unpacked(bytes);
    if (plain.byteLength <= MAX_FILE_BYTES) return new TextDecoder('utf-8', { fatal: true }).decode(plain);
  } catch (cause) {
    if (!isTooLarge(cause))
      throw new FarthingError('configuration', `${path}: is neither a text in UTF-8 nor one packed by gzip`, { cause });
  }
  throw new FarthingError('configuration', `${path}: is larger than ${MAX_FILE_BYTES / 1e6} MB; cut it into several`);
}

/** How zlib says that there is more than it may unpack. */
function isTooLarge(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE';
}

function unpacked(bytes: Buffer): Uint8Array {
  const isPacked = GZIP_MAGIC.every((byte, index) => bytes[index] === byte);
  return isPacked ? gunzipSync(bytes, { maxOutputLength: MAX_FILE_BYTES }) : bytes;
}

/** Line by line, so that a large text is not held twice. */
function* linesOf(text: string): Iterable<string> {
  let start = 0;
  while (start < text.length) {
    const end = text.indexOf('\n', start);
    yield text.slice(start, end === -1 ? text.length : end);
    start = end === -1 ? text.length : end + 1;
  }
}
