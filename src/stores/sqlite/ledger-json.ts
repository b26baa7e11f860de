import { FarthingError } from '../../core/errors.ts';
import type { Tags } from '../../core/model/caller.ts';
import { type Usage, USAGE_BUCKETS, usageOf } from '../../core/model/usage.ts';

/** What stands for an absent or empty value inside a tuple: one byte. */
export type Absent = 0;

/** JSON of values by position: half the bytes of JSON with names, and nothing is copied before it is written. @internal */
export type Tuple = readonly unknown[];

const COUNTS = ['reasoning', ...USAGE_BUCKETS] as const;

/** Only what was used: 16 counts, of which a call has three. By name, so that buckets may be added anywhere. @internal */
export function usedCounts(usage: Usage): Partial<Usage> | Absent {
  const used: Partial<Record<keyof Usage, number>> = {};
  let isEmpty = true;
  for (const name of COUNTS) {
    const count = usage[name];
    if (count === 0) continue;
    used[name] = count;
    isEmpty = false;
  }
  return isEmpty ? 0 : used;
}

/** The way back from {@link usedCounts}. @internal */
export function usageFrom(value: unknown): Usage {
  return usageOf(isAbsent(value) ? {} : (value as Partial<Usage>));
}

/** Most calls carry no tags. @internal */
export function givenTags(tags: Tags): Tags | Absent {
  return Object.keys(tags).length === 0 ? 0 : tags;
}

/** The way back from {@link givenTags}. @internal */
export function tagsFrom(value: unknown): Tags {
  return isAbsent(value) ? {} : (value as Tags);
}

/** Whether a position of a tuple holds nothing; tuples may end early. @internal */
export function isAbsent(value: unknown): boolean {
  return value === 0 || value === null || value === undefined;
}

/** The values of a JSON array in a column. @throws FarthingError `store-unavailable` when it is none. @internal */
export function tupleFrom(json: string): Tuple {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw corruptLedger('a value that is no JSON', error);
  }
  if (!Array.isArray(value)) throw corruptLedger('a value that is no list');
  return value;
}

/** The file holds something that this program has not written. @internal */
export function corruptLedger(what: string, cause?: unknown): FarthingError {
  return new FarthingError('store-unavailable', `the ledger holds ${what}`, cause === undefined ? {} : { cause });
}
