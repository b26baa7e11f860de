import type { NanoUsd } from '../money.ts';

/** What one call of a cascade came to. @internal */
export interface CascadeOutcome {
  /** Whether no cheap answer would do, so that the strong target was asked. */
  readonly isEscalated: boolean;
  /** What was spent before the strong target: cheap answers, and second ones that they were held against. */
  readonly cheapNanoUsd: NanoUsd;
  /** What the strong target's answer cost; where it was not asked, what the answer that was given would have cost there. */
  readonly strongNanoUsd: NanoUsd;
}

/**
 * Whether a cascade is worth its money, from its latest outcomes: sums in which an outcome weighs the less the older it is. Plain data.
 * @internal
 */
export interface CascadeWorth {
  readonly isOn: boolean;
  /** Since it was last switched, by count. */
  readonly outcomes: number;
  readonly weight: number;
  readonly escalatedWeight: number;
  readonly cheapNanoUsd: number;
  /** What the strong target would have cost where it was spared. */
  readonly sparedNanoUsd: number;
  /** What the strong target cost or would have cost, over all. */
  readonly strongNanoUsd: number;
  /** The share of escalations when it was last switched. */
  readonly switchedAtRatio: number;
}

/** So many outcomes make a judgement: with fewer a share of one half is known to no better than 18 points (95 %). Ours. */
const LEAST_OUTCOMES = 30;

/** Outcomes that count, about: old enough to be steady, young enough to see traffic change within a day of a small route. Ours. */
const WINDOW_OUTCOMES = 200;

/** What it must save to be switched on again, as a share of the strong target's cost, so that chance does not switch it to and fro. Ours. */
const LEAST_SAVED_RATIO = 0.05;

/** A cascade of which nothing is known is on. @internal */
export const NEW_CASCADE: CascadeWorth = fresh(true, 0);

/**
 * Takes one outcome in. A cascade loses when it spends more on cheap answers than it spares: with equal calls, when its share of escalations is above
 * 1 - (cheap + second) / strong. It is then off; calls that probe it show when it would save again. Each judgement rests on outcomes since the last one.
 * @internal
 */
export function withOutcome(worth: CascadeWorth, outcome: CascadeOutcome): CascadeWorth {
  const keptRatio = 1 - 1 / WINDOW_OUTCOMES;
  const { isEscalated, cheapNanoUsd, strongNanoUsd } = outcome;
  const next: CascadeWorth = {
    ...worth,
    outcomes: worth.outcomes + 1,
    weight: worth.weight * keptRatio + 1,
    escalatedWeight: worth.escalatedWeight * keptRatio + (isEscalated ? 1 : 0),
    cheapNanoUsd: worth.cheapNanoUsd * keptRatio + cheapNanoUsd,
    sparedNanoUsd: worth.sparedNanoUsd * keptRatio + (isEscalated ? 0 : strongNanoUsd),
    strongNanoUsd: worth.strongNanoUsd * keptRatio + strongNanoUsd,
  };
  if (next.outcomes < LEAST_OUTCOMES) return next;
  const savedNanoUsd = next.sparedNanoUsd - next.cheapNanoUsd;
  const isWorthIt = next.isOn ? savedNanoUsd >= 0 : savedNanoUsd > next.strongNanoUsd * LEAST_SAVED_RATIO;
  return isWorthIt === next.isOn ? next : fresh(isWorthIt, escalatedRatio(next));
}

/** The share of the latest outcomes that were escalated. @internal */
export function escalatedRatio({ weight, escalatedWeight }: CascadeWorth): number {
  return weight === 0 ? 0 : escalatedWeight / weight;
}

function fresh(isOn: boolean, switchedAtRatio: number): CascadeWorth {
  return {
    isOn,
    outcomes: 0,
    weight: 0,
    escalatedWeight: 0,
    cheapNanoUsd: 0,
    sparedNanoUsd: 0,
    strongNanoUsd: 0,
    switchedAtRatio,
  };
}
