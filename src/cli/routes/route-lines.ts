import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { FarthingError } from '../../core/errors.ts';

/** A line with its number, from 1. @internal */
export interface NumberedLine {
  readonly number: number;
  readonly text: string;
}

/**
 * Reads a file line by line; one that ends in `.gz` is unpacked on the way. Empty lines are left out.
 * @throws FarthingError `configuration` where the file cannot be read or unpacked.
 * @internal
 */
export async function* routeLines(path: string): AsyncIterable<NumberedLine> {
  const file = createReadStream(path);
  const source: Readable = path.endsWith('.gz') ? file.pipe(createGunzip()) : file;
  // A fault of the file does not pass through the pipe by itself.
  file.on('error', (error) => source.destroy(error));
  let fault: Error | undefined;
  source.on('error', (error) => (fault = error));
  let number = 0;
  try {
    for await (const text of createInterface({ input: source, crlfDelay: Infinity })) {
      number += 1;
      if (text.trim() !== '') yield { number, text };
    }
  } catch (cause) {
    throw unreadable(path, cause);
  } finally {
    file.destroy();
  }
  if (fault !== undefined) throw unreadable(path, fault);
}

function unreadable(path: string, cause: unknown): FarthingError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unreadable';
  const reasons: Readonly<Record<string, string>> = { ENOENT: 'there is no such file', EISDIR: 'is a folder' };
  return new FarthingError('configuration', `${path}: ${reasons[code] ?? `cannot be read (${code})`}`, { cause });
}
