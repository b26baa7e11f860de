import { type CalibrationState, readCalibration } from '../../core/tokens/calibration.ts';
import type { TokenCalibrator } from '../../middleware/calibrate/token-calibrator.ts';
import type { Learner } from '../learnt-state.ts';

/** Where calibrations are kept. Changed with the format. @internal */
export const CALIBRATION_KEY = 'calibration/v1';

/** Targets that are kept: about 1 KB each, and a state holds 64 KB. Those that taught last. */
const KEPT_TARGETS = 48;

/** Keeps what a calibrator learns. Of what several processes have learnt of a target each keeps its own, and the last writer's stands. @internal */
export function calibrationLearner(calibrator: TokenCalibrator): Learner<CalibrationState> {
  return {
    key: CALIBRATION_KEY,
    snapshot: () => newest(calibrator.state),
    adopt: (state) => calibrator.adopt(state),
    merge: (local, stored) => newest({ targets: { ...stored.targets, ...local.targets } }),
    parse: readCalibration,
  };
}

function newest({ targets }: CalibrationState): CalibrationState {
  return { targets: Object.fromEntries(Object.entries(targets).slice(-KEPT_TARGETS)) };
}
