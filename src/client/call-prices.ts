import type { RouteTable } from '../core/route/route-table.ts';
import type { Pricer } from '../ports/pricer.ts';

/** Where the calls of an engine may go, and at which prices. @internal */
export interface CallPrices {
  readonly table: RouteTable;
  readonly pricer: Pricer;
}

const known = new WeakMap<object, CallPrices>();

/** Notes the prices of an engine of this library. @internal */
export function noteCallPrices(farthing: object, prices: CallPrices): void {
  known.set(farthing, prices);
}

/** The prices of an engine; undefined for what this library has not made. @internal */
export function callPricesOf(farthing: object): CallPrices | undefined {
  return known.get(farthing);
}
