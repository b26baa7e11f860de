import type { GuardState } from './guard-state.ts';

/** Fewest samples that a certificate rests on, whatever they say. Ours: a handful may all come from one odd hour. @internal */
export const LEAST_SAMPLES = 50;

/** What is certified: a candidate up to a score. @public */
export interface CertifiedCandidate {
  readonly candidate: string;
  /** Which of the candidates it is, from 0: the route's targets in order of price. */
  readonly index: number;
  /** Calls with a score up to this go to it; those above it, and those without a score, to the strong target. `all`: every call does. */
  readonly threshold: number | 'all';
}

/**
 * Where a route stands: `calibrating` and `alarm` send everything to the strong target. `alarm` is a calibration after an alarm.
 * @public
 */
export type GuardStanding = (
  | ({ readonly kind: 'certified'; readonly sinceMs: number } & CertifiedCandidate)
  | { readonly kind: 'alarm'; readonly sinceMs: number }
  | { readonly kind: 'calibrating' }
) & {
  /** Which calibration it rests on: `<round>.<samples>`; once certified, the samples it was certified by. */
  readonly calibration: string;
};

/** Where a route stands. @public */
export function guardStanding(state: GuardState): GuardStanding {
  const certified = certifiedCandidate(state);
  const sinceMs = state.since.atMs;
  if (certified !== undefined) {
    return { kind: 'certified', ...certified, sinceMs, calibration: `${state.round}.${state.since.samples}` };
  }
  const calibration = `${state.round}.${state.samples}`;
  return state.round > 1 ? { kind: 'alarm', sinceMs, calibration } : { kind: 'calibrating', calibration };
}

/**
 * The cheapest candidate that is certified, up to its last threshold before the first that is not. Up to a score that hardly any call has, none is: there
 * would be nothing to save, and calibration would slow down.
 * @internal
 */
export function certifiedCandidate({ candidates }: GuardState): CertifiedCandidate | undefined {
  for (const [index, { id, steps }] of candidates.entries()) {
    const failing = steps.findIndex(({ hasPassed }) => !hasPassed);
    const last = steps[(failing < 0 ? steps.length : failing) - 1];
    if (last !== undefined && last.within >= LEAST_SAMPLES) return { candidate: id, index, threshold: last.threshold };
  }
  return undefined;
}
