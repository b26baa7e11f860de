import { type CalibrationState, NOTHING_LEARNT, readCalibration } from '../core/tokens/calibration.ts';
import { CALIBRATION_KEY } from '../engine/optimizer/calibration-learner.ts';
import { isFarthingError } from '../core/errors.ts';
import type { DataOptions } from './data-folder.ts';
import { openStates, type OpenedStates } from './open-states.ts';

/**
 * What a gateway has learnt of how far off counts are. Where nothing is kept, or what is kept cannot be asked, counts are shown as they are: the
 * command is of use without any gateway.
 * @internal
 */
export async function learntCalibration(options: DataOptions): Promise<CalibrationState> {
  let opened: OpenedStates | undefined;
  try {
    opened = await openStates(options);
    const stored = await opened?.store.read(CALIBRATION_KEY);
    return stored === undefined ? NOTHING_LEARNT : readCalibration(JSON.parse(stored.value));
  } catch (error) {
    if (isFarthingError(error) && error.code === 'configuration') throw error;
    console.error(`note: what gateways have learnt cannot be read: ${String(error)}`);
    return NOTHING_LEARNT;
  } finally {
    await opened?.close();
  }
}
