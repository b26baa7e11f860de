import { formatUsd } from '../../core/money.ts';
import type { DemoBill } from './demo-bill.ts';
import type { RunFacts } from './demo-bill-text.ts';

/** The bill for programs: amounts are decimal dollars as text, without loss, and their names say `Usd`. @internal */
export function demoBillJson(bill: DemoBill, facts: RunFacts): string {
  return JSON.stringify(inDollars({ ...bill, ...facts }), undefined, 2);
}

/** All `bigint`s of a bill are nano-dollars. */
function inDollars(value: unknown): unknown {
  if (typeof value === 'bigint') return formatUsd(value);
  if (Array.isArray(value)) return value.map(inDollars);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).map(([name, field]) => [
    name.replace(/nanoUsd$/i, nameInDollars),
    inDollars(field),
  ]);
  return Object.fromEntries(fields);
}

function nameInDollars(suffix: string): string {
  return suffix === 'nanoUsd' ? 'usd' : 'Usd';
}
