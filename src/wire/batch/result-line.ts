import { memberRange } from '../replay-json-range.ts';
import { isObject, type JsonObject } from '../request-guards.ts';
import type { BatchRow } from '../../core/model/batch-reply.ts';

/** A line of results that tells no row: nobody knows whose it is. @internal */
export interface UnreadableLine {
  readonly kind: 'unreadable';
  /** What is wrong with it, to stand behind "the line". Holds nothing of the line. */
  readonly fault: string;
}

/** What a line of results says. @internal */
export type ResultLine = BatchRow | UnreadableLine;

/** A line of results with its custom id. @internal */
export interface IdentifiedLine {
  readonly kind: 'identified';
  readonly customId: string;
  readonly fields: JsonObject;
}

const decoder = new TextDecoder();

/** Reads what both protocols' lines have in common. @internal */
export function identifiedLine(line: Uint8Array): IdentifiedLine | UnreadableLine {
  let fields: unknown;
  try {
    fields = JSON.parse(decoder.decode(line));
  } catch {
    return { kind: 'unreadable', fault: 'is not JSON' };
  }
  if (!isObject(fields)) return { kind: 'unreadable', fault: 'is not a JSON object' };
  const customId = fields['custom_id'];
  if (typeof customId !== 'string' || customId === '') return { kind: 'unreadable', fault: 'has no custom_id' };
  return { kind: 'identified', customId, fields };
}

/**
 * The text of a value inside a line, as the provider wrote it: a number with more digits than a double holds stays what it is.
 * @param line - Sound JSON.
 * @param value - What it parses to; written anew where a key on the way to it is spelled with escapes.
 * @internal
 */
export function textAt(line: Uint8Array, path: readonly string[], value: unknown): string {
  let at = 0;
  let end = line.length;
  for (const key of path) {
    const range = memberRange(line, at, key);
    if (range === undefined) return JSON.stringify(value);
    [at, end] = range;
  }
  return decoder.decode(line.subarray(at, end));
}
