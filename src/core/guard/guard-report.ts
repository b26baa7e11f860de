import type { NanoUsd } from '../money.ts';
import type { GuardEvent, GuardState } from './guard-state.ts';
import { certifiedCandidate, type GuardStanding, guardStanding } from './guard-standing.ts';
import { lossTest } from './loss-process.ts';
import { type MeanLoss, meanLoss } from './loss-tally.ts';
import { eValueOf } from './observe.ts';

/** What the samples say of a candidate up to a score. @public */
export interface StepReport {
  readonly threshold: number | 'all';
  /** Whether calls go there now. */
  readonly isCertified: boolean;
  /** Certified where it has once reached `neededEValue`, and the steps before it too. */
  readonly eValue: number;
  /** Over all calls of the route. Undefined: no samples yet. */
  readonly loss: MeanLoss | undefined;
}

/** What the guard of a route knows, for people. @public */
export interface GuardReport {
  readonly standing: GuardStanding;
  readonly maxQualityLoss: number;
  readonly alpha: number;
  /** The e-value that certifies: the number of candidates by alpha. */
  readonly neededEValue: number;
  readonly round: number;
  readonly samples: number;
  readonly allSamples: number;
  readonly spentNanoUsd: NanoUsd;
  readonly candidates: readonly { readonly id: string; readonly steps: readonly StepReport[] }[];
  /** What callers got since the first certificate of the round; an alarm comes at an e-value of 1 / alpha. */
  readonly routed: { readonly eValue: number; readonly loss: MeanLoss | undefined };
  readonly events: readonly GuardEvent[];
}

/** Says what the guard of a route knows. @public */
export function guardReport(state: GuardState): GuardReport {
  const { maxQualityLoss, alpha, round, samples, allSamples, spentNanoUsd, events, routed } = state;
  const certify = lossTest('certify', maxQualityLoss);
  const certified = certifiedCandidate(state);
  return {
    standing: guardStanding(state),
    maxQualityLoss,
    alpha,
    neededEValue: state.candidates.length / alpha,
    round,
    samples,
    allSamples,
    spentNanoUsd,
    candidates: state.candidates.map(({ id, steps }) => ({
      id,
      steps: steps.map(({ threshold, process }) => ({
        threshold,
        isCertified: certified?.candidate === id && certified.threshold === threshold,
        eValue: eValueOf(certify.evidence(process)),
        loss: meanLoss(process.tally),
      })),
    })),
    routed: { eValue: eValueOf(lossTest('alarm', maxQualityLoss).evidence(routed)), loss: meanLoss(routed.tally) },
    events,
  };
}
