import { extname } from 'node:path';
import { isObject } from '../../wire/request-guards.ts';

/** What the input of a run may be. @internal */
export const INPUT_FORMATS = ['requests', 'lines', 'csv'] as const;

/** `requests`: a JSON object a line, as providers' batches take them. `lines`: a prompt a line. `csv`: a record a line, for a template. @internal */
export type InputFormat = (typeof INPUT_FORMATS)[number];

/** Names under which each format is kept. */
const BY_EXTENSION: Readonly<Record<string, InputFormat>> = {
  '.csv': 'csv',
  '.jsonl': 'requests',
  '.ndjson': 'requests',
};

/**
 * What a file holds: by its extension; `.jsonl` files of bare strings, and all others, by their first line.
 * @param firstLine - the first one that is not empty.
 * @internal
 */
export function inputFormat(path: string, firstLine: string): InputFormat {
  const named = BY_EXTENSION[extname(path).toLowerCase()];
  if (named === 'csv') return named;
  const isRequest = looksLikeRequest(firstLine);
  // A file of requests whose first line is broken is still one: its faults are to be named, and not to be asked as prompts.
  return isRequest || (named === 'requests' && /^\s*[{[]/.test(firstLine)) ? 'requests' : 'lines';
}

function looksLikeRequest(line: string): boolean {
  if (!/^\s*\{/.test(line)) return false;
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) && (value['body'] !== undefined || value['params'] !== undefined);
  } catch {
    return /"custom_id"/.test(line);
  }
}
