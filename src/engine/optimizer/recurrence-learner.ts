import type { RecurrenceSummary } from '../../core/prefix/recurrence-counts.ts';
import type { TargetPrefixes } from '../../middleware/prefix/target-prefixes.ts';
import type { Learner } from '../learnt-state.ts';

/** What was learnt of how prompts come again, by target. */
type Summaries = Readonly<Record<string, RecurrenceSummary>>;

/** What the kept counts may be together, in characters of JSON: a state holds 64 KB, a target needs up to 12. */
const MAX_CHARS = 60_000;

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
    return kept({ ...this.#stored }, own);
  };

  readonly adopt = (state: Summaries): void => {
    this.#stored = state;
  };

  readonly merge = (local: Summaries, stored: Summaries): Summaries => kept(stored, Object.entries(local));

  /** What does not fit is left aside by the planner that is to take it up. */
  readonly parse = (value: unknown): Summaries | undefined =>
    typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Summaries) : undefined;
}

/** As many as fit, those of this process first. */
function kept(stored: Summaries, own: readonly (readonly [string, RecurrenceSummary])[]): Summaries {
  const others = Object.entries(stored).filter(([target]) => !own.some(([name]) => name === target));
  const fitting: [string, RecurrenceSummary][] = [];
  let chars = 0;
  for (const [target, summary] of [...own.toReversed(), ...others.toReversed()]) {
    chars += target.length + JSON.stringify(summary).length;
    if (chars > MAX_CHARS) break;
    fitting.push([target, summary]);
  }
  return Object.fromEntries(fitting.toReversed());
}

/** Counts to a thousandth: more says nothing. */
function rounded({ version, reused, seen }: RecurrenceSummary): RecurrenceSummary {
  return { version, reused: reused.map((count) => short(count)), seen: seen.map((count) => short(count)) };
}

function short(count: number): number {
  return Math.round(count * 1000) / 1000;
}
