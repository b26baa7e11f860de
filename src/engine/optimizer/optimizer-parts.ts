import { TokenCalibrator } from '../../middleware/calibrate/token-calibrator.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EventSink } from '../../ports/event-sink.ts';
import type { Pricer } from '../../ports/pricer.ts';
import type { StateStore } from '../../ports/state-store.ts';
import { MemoryStateStore } from '../../stores/memory/memory-state-store.ts';
import { loadTokenizer } from '../../tokenizers/load-tokenizer.ts';
import { LearntStates } from '../learnt-states.ts';
import { calibrationLearner } from './calibration-learner.ts';

/** What of an engine counts tokens and learns from traffic. @internal */
export interface OptimizerParts {
  /** All that is learnt, in its store. */
  readonly learnt: LearntStates;
  readonly calibrator: TokenCalibrator;
}

/** What {@link optimizerParts} are made from. @internal */
export interface OptimizerPorts {
  readonly states: StateStore | undefined;
  readonly pricer: Pricer;
  readonly clock: Clock;
  readonly events: EventSink;
}

/** Makes the parts. @internal */
export function optimizerParts({ states, pricer, clock, events }: OptimizerPorts): OptimizerParts {
  const learnt = new LearntStates({ store: states ?? new MemoryStateStore({ clock }), clock, events });
  const calibrator: TokenCalibrator = new TokenCalibrator({
    tokenizerOf: loadTokenizer,
    vendorOf: (target) => pricer.vendorOf(target),
    events,
    onLearnt: () => calibration.changed(),
  });
  const calibration = learnt.keep(calibrationLearner(calibrator));
  return { learnt, calibrator };
}
