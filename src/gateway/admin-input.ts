import { FarthingError } from '../core/errors.ts';
import type { CallLimits } from '../core/limit/call-limits.ts';
import { type CallPriority, isCallPriority } from '../core/model/call-priority.ts';

/** What a request says, by name. @internal */
export type Fields = Readonly<Record<string, unknown>>;

const NAME = /^[\p{L}\p{N}][\p{L}\p{N} ._:@/-]{0,127}$/u;
const TAG_NAME = /^[a-z][a-z0-9_.-]{0,127}$/;
const MAX_LIST = 256;
const LIMIT_FIELDS = ['maxConcurrent', 'requestsPerMinute', 'tokensPerMinute'] as const;
const MAX_LIMIT = 1_000_000_000;

/**
 * Takes a JSON object and nothing it does not know.
 * @throws FarthingError `invalid-request` that names the field, as do all functions here.
 * @internal
 */
export function fieldsOf(value: unknown, known: readonly string[]): Fields {
  if (!isObject(value)) throw fault('body', 'must be an object');
  for (const name of Object.keys(value)) {
    if (!known.includes(name)) throw fault(name, `is not known here; known are ${known.join(', ')}`);
  }
  return value;
}

/** A name: letters, digits and a few signs, at most 128 characters. @internal */
export function nameField(fields: Fields, field: string): string | undefined {
  const value = fields[field];
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || !NAME.test(value)) throw fault(field, 'must be a name of 1 to 128 characters');
  return value;
}

/** A name that must be there. @internal */
export function requiredName(fields: Fields, field: string): string {
  const value = nameField(fields, field);
  if (value === undefined) throw fault(field, 'is missing');
  return value;
}

/** A whole number within bounds; digits are read too, for query strings. @internal */
export function integerField(fields: Fields, field: string, minimum: number, maximum: number): number | undefined {
  const value = fields[field];
  if (value === undefined) return undefined;
  const number = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < minimum || number > maximum) {
    throw fault(field, `must be a whole number from ${minimum} to ${maximum}`);
  }
  return number;
}

/** A moment: Unix milliseconds, or a date as in `2026-11-23` or `2026-11-23T12:00:00Z`. @internal */
export function momentField(fields: Fields, field: string): number | undefined {
  const value = fields[field];
  if (typeof value === 'string' && /^\d{4}-\d{2}-\d{2}(?:T[\d:.]+Z)?$/.test(value)) {
    const atMs = Date.parse(value);
    if (!Number.isNaN(atMs)) return atMs;
  }
  return integerField(fields, field, 0, Number.MAX_SAFE_INTEGER);
}

/** A list of names of models, at most 256. @internal */
export function modelsField(fields: Fields, field: string): readonly string[] | undefined {
  return listField(fields, field, (item) => item.length <= 256 && /^[!-~]+$/.test(item));
}

/** A list of tag names, at most 256. @internal */
export function tagNamesField(fields: Fields, field: string): readonly string[] | undefined {
  return listField(fields, field, (item) => TAG_NAME.test(item));
}

/** Tags with their values. @internal */
export function tagsField(fields: Fields, field: string): Readonly<Record<string, string>> | undefined {
  const value = fields[field];
  if (value === undefined) return undefined;
  if (!isObject(value)) throw fault(field, 'must be an object');
  const tags: Record<string, string> = {};
  for (const [name, text] of Object.entries(value)) {
    if (!TAG_NAME.test(name) || typeof text !== 'string' || text === '' || text.length > 128) {
      throw fault(field, 'has lower-case names and values of 1 to 128 characters');
    }
    tags[name] = text;
  }
  return tags;
}

/** Limits of a key. One that is left out or null does not bound; undefined when none does. @internal */
export function limitsField(fields: Fields, field: string): CallLimits | undefined {
  const value = fields[field];
  if (value === undefined || value === null) return undefined;
  if (!isObject(value)) throw fault(field, 'must be an object');
  const limits: Record<string, number> = {};
  for (const name of Object.keys(value)) {
    if (!LIMIT_FIELDS.some((known) => known === name)) {
      throw fault(`${field}.${name}`, `is not known here; known are ${LIMIT_FIELDS.join(', ')}`);
    }
    const number = value[name] === null ? undefined : value[name];
    if (number === undefined) continue;
    if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 1 || number > MAX_LIMIT) {
      throw fault(`${field}.${name}`, `must be a whole number from 1 to ${MAX_LIMIT}`);
    }
    limits[name] = number;
  }
  return Object.keys(limits).length === 0 ? undefined : limits;
}

/** A priority. @internal */
export function priorityField(fields: Fields, field: string): CallPriority | undefined {
  const value = fields[field];
  if (value === undefined || (typeof value === 'string' && isCallPriority(value))) return value;
  throw fault(field, 'is interactive or batch');
}

function listField(fields: Fields, field: string, isItem: (item: string) => boolean): readonly string[] | undefined {
  const value = fields[field];
  if (value === undefined) return undefined;
  const items: readonly unknown[] = Array.isArray(value) ? value : [undefined];
  const isName = (item: unknown): item is string => typeof item === 'string' && isItem(item);
  if (items.length <= MAX_LIST && items.every(isName)) return items;
  throw fault(field, `must be a list of at most ${MAX_LIST} names`);
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A refusal that names the field at fault. @internal */
export function fault(field: string, what: string): FarthingError {
  return new FarthingError('invalid-request', `${field} ${what}`, { param: field });
}
