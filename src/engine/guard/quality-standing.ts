import { guardStanding } from '../../core/guard/guard-standing.ts';
import type { GuardState } from '../../core/guard/guard-state.ts';
import type { QualityStanding } from '../../core/route/route-choice.ts';

/** Nothing is certified: of a route that is not known, or not read yet. @internal */
export const UNCERTIFIED: QualityStanding = {
  certifiedIndex: undefined,
  threshold: undefined,
  isAlarmed: false,
  calibration: '0.0',
};

/** What a guard's state means for the calls of its route. @internal */
export function qualityStanding(state: GuardState): QualityStanding {
  const standing = guardStanding(state);
  const { calibration, kind } = standing;
  if (kind !== 'certified') {
    return { certifiedIndex: undefined, threshold: undefined, isAlarmed: kind === 'alarm', calibration };
  }
  // Candidates stand in the order of the targets, and a cascade is the only one.
  const { index, threshold } = standing;
  return {
    certifiedIndex: index,
    threshold: threshold === 'all' ? undefined : threshold,
    isAlarmed: false,
    calibration,
  };
}
