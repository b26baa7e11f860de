import type { Clock } from '../ports/clock.ts';
import type { EventSink } from '../ports/event-sink.ts';
import type { StateStore } from '../ports/state-store.ts';
import { type OnStoreAnswer, outageTeller } from './asked-store.ts';
import { type Learner, LearntState } from './learnt-state.ts';

/** What {@link LearntStates} work with. @internal */
export interface LearntStatesOptions {
  /** Stays open: it belongs to whoever opened it. */
  readonly store: StateStore;
  readonly clock: Clock;
  /** Told of a store that fails once in each outage, as `store-failed` of `states`. */
  readonly events: EventSink;
}

/**
 * All that an engine has learnt and keeps in one store.
 * @example
 * ```ts
 * const learnt = new LearntStates({ store, clock, events });
 * const kept = learnt.keep({ key: 'calibration/v1/openai/gpt-4o', snapshot, adopt, merge, parse });
 * await learnt.load();
 * kept.changed(); // whenever something was learnt
 * await learnt.close();
 * ```
 * @internal
 */
export class LearntStates {
  readonly #options: LearntStatesOptions;
  readonly #states = new Map<string, LearntState<unknown>>();
  readonly #onAnswer: OnStoreAnswer;

  constructor(options: LearntStatesOptions) {
    this.#options = options;
    this.#onAnswer = outageTeller(options.events);
  }

  /** Keeps what a learner learns from now on. @throws RangeError when another one has its key. */
  keep<State>(learner: Learner<State>): LearntState<State> {
    if (this.#states.has(learner.key)) throw new RangeError(`two learners are kept as ${learner.key}`);
    const state = new LearntState(learner, {
      ...this.#options,
      onAnswer: this.#onAnswer,
    });
    this.#states.set(learner.key, state as LearntState<unknown>);
    return state;
  }

  /** Takes over what is stored for all learners. Resolves in a moment, whatever the store does. */
  async load(): Promise<void> {
    await Promise.all(Array.from(this.#states.values(), (state) => state.load()));
  }

  /** Writes what was not written yet, for at most two seconds. */
  async close(): Promise<void> {
    await Promise.all(Array.from(this.#states.values(), (state) => state.close()));
  }
}
