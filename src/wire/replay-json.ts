import { objectOf } from './reply-fields.ts';
import type { Fields } from './usage-count.ts';

/** Sixteen digits in a row: only then may a number be past 2^53. */
const LONG_DIGITS = /\d{16}/;
const WHOLE_NUMBER = /^-?\d+$/;

/** What Node 22 and later have (ES2026) and the types do not know yet. */
interface ExactJson {
  readonly parse: (text: string, reviver: ExactReviver) => unknown;
  readonly rawJSON: (text: string) => unknown;
}

type ExactReviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;

/**
 * Parses a JSON object so that writing it again gives the same numbers: whole numbers past 2^53 (ids in tool arguments) are kept as they
 * are written.
 * @returns undefined when the text is not a JSON object.
 * @internal
 */
export function parseExactly(text: string): Fields | undefined {
  try {
    const json: unknown = JSON;
    if (!LONG_DIGITS.test(text) || !isExact(json)) return objectOf(JSON.parse(text));
    const { rawJSON } = json;
    return objectOf(json.parse(text, (_key, value, { source }) => (isLossy(value, source) ? rawJSON(source) : value)));
  } catch {
    return undefined;
  }
}

function isExact(json: unknown): json is ExactJson {
  return typeof json === 'object' && json !== null && 'rawJSON' in json;
}

function isLossy(value: unknown, source: string | undefined): source is string {
  return typeof value === 'number' && source !== undefined && !Number.isSafeInteger(value) && WHOLE_NUMBER.test(source);
}

/** Whether a value that {@link parseExactly} gave is a number kept as it was written: those objects alone are frozen. @internal */
export function isExactNumber(value: unknown): boolean {
  return typeof value === 'object' && Object.isFrozen(value);
}

/** An object without a prototype: a field that a provider calls `__proto__` is a field like any other. @internal */
export function emptyFields(): Record<string, unknown> {
  const fields: Record<string, unknown> = Object.create(null);
  return fields;
}

/** A copy of an object's own fields, without a prototype. @internal */
export function copyFields(fields: Fields): Record<string, unknown> {
  return Object.assign(emptyFields(), fields);
}
