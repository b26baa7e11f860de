import { FarthingError } from '../errors.ts';
import { type NanoUsd, ZERO_USD } from '../money.ts';
import { type LossProcess, NEW_LOSS_PROCESS } from './loss-process.ts';

/** Most steps of all candidates together. Ours: keeps the state below 32 KB, and more thresholds certify no sooner. @internal */
export const MAX_GUARD_STEPS = 48;

/** No threshold: whatever the score. */
const ALL = 'all' as const;

/** Something cheaper than the strong target: what it is called, and by which thresholds of a score it may be used. @public */
export interface GuardCandidate {
  /** Names it in samples and standings: a target, or `cascade`. */
  readonly id: string;
  /**
   * Scores up to which calls may go to it, rising, fixed before any sample: they are certified one after the other.
   * Undefined: there is no score, and it answers all calls or none.
   */
  readonly thresholds?: readonly number[] | undefined;
}

/** What the guard of a route holds it to. @public */
export interface GuardPlan {
  /** Changes with whatever makes earlier samples worthless: the loss allowed, the judge, the targets. */
  readonly fingerprint: string;
  /** Most mean loss over all calls, from 0 to below 1. */
  readonly maxQualityLoss: number;
  /** 0.95: at most one false certificate in twenty calibrations, and at most one false alarm in twenty. */
  readonly confidenceRatio: number;
  /** In order of price, the cheapest first; without the strong target. */
  readonly candidates: readonly [GuardCandidate, ...GuardCandidate[]];
}

/** One call that was answered by a candidate and by the strong target, and judged. @public */
export interface GuardSample {
  readonly candidate: string;
  /** Quality of the strong target's answer less that of the candidate's, from -1 to 1. */
  readonly loss: number;
  /** The call's score, where there is one. Calls must be taken at one and the same share whatever their score, or the thresholds mean nothing. */
  readonly score?: number | undefined;
  /** Whether the caller got the candidate's answer. */
  readonly wasRouted: boolean;
  /** What its shadow calls and judges cost. */
  readonly costNanoUsd: NanoUsd;
  readonly atMs: number;
  /** The round in which the call was made; a sample of an earlier one counts as money only. Undefined: this one. */
  readonly round?: number | undefined;
}

/** One thing that may be certified: a candidate up to a score. Plain data. @public */
export interface GuardStep {
  /** `all`: whatever the score. */
  readonly threshold: number | 'all';
  readonly process: LossProcess;
  /** How many of the samples have a score up to the threshold. */
  readonly within: number;
  /** Whether it has ever shown enough evidence in this round. */
  readonly hasPassed: boolean;
}

/** What happened to a route. @public */
export interface GuardEvent {
  readonly atMs: number;
  /** `certified`: calls go to the candidate, up to the threshold. `alarm`: quality fell, all calls go to the strong target. */
  readonly kind: 'certified' | 'alarm';
  readonly candidate: string;
  readonly threshold: number | 'all';
  readonly round: number;
  /** Samples of the round so far. */
  readonly samples: number;
  /** As it was then; what is certified has had all that it needs before, or now. */
  readonly eValue: number;
  /** Of the samples that it rests on. */
  readonly meanLoss: number;
}

/** When the last event was. @public */
export interface GuardSince {
  /** 0: there was none. */
  readonly atMs: number;
  /** Samples of its round at that time. */
  readonly samples: number;
}

/** All that the guard of one route knows. Plain JSON of less than 32 KB. @public */
export interface GuardState {
  readonly version: 1;
  readonly fingerprint: string;
  readonly maxQualityLoss: number;
  /** Chance of a false certificate in a round, and of a false alarm. */
  readonly alpha: number;
  /** Counts calibrations, from 1: each alarm begins a new one. */
  readonly round: number;
  /** Samples of this round. */
  readonly samples: number;
  /** Samples of all rounds. */
  readonly allSamples: number;
  readonly candidates: readonly { readonly id: string; readonly steps: readonly GuardStep[] }[];
  /** Losses of what the caller got since the round's first certificate, against the alarm. */
  readonly routed: LossProcess;
  readonly since: GuardSince;
  /** What shadow calls and judges have cost. */
  readonly spentNanoUsd: NanoUsd;
  /** The last 20, the oldest first. */
  readonly events: readonly GuardEvent[];
}

/**
 * A guard that has seen nothing: everything goes to the strong target.
 * @throws FarthingError `configuration` for a plan that makes no sense.
 * @public
 */
export function newGuard(plan: GuardPlan): GuardState {
  checkPlan(plan);
  return {
    version: 1,
    fingerprint: plan.fingerprint,
    maxQualityLoss: plan.maxQualityLoss,
    // Without what floating point adds to the decimals that an operator writes.
    alpha: Number((1 - plan.confidenceRatio).toFixed(12)),
    round: 1,
    samples: 0,
    allSamples: 0,
    candidates: plan.candidates.map(({ id, thresholds }) => ({
      id,
      steps: (thresholds ?? [ALL]).map((threshold) => ({
        threshold,
        process: NEW_LOSS_PROCESS,
        within: 0,
        hasPassed: false,
      })),
    })),
    routed: NEW_LOSS_PROCESS,
    since: { atMs: 0, samples: 0 },
    spentNanoUsd: ZERO_USD,
    events: [],
  };
}

function checkPlan({ maxQualityLoss, confidenceRatio, candidates }: GuardPlan): void {
  if (!(maxQualityLoss >= 0 && maxQualityLoss < 1)) {
    throw new FarthingError('configuration', `maxQualityLoss must be from 0 to below 1, not ${maxQualityLoss}`);
  }
  if (!(confidenceRatio > 0 && confidenceRatio < 1)) {
    throw new FarthingError('configuration', `confidence must be between 0 and 1, not ${confidenceRatio}`);
  }
  const ids = candidates.map(({ id }) => id);
  if (ids.length === 0)
    throw new FarthingError('configuration', 'a guard needs a target that is cheaper than the last');
  if (new Set(ids).size < ids.length) throw new FarthingError('configuration', 'two candidates have the same name');
  for (const { id, thresholds } of candidates) {
    if (thresholds !== undefined && !isRising(thresholds)) {
      throw new FarthingError('configuration', `thresholds of ${id} must be one or more numbers that rise`);
    }
  }
  const steps = candidates.reduce((sum, { thresholds }) => sum + (thresholds?.length ?? 1), 0);
  if (steps > MAX_GUARD_STEPS) {
    throw new FarthingError(
      'configuration',
      `a guard has at most ${MAX_GUARD_STEPS} candidates and thresholds, not ${steps}`,
    );
  }
}

function isRising(thresholds: readonly number[]): boolean {
  if (thresholds.length === 0) return false;
  return thresholds.every(
    (threshold, step) => Number.isFinite(threshold) && threshold > (thresholds[step - 1] ?? -Infinity),
  );
}
