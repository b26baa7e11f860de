import type { NanoUsd } from '../money.ts';

/** Apart so far prices are looked at, in milliseconds: hours with prices of their own begin at quarters, or are found between two. */
const GRID_MS = 900_000;

/** To which windows of the price book begin and end, in milliseconds. */
const MINUTE_MS = 60_000;

/** A moment and what a call costs then. @public */
export interface PricedMoment {
  readonly atMs: number;
  readonly amountNanoUsd: NanoUsd;
}

/**
 * The earliest time at which a call is cheapest, to the minute.
 * @param priceAt - what it costs at a time; undefined: nobody knows.
 * @param untilMs - the last time that will do; days ahead are looked at in quarters of an hour.
 * @returns undefined where no price is known.
 * @public
 */
export function cheapestHour(
  priceAt: (atMs: number) => NanoUsd | undefined,
  fromMs: number,
  untilMs: number,
): PricedMoment | undefined {
  let best: PricedMoment | undefined;
  let beforeMs = fromMs;
  for (const atMs of gridOf(fromMs, untilMs)) {
    const amountNanoUsd = priceAt(atMs);
    if (amountNanoUsd !== undefined && (best === undefined || amountNanoUsd < best.amountNanoUsd)) {
      best = { atMs: firstMinute(priceAt, amountNanoUsd, beforeMs, atMs), amountNanoUsd };
    }
    beforeMs = atMs;
  }
  return best;
}

function* gridOf(fromMs: number, untilMs: number): Generator<number> {
  yield fromMs;
  for (let atMs = (Math.floor(fromMs / GRID_MS) + 1) * GRID_MS; atMs < untilMs; atMs += GRID_MS) yield atMs;
  if (untilMs > fromMs) yield untilMs;
}

/** The first minute between two moments at which the price of the later one holds. */
function firstMinute(
  priceAt: (atMs: number) => NanoUsd | undefined,
  amountNanoUsd: NanoUsd,
  fromMs: number,
  untilMs: number,
): number {
  for (let atMs = (Math.floor(fromMs / MINUTE_MS) + 1) * MINUTE_MS; atMs < untilMs; atMs += MINUTE_MS) {
    if (priceAt(atMs) === amountNanoUsd) return atMs;
  }
  return untilMs;
}
