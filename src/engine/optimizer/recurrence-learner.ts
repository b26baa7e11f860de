import type { RecurrenceSummary } from '../../core/prefix/recurrence-counts.ts';
import type { TargetPrefixes } from '../../middleware/prefix/target-prefixes.ts';
import type { Learner } from '../learnt-state.ts';

/** What was learnt of how prompts come again, by target. */
type Summaries = Readonly<Record<string, RecurrenceSummary>>;

/** Targets that are kept, with some 8 KB each: a state holds 64 KB. */
const KEPT_TARGETS = 6;

/** Keeps what planners have learnt. A planner takes it up when it is made; of several processes the last one's stands. @internal */
export class RecurrenceLearner implements Learner<Summaries> {
  readonly key = 'recurrence/v1';
  readonly #targets: ReadonlyMap<string, TargetPrefixes>;
  #stored: Summaries = {};

  constructor(targets: ReadonlyMap<string, TargetPrefixes>) {
    this.#targets = targets;
  }

  /** What an earlier process learnt of a target. */
  storedOf(target: string): RecurrenceSummary | undefined {
    return this.#stored[target];
  }

  readonly snapshot = (): Summaries => {
    const own = [...this.#targets].flatMap(([target, prefixes]) => {
      const summary = prefixes.summary();
      return summary === undefined ? [] : [[target, rounded(summary)] as const];
    });
    return Object.fromEntries([...Object.entries(this.#stored), ...own].slice(-KEPT_TARGETS));
  };

  readonly adopt = (state: Summaries): void => {
    this.#stored = state;
  };

  readonly merge = (local: Summaries, stored: Summaries): Summaries =>
    Object.fromEntries(Object.entries({ ...stored, ...local }).slice(-KEPT_TARGETS));

  /** What does not fit is left aside by the planner that is to take it up. */
  readonly parse = (value: unknown): Summaries | undefined =>
    typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Summaries) : undefined;
}

/** Counts to a thousandth: more says nothing. */
function rounded({ version, reused, seen }: RecurrenceSummary): RecurrenceSummary {
  return { version, reused: reused.map((count) => short(count)), seen: seen.map((count) => short(count)) };
}

function short(count: number): number {
  return Math.round(count * 1000) / 1000;
}
