import { type NanoUsd, nanoUsd } from '../money.ts';
import type { BatchDurations } from './batch-durations.ts';
import { batchOutlook, probabilityDoneWithin } from './batch-outlook.ts';

/** What a call is expected to cost by how it is answered. @public */
export interface WayPrices {
  /** Asked now, in the usual way. */
  readonly liveNanoUsd: NanoUsd;
  /** In a batch. Undefined: the provider has none, or no price of it is known. */
  readonly batchNanoUsd: NanoUsd | undefined;
  /** Asked now with `service_tier: flex`, when it is served so. Undefined: the provider has no such tier. */
  readonly flexNanoUsd: NanoUsd | undefined;
  /** Asked at a cheaper hour: see `cheapestHour`. Undefined: there is none. */
  readonly offPeak: { readonly atMs: number; readonly amountNanoUsd: NanoUsd } | undefined;
}

/** How long things take when it matters: bounds that are kept nearly always, and not means. In milliseconds. @public */
export interface PlanTimes {
  /** A live call, from the decision to make it until its answer is there. */
  readonly liveMs: number;
  /** How much sooner a call must be made that tries flex first. */
  readonly flexMs: number;
  /** How late it may be noticed that a call's hour has come. */
  readonly pauseMs: number;
  /** From now until the batch is submitted: see `gatherTime`. */
  readonly gatherMs: number;
  /** From the end of a batch until its results are there: see `pollPause`. */
  readonly pollMs: number;
}

/** What a plan is made from. @public */
export interface BatchPlanInput {
  /** Unix milliseconds. */
  readonly nowMs: number;
  /** Unix milliseconds. Undefined: whenever it comes. */
  readonly deadlineAtMs: number | undefined;
  readonly prices: WayPrices;
  /** How long the provider's batches took. */
  readonly durations: BatchDurations;
  /**
   * When each of its batches under way was submitted, in Unix milliseconds: on a day when nothing comes back they are the first to tell.
   * @defaultValue none is
   */
  readonly runningSinceMs?: readonly number[];
  readonly times: PlanTimes;
  /** How often flex has no room: see `flexFailureRatio`. */
  readonly flexFailureRatio: number;
  /**
   * The part of a batch's row that is paid when the call was asked live meanwhile: less than all only where late rows are cancelled in time.
   * @defaultValue 1
   */
  readonly lateShareRatio?: number;
  /**
   * The last moment, not after the one given, at which there is room for one more live call beside those that are due then already: see `LiveSlots`. Many
   * calls of one late batch are due together, and providers let only so many in.
   * @defaultValue there always is
   */
  readonly liveRoom?: (latestAtMs: number) => number;
}

/** How a call is to be answered. @public */
export interface BatchPlan {
  /** `live`: now. `flex`: now, and live at once when flex has no room. `off-peak`: at `liveAtMs`. `batch`: by a batch, if that is back by `liveAtMs`. */
  readonly way: 'batch' | 'flex' | 'off-peak' | 'live';
  /** When it is asked live unless it is answered by then, in Unix milliseconds. Undefined: never by itself. */
  readonly liveAtMs: number | undefined;
  /** How it is asked then: `flex` tries that first. */
  readonly liveTier: 'default' | 'flex';
  /** What it is expected to cost in all, what is paid twice included. */
  readonly expectedNanoUsd: NanoUsd;
}

/** A plan before its amount is rounded. */
interface Option extends Omit<BatchPlan, 'expectedNanoUsd'> {
  readonly amount: number;
}

/**
 * Weighs the price of each way against the risk of the deadline, and takes the cheapest; of equals the sooner. A call is never left to wait when what is left
 * does not suffice to ask it live afterwards: then it is asked at once.
 * @public
 */
export function batchPlan(input: BatchPlanInput): BatchPlan {
  const { nowMs, deadlineAtMs, prices } = input;
  const { liveNanoUsd, flexNanoUsd, batchNanoUsd, offPeak } = prices;
  const live: Option = { way: 'live', liveAtMs: nowMs, liveTier: 'default', amount: liveNanoUsd };
  const options: Option[] = [live];
  const lastLiveMs = lastMoment(input, 0);
  const lastFlexMs = flexNanoUsd === undefined ? undefined : lastMoment(input, input.times.flexMs);
  if (flexNanoUsd !== undefined && isInTime(nowMs, lastFlexMs)) {
    options.push({ way: 'flex', liveAtMs: nowMs, liveTier: 'flex', amount: flexAmount(input, flexNanoUsd) });
  }
  if (offPeak !== undefined && offPeak.atMs >= nowMs && isInTime(offPeak.atMs, lastLiveMs)) {
    options.push({ way: 'off-peak', liveAtMs: offPeak.atMs, liveTier: 'default', amount: offPeak.amountNanoUsd });
  }
  if (batchNanoUsd !== undefined) {
    options.push(...batchOptions(input, batchNanoUsd, lastLiveMs, lastFlexMs));
    // Nobody waits, so it is not for the risk: what a batch costs is known, and flex may have no room.
    if (deadlineAtMs === undefined && batchNanoUsd <= liveNanoUsd) return planOf(options.at(-1) ?? live);
  }
  return planOf(options.reduce((best, option) => (option.amount < best.amount ? option : best)));
}

function planOf({ amount, ...plan }: Option): BatchPlan {
  return { ...plan, expectedNanoUsd: nanoUsd(Math.round(amount)) };
}

function isInTime(atMs: number, lastMs: number | undefined): boolean {
  return lastMs === undefined || atMs <= lastMs;
}

/** When a call must be asked live at the latest, with so much more time before; undefined: there is no deadline. */
function lastMoment({ deadlineAtMs, times, liveRoom }: BatchPlanInput, beforeMs: number): number | undefined {
  if (deadlineAtMs === undefined) return undefined;
  const lastMs = deadlineAtMs - times.liveMs - times.pauseMs - beforeMs;
  return liveRoom === undefined ? lastMs : Math.min(lastMs, liveRoom(lastMs));
}

/** What flex costs with live behind it: what it has no room for costs nothing. */
function flexAmount({ prices, flexFailureRatio }: BatchPlanInput, flexNanoUsd: NanoUsd): number {
  return flexNanoUsd * (1 - flexFailureRatio) + prices.liveNanoUsd * flexFailureRatio;
}

/** A batch with live behind it, and with flex and then live, which must begin sooner. */
function batchOptions(
  input: BatchPlanInput,
  batchNanoUsd: NanoUsd,
  lastLiveMs: number | undefined,
  lastFlexMs: number | undefined,
): readonly Option[] {
  const { nowMs, prices, times, lateShareRatio = 1 } = input;
  const outlook = batchOutlook(input.durations, input.runningSinceMs ?? [], nowMs);
  const option = (liveTier: BatchPlan['liveTier'], liveAtMs: number | undefined, fallback: number): Option[] => {
    if (liveAtMs === undefined) return [{ way: 'batch', liveAtMs, liveTier, amount: batchNanoUsd }];
    const leftMs = liveAtMs - nowMs - times.gatherMs - times.pollMs;
    if (leftMs <= 0) return [];
    const lateRatio = 1 - probabilityDoneWithin(outlook, leftMs);
    const late = batchNanoUsd * lateShareRatio + fallback;
    return [{ way: 'batch', liveAtMs, liveTier, amount: batchNanoUsd * (1 - lateRatio) + late * lateRatio }];
  };
  const { liveNanoUsd, flexNanoUsd } = prices;
  return [
    ...option('default', lastLiveMs, liveNanoUsd),
    ...(flexNanoUsd === undefined || lastFlexMs === undefined
      ? []
      : option('flex', lastFlexMs, flexAmount(input, flexNanoUsd))),
  ];
}
