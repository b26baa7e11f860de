import { parseDuration } from '../config/duration.ts';
import type { BudgetChange } from '../core/budget/budget-change.ts';
import type { Budget, BudgetWindow } from '../core/budget/budget.ts';
import { readAlertRatio, readScope, readTimezone } from '../core/budget/budget-text.ts';
import { type NanoUsd, parseUsd } from '../core/money.ts';
import { fault, type Fields, fieldsOf } from './admin-input.ts';

const FIELDS = ['scope', 'limitUsd', 'window', 'timezone', 'mode', 'alertAt', 'onLowBudget'];
const UNITS = ['hour', 'day', 'week', 'month'] as const;
const MAX_ALERTS = 32;

/** Decimal digits as they are, also as JSON numbers write them. */
const AMOUNT = /^\d{1,7}(?:\.\d{1,9})?$/;

/**
 * What a request sets of a budget, in the words of the configuration.
 * @throws FarthingError `invalid-request` that names the field.
 * @internal
 */
export function budgetFields(body: unknown): BudgetChange {
  const fields = fieldsOf(body, FIELDS);
  return {
    ...member(
      'scope',
      read(
        fields,
        'scope',
        readScope,
        'is one of all, project, project:NAME, key, key:ID, model, model:PROVIDER/MODEL, tag:NAME',
      ),
    ),
    ...member('limitNanoUsd', limitField(fields)),
    ...member('window', windowField(fields)),
    ...member('timezone', read(fields, 'timezone', readTimezone, 'is a time zone: UTC or Europe/Berlin')),
    ...member('mode', read(fields, 'mode', readMode, 'is hard or soft')),
    ...member('alertAtRatios', alertField(fields)),
    ...member('onLowBudget', read(fields, 'onLowBudget', readOnLow, 'is lower or refuse')),
  };
}

function member<Name extends string, Value>(name: Name, value: Value | undefined): { readonly [Each in Name]?: Value } {
  return (value === undefined ? {} : { [name]: value }) as { readonly [Each in Name]?: Value };
}

function read<Value>(
  fields: Fields,
  field: string,
  reader: (text: string) => Value | undefined,
  expected: string,
): Value | undefined {
  const text = fields[field];
  if (text === undefined) return undefined;
  const value = typeof text === 'string' ? reader(text) : undefined;
  if (value === undefined) throw fault(field, expected);
  return value;
}

function readMode(text: string): Budget['mode'] | undefined {
  return text === 'hard' || text === 'soft' ? text : undefined;
}

function readOnLow(text: string): Budget['onLowBudget'] | undefined {
  return text === 'lower' || text === 'refuse' ? text : undefined;
}

function limitField(fields: Fields): NanoUsd | undefined {
  const value = fields['limitUsd'];
  if (value === undefined) return undefined;
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string' || !AMOUNT.test(text)) {
    throw fault('limitUsd', 'is an amount in dollars: "50" or "0.05", with at most nine decimals');
  }
  try {
    return parseUsd(text);
  } catch {
    throw fault('limitUsd', 'is more than nine million dollars'); // RangeError of an amount that no number holds
  }
}

function windowField(fields: Fields): BudgetWindow | undefined {
  const value = fields['window'];
  if (value === undefined) return undefined;
  if (value === 'total') return { kind: 'total' };
  const unit = UNITS.find((each) => each === value);
  if (unit !== undefined) return { kind: 'calendar', unit };
  const rolling = typeof value === 'object' && value !== null && 'rolling' in value ? value.rolling : undefined;
  const lengthMs = typeof rolling === 'string' ? parseDuration(rolling) : undefined;
  if (lengthMs === undefined || lengthMs === 0) {
    throw fault('window', 'is hour, day, week, month, total or {"rolling": "24h"}');
  }
  return { kind: 'rolling', lengthMs };
}

function alertField(fields: Fields): readonly number[] | undefined {
  const value = fields['alertAt'];
  if (value === undefined) return undefined;
  const items: readonly unknown[] = Array.isArray(value) ? value : [undefined];
  const ratios = items.map((item) => (typeof item === 'number' ? readAlertRatio(String(item)) : undefined));
  if (ratios.length <= MAX_ALERTS && ratios.every(isRatio)) return ratios;
  throw fault('alertAt', `is a list of at most ${MAX_ALERTS} shares of the limit, above 0 and up to 10`);
}

function isRatio(ratio: number | undefined): ratio is number {
  return ratio !== undefined;
}
