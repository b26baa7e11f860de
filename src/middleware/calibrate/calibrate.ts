import { attemptOf, type Middleware } from '../compose.ts';
import type { TokenCalibrator } from './token-calibrator.ts';

/** Shows the calibrator what was sent and what the provider stated for it. Never holds a call up, and steps aside whatever happens. @internal */
export function calibrateMiddleware(calibrator: TokenCalibrator): Middleware {
  return {
    name: 'calibrate',
    async handle(call, next) {
      const outcome = await next(call);
      const usage = outcome.facts?.usage;
      if (outcome.kind === 'complete' && usage !== undefined) {
        const { request, target } = attemptOf(call);
        // Money that rested on a count is what shows that counts are wrong.
        const isCounted = call.state.decisions.some(({ step, verdict }) => step === 'budget' && verdict === 'counted');
        calibrator.note(request, target, usage, isCounted);
      }
      return outcome;
    },
  };
}
