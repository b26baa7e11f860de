import type { Target } from '../../core/model/target.ts';
import type { RefusedParameter } from '../../core/adapt/refused-parameter.ts';
import type { FailureKind } from '../../core/resilience/failure.ts';
import type { Candidate } from '../../core/resilience/next-attempt.ts';
import type { HealthState } from '../../core/resilience/target-health.ts';
import type { AttemptEnd } from './attempt-end.ts';
import type { ResilienceOptions } from './resilience-options.ts';
import type { TargetEntry } from './target-book.ts';

/** One target of a call and what the call has made of it. @internal */
export interface CallCandidate {
  readonly target: Target;
  readonly entry: TargetEntry;
  visits: number;
  isSpent: boolean;
  /** Keys of the provider that refused this call, or asked for a pause. */
  readonly spentKeys: Set<number>;
  /** Of these, those that asked for a pause. */
  readonly pausedKeys: Set<number>;
  /** Visits that say nothing against another one: made again at once with another key, or called off because another attempt was faster. */
  uncounted: number;
  /** Parameters that the target refused of this call, to be left out. */
  readonly refused: Set<RefusedParameter>;
  /** Whether the target refused what was added for its prompt cache. */
  refusesMarks: boolean;
}

/** Failures after which a call has no use for the target any more. */
const SPENDING: ReadonlySet<FailureKind> = new Set(['refused', 'silent', 'missing', 'too-long', 'filtered']);

/** The targets of a call, in the order of its plan. @internal */
export class CallCandidates {
  readonly list: readonly CallCandidate[];
  readonly #options: ResilienceOptions;

  constructor(targets: readonly Target[], options: ResilienceOptions) {
    this.#options = options;
    this.list = targets.map((target) => ({
      target,
      entry: options.book.entry(target),
      visits: 0,
      isSpent: false,
      spentKeys: new Set(),
      pausedKeys: new Set(),
      uncounted: 0,
      refused: new Set(),
      refusesMarks: false,
    }));
  }

  at(index: number): CallCandidate {
    return this.list[index] as CallCandidate;
  }

  /** As the choice of the next attempt sees them. */
  states(): readonly Candidate[] {
    return this.list.map(({ entry, visits, uncounted, isSpent }, index) => ({
      state: this.stateOf(index),
      visits: visits - uncounted,
      isSpent,
      mayRetry: entry.budget.mayRetry,
    }));
  }

  stateOf(index: number): HealthState {
    const { entry, spentKeys } = this.at(index);
    return entry.state(this.#options.clock.nowMs(), spentKeys, this.list.length === 1);
  }

  /** When the first of them may be asked again. Unix milliseconds. */
  restUntilMs(): number {
    return Math.min(...this.list.map(({ entry }) => entry.restsUntilMs()));
  }

  /** Takes in how an attempt failed. Returns whether another key of the same target is to be tried at once. */
  note({ index, failure, keyIndex }: AttemptEnd): boolean {
    const candidate = this.at(index);
    if (failure === 'left') candidate.uncounted += 1;
    if (candidate.entry.hasKeys && (failure === 'refused' || failure === 'limited')) {
      if (this.#hasOtherKey(candidate, keyIndex, failure)) return true;
      if (candidate.pausedKeys.size > 0) return false;
    }
    if (failure !== undefined && failure !== 'left' && SPENDING.has(failure)) candidate.isSpent = true;
    if (failure === 'too-long') this.#dropSmaller(candidate.target);
    return false;
  }

  #hasOtherKey(candidate: CallCandidate, keyIndex: number, failure: 'refused' | 'limited'): boolean {
    const { entry, spentKeys, pausedKeys } = candidate;
    spentKeys.add(keyIndex);
    if (failure === 'limited') pausedKeys.add(keyIndex);
    const state = entry.state(this.#options.clock.nowMs(), spentKeys);
    if (state === 'good' || state === 'probe') {
      candidate.uncounted += 1;
      return true;
    }
    // None is left: those that asked for a pause may be asked again behind it.
    for (const key of pausedKeys) spentKeys.delete(key);
    return false;
  }

  /** What did not fit one model is tried only where more fits. */
  #dropSmaller(target: Target): void {
    const size = this.#options.contextWindowOf(target) ?? 0;
    for (const candidate of this.list) {
      if ((this.#options.contextWindowOf(candidate.target) ?? 0) <= size) candidate.isSpent = true;
    }
  }
}
