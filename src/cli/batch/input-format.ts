import { extname } from 'node:path';
import { isObject } from '../../wire/request-guards.ts';

/** What the input of a run may be. @internal */
export const INPUT_FORMATS = ['requests', 'prompts', 'lines', 'csv'] as const;

/** `requests`: a JSON object a line, as providers' batches take them. `prompts`: a prompt a line as JSON, a text or `{"prompt"}`. `lines`: a prompt a line, as it stands. `csv`: a record a line, for a template. @internal */
export type InputFormat = (typeof INPUT_FORMATS)[number];

/** Names under which each format is kept. */
const BY_EXTENSION: Readonly<Record<string, InputFormat>> = {
  '.csv': 'csv',
  '.jsonl': 'requests',
  '.ndjson': 'requests',
};

/**
 * What a file holds: by its extension and its first line.
 * @param firstLine - the first one that is not empty.
 * @internal
 */
export function inputFormat(path: string, firstLine: string): InputFormat {
  const named = BY_EXTENSION[extname(path).toLowerCase()];
  if (named === 'csv') return named;
  const seen = jsonFormat(firstLine);
  if (seen === 'requests' || named === undefined) return seen === 'requests' ? seen : 'lines';
  // A file of JSON whose first line is broken is still one: its faults are to be named, and not to be asked as prompts.
  return seen ?? (/^\s*[{[]/.test(firstLine) ? 'requests' : 'lines');
}

/** What a line of JSON says of its file; undefined: nothing. */
function jsonFormat(line: string): 'requests' | 'prompts' | undefined {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'string') return 'prompts';
    if (!isObject(value)) return undefined;
    if (value['body'] !== undefined || value['params'] !== undefined) return 'requests';
    return typeof value['prompt'] === 'string' && value['custom_id'] === undefined ? 'prompts' : undefined;
  } catch {
    return /^\s*\{.*"custom_id"/.test(line) ? 'requests' : undefined;
  }
}
