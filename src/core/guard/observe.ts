import { FarthingError } from '../errors.ts';
import { addUsd } from '../money.ts';
import type { GuardEvent, GuardSample, GuardState, GuardStep } from './guard-state.ts';
import { type CertifiedCandidate, certifiedCandidate, LEAST_SAMPLES } from './guard-standing.ts';
import { type LossProcess, type LossTest, lossTest, NEW_LOSS_PROCESS } from './loss-process.ts';
import { meanLoss } from './loss-tally.ts';

/** How many events a state keeps. Ours. */
const KEPT_EVENTS = 20;

/** Largest e-value that is told; it may have grown beyond all numbers. Ours. */
const LARGEST_E_VALUE = 1e12;

/** What a sample led to. @public */
export interface Observation {
  readonly state: GuardState;
  /** Set when the route's standing changed. */
  readonly event?: GuardEvent;
}

/**
 * Takes a sample into account. Pure: processes that share a state read it, observe, and write it if it is still the one they read.
 *
 * What is promised. In one round, the chance that a candidate is certified, up to a score, that loses `maxQualityLoss` or more on average over all calls
 * is at most alpha: each of the candidates is tested at its part of alpha, its thresholds one after the other (see `lossTest`, `calibratedThreshold`).
 * The chance that a round ends in an alarm though what callers get loses no more than `maxQualityLoss` is at most alpha, however long it lasts.
 *
 * @throws FarthingError `internal` for a loss that is none.
 * @public
 */
export function observe(state: GuardState, sample: GuardSample): Observation {
  if (!(sample.loss >= -1 && sample.loss <= 1)) throw new FarthingError('internal', `not a loss: ${sample.loss}`);
  const paid = { ...state, spentNanoUsd: addUsd(state.spentNanoUsd, sample.costNanoUsd) };
  const isKnown = state.candidates.some(({ id }) => id === sample.candidate);
  if (!isKnown || (sample.round ?? state.round) !== state.round) return { state: paid };

  const before = certifiedCandidate(state);
  const watched = watchedLoss(sample, before);
  const alarm = lossTest('alarm', state.maxQualityLoss);
  const seen: GuardState = {
    ...paid,
    samples: state.samples + 1,
    allSamples: state.allSamples + 1,
    routed: watched === undefined ? state.routed : alarm.add(state.routed, watched),
    candidates: withSample(state, sample),
  };
  const evidence = alarm.evidence(seen.routed);
  if (before !== undefined && evidence >= -Math.log(state.alpha)) {
    const event = eventOf(seen, 'alarm', before, seen.routed, evidence, sample.atMs);
    return { state: withEvent(newRound(seen), event, sample.atMs), event };
  }
  const after = certifiedCandidate(seen);
  if (after === undefined || (after.candidate === before?.candidate && after.threshold === before.threshold)) {
    return { state: seen };
  }
  const { process } = stepOf(seen, after);
  const event = eventOf(
    seen,
    'certified',
    after,
    process,
    lossTest('certify', state.maxQualityLoss).evidence(process),
    sample.atMs,
  );
  return { state: withEvent(seen, event, sample.atMs), event };
}

/**
 * What a sample says of the loss that callers have: that of an answer they got, or none where the call is one that the strong target answers for its
 * score. Undefined: nothing, as the sample is of another candidate, or of a call that the strong target answered for another reason.
 */
function watchedLoss(sample: GuardSample, certified: CertifiedCandidate | undefined): number | undefined {
  if (certified?.candidate !== sample.candidate) return undefined;
  if (sample.wasRouted) return sample.loss;
  return isWithin(sample, certified.threshold) ? undefined : 0;
}

function isWithin({ score }: GuardSample, threshold: number | 'all'): boolean {
  return threshold === 'all' || (score !== undefined && score <= threshold);
}

function withSample(state: GuardState, sample: GuardSample): GuardState['candidates'] {
  const test = lossTest('certify', state.maxQualityLoss);
  const enough = Math.log(state.candidates.length / state.alpha);
  return state.candidates.map((candidate) =>
    candidate.id === sample.candidate
      ? { ...candidate, steps: candidate.steps.map((step) => stepWithSample(step, sample, test, enough)) }
      : candidate,
  );
}

/** @param enough - the logarithm of the e-value that certifies. */
function stepWithSample(step: GuardStep, sample: GuardSample, test: LossTest, enough: number): GuardStep {
  const counts = isWithin(sample, step.threshold);
  const process = test.add(step.process, counts ? sample.loss : 0);
  const isShown = process.tally[0] >= LEAST_SAMPLES && test.evidence(process) >= enough;
  return { ...step, process, within: step.within + (counts ? 1 : 0), hasPassed: step.hasPassed || isShown };
}

/** Everything goes to the strong target, and what was learnt before the fall counts no more. */
function newRound(state: GuardState): GuardState {
  return {
    ...state,
    round: state.round + 1,
    samples: 0,
    routed: NEW_LOSS_PROCESS,
    candidates: state.candidates.map(({ id, steps }) => ({
      id,
      steps: steps.map(({ threshold }) => ({ threshold, process: NEW_LOSS_PROCESS, within: 0, hasPassed: false })),
    })),
  };
}

function stepOf(state: GuardState, { index, threshold }: CertifiedCandidate): GuardStep {
  const step = state.candidates[index]?.steps.find((each) => each.threshold === threshold);
  if (step === undefined) throw new FarthingError('internal', 'a certified step that the guard does not have');
  return step;
}

function eventOf(
  state: GuardState,
  kind: GuardEvent['kind'],
  { candidate, threshold }: CertifiedCandidate,
  process: LossProcess,
  evidence: number,
  atMs: number,
): GuardEvent {
  return {
    atMs,
    kind,
    candidate,
    threshold,
    round: state.round,
    samples: state.samples,
    eValue: eValueOf(evidence),
    meanLoss: meanLoss(process.tally)?.mean ?? 0,
  };
}

function withEvent(state: GuardState, event: GuardEvent, atMs: number): GuardState {
  return {
    ...state,
    since: { atMs, samples: state.samples },
    events: [...state.events, event].slice(-KEPT_EVENTS),
  };
}

/** An e-value of which the logarithm is given, for people. @internal */
export function eValueOf(evidence: number): number {
  return Math.min(Math.exp(evidence), LARGEST_E_VALUE);
}
