import { type FileHandle, open, writeFile } from 'node:fs/promises';
import { isObject } from '../../wire/request-guards.ts';

/** Stands where a live run has its journal: a run by batches is kept with the data, and this says which it is. @internal */
export interface BatchMarker {
  /** Of this run alone, so that a fresh run over the same file is another one. */
  readonly id: string;
  readonly run: string;
}

/** Says what the file is, and in which form. */
const FORMAT = 'farthing-batch-run-1';
/** A mark is short; the journal of a live run, which may stand there, may hold a million answers. */
const MAX_MARKER_BYTES = 1024;

/** Reads the mark of a run by batches. `other`: something else stands there, such as the journal of a live run; undefined: there is nothing. @internal */
export async function readMarker(path: string): Promise<BatchMarker | 'other' | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAX_MARKER_BYTES), 0, MAX_MARKER_BYTES, 0);
    return markerIn(buffer.toString('utf8', 0, bytesRead));
  } finally {
    await handle.close();
  }
}

/** Leaves the mark. @internal */
export async function writeMarker(path: string, { id, run }: BatchMarker): Promise<void> {
  await writeFile(path, `${JSON.stringify({ format: FORMAT, id, run })}\n`, { mode: 0o600, flush: true });
}

function markerIn(text: string): BatchMarker | 'other' {
  let fields: unknown;
  try {
    fields = JSON.parse(text);
  } catch {
    return 'other';
  }
  const { format, id, run } = isObject(fields) ? fields : {};
  return format === FORMAT && typeof id === 'string' && typeof run === 'string' ? { id, run } : 'other';
}
