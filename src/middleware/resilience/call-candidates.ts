import type { Target } from '../../core/model/target.ts';
import type { RefusedParameter } from '../../core/adapt/refused-parameter.ts';
import type { FailureKind } from '../../core/resilience/failure.ts';
import type { Candidate } from '../../core/resilience/next-attempt.ts';
import type { AttemptEnd } from './attempt-end.ts';
import type { ResilienceOptions } from './resilience-options.ts';
import type { TargetEntry } from './target-book.ts';

/** One target of a call and what the call has made of it. @internal */
export interface CallCandidate {
  readonly target: Target;
  readonly entry: TargetEntry;
  visits: number;
  isSpent: boolean;
  /** Keys of the provider that refused this call. */
  readonly spentKeys: Set<number>;
  /** Parameters that the target refused of this call, to be left out. */
  readonly refused: Set<RefusedParameter>;
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
      refused: new Set(),
    }));
  }

  at(index: number): CallCandidate {
    return this.list[index] as CallCandidate;
  }

  /** As the choice of the next attempt sees them. */
  states(): readonly Candidate[] {
    const nowMs = this.#options.clock.nowMs();
    return this.list.map(({ entry, visits, isSpent, spentKeys }) => ({
      state: entry.state(nowMs, spentKeys),
      visits,
      isSpent,
      mayRetry: entry.budget.mayRetry,
    }));
  }

  /** When the first of them may be asked again. Unix milliseconds. */
  restUntilMs(): number {
    return Math.min(...this.list.map(({ entry }) => entry.restsUntilMs()));
  }

  /** Takes in how an attempt failed. Returns whether another key of the same target is to be tried at once. */
  note({ index, failure, keyIndex }: AttemptEnd): boolean {
    const candidate = this.at(index);
    const { entry, spentKeys } = candidate;
    if (entry.hasKeys && (failure === 'refused' || failure === 'limited')) {
      spentKeys.add(keyIndex);
      const state = entry.state(this.#options.clock.nowMs(), spentKeys);
      if (state === 'good' || state === 'probe') return true;
    }
    if (failure !== undefined && failure !== 'left' && SPENDING.has(failure)) candidate.isSpent = true;
    if (failure === 'too-long') this.#dropSmaller(candidate.target);
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
