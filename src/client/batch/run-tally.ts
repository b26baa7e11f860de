import type { ErrorCode } from '../../core/errors.ts';
import { inputTokensOf, outputTokensOf } from '../../core/model/usage.ts';
import { formatUsd, type NanoUsd } from '../../core/money.ts';
import type { Clock } from '../../ports/clock.ts';
import { type ItemOrigin, type ItemOutcome, repeatSaving } from './item-outcome.ts';

/** How far a run is. @public */
export interface BatchProgress {
  /** Items whose result has been handed out. */
  readonly done: number;
  /** Undefined: nobody said how many there are. */
  readonly total: number | undefined;
  readonly errors: number;
  readonly fromCache: number;
  /** Dollars as text, of the whole run: with what was spent before it was taken up again. */
  readonly spentUsd: string;
  readonly savedUsd: string;
  /** Items a second, lately. */
  readonly ratePerSecond: number;
  /** Undefined: nobody can say yet. */
  readonly remainingMs: number | undefined;
}

/** What came of a run. Money is of the whole run, also what was spent before it was taken up again. @public */
export interface BatchSummary {
  /** Items with a result; fewer than there were when the run was stopped. */
  readonly items: number;
  readonly answered: number;
  readonly failed: number;
  /** Failed items by the code of their error. */
  readonly failures: Readonly<Partial<Record<ErrorCode, number>>>;
  readonly fromCache: number;
  /** Equal to an item before them. */
  readonly repeats: number;
  /** Answered before the run was taken up again. */
  readonly resumed: number;
  /** Decimal dollars; without answers of models that have no price, which are in `unpriced`. */
  readonly costUsd: string;
  readonly savedUsd: string;
  readonly unpriced: number;
  /** Tokens of answers; of those from the cache, too. */
  readonly tokens: { readonly input: number; readonly output: number };
  readonly durationMs: number;
  /** What is left of `maxUsd`; undefined where there is none. */
  readonly unspentUsd: string | undefined;
  /** Whether it was stopped before its end. */
  readonly isStopped: boolean;
}

/** A person sees no more, in milliseconds. */
const TELL_EVERY_MS = 200;

/** The rate is that of so many milliseconds, so that it follows what changes. Ours. */
const RATE_WINDOW_MS = 10_000;

/** Counts what comes of a run. @internal */
export class RunTally {
  readonly #clock: Clock;
  readonly #onProgress: ((progress: BatchProgress) => void) | undefined;
  readonly #total: number | undefined;
  readonly #startedAt: number;
  readonly #counts = { items: 0, answered: 0, fromCache: 0, repeats: 0, resumed: 0, unpriced: 0, input: 0, output: 0 };
  readonly #failures: Partial<Record<ErrorCode, number>> = {};
  #spent: bigint;
  #saved = 0n;
  #toldAt = Number.NEGATIVE_INFINITY;
  #mark: { readonly at: number; readonly items: number };
  #rate = 0;

  constructor(options: {
    readonly clock: Clock;
    readonly onProgress: ((progress: BatchProgress) => void) | undefined;
    readonly total: number | undefined;
  }) {
    this.#clock = options.clock;
    this.#onProgress = options.onProgress;
    this.#total = options.total;
    this.#spent = 0n;
    this.#startedAt = options.clock.monotonicMs();
    this.#mark = { at: this.#startedAt, items: 0 };
  }

  /** An item's result is handed out. */
  note(outcome: ItemOutcome, { isRepeat, isResumed }: ItemOrigin): void {
    const counts = this.#counts;
    counts.items += 1;
    if (isRepeat) counts.repeats += 1;
    if (isResumed) counts.resumed += 1;
    if (!isRepeat) this.#spent += BigInt(outcome.costNanoUsd ?? 0);
    if (outcome.kind === 'error') {
      const { code } = outcome.error;
      this.#failures[code] = (this.#failures[code] ?? 0) + 1;
    } else {
      counts.answered += 1;
      if (outcome.fromCache) counts.fromCache += 1;
      if (outcome.costNanoUsd === undefined) counts.unpriced += 1;
      counts.input += inputTokensOf(outcome.usage);
      counts.output += outputTokensOf(outcome.usage);
      this.#saved += BigInt((isRepeat ? repeatSaving(outcome) : outcome.savedNanoUsd) ?? 0);
    }
    this.#tell();
  }

  /** Money that items cost which the run has no result of: those that failed before it was taken up again. */
  addCost(costNanoUsd: NanoUsd): void {
    this.#spent += BigInt(costNanoUsd);
  }

  /** Tells how far the run is, now that it is over. */
  end(): void {
    this.#toldAt = Number.NEGATIVE_INFINITY;
    this.#tell();
  }

  summary(unspentNanoUsd: NanoUsd | undefined, isStopped: boolean): BatchSummary {
    const { items, answered, fromCache, repeats, resumed, unpriced, input, output } = this.#counts;
    return {
      items,
      answered,
      failed: items - answered,
      failures: { ...this.#failures },
      fromCache,
      repeats,
      resumed,
      costUsd: formatUsd(this.#spent),
      savedUsd: formatUsd(this.#saved),
      unpriced,
      tokens: { input, output },
      durationMs: Math.round(this.#clock.monotonicMs() - this.#startedAt),
      unspentUsd: unspentNanoUsd === undefined ? undefined : formatUsd(unspentNanoUsd),
      isStopped,
    };
  }

  #tell(): void {
    if (this.#onProgress === undefined) return;
    const now = this.#clock.monotonicMs();
    if (now - this.#toldAt < TELL_EVERY_MS) return;
    this.#toldAt = now;
    const { items, answered, fromCache } = this.#counts;
    const ratePerSecond = this.#rateAt(now);
    const left = this.#total === undefined ? undefined : Math.max(0, this.#total - items);
    this.#onProgress({
      done: items,
      total: this.#total,
      errors: items - answered,
      fromCache,
      spentUsd: formatUsd(this.#spent),
      savedUsd: formatUsd(this.#saved),
      ratePerSecond,
      remainingMs: left === undefined || ratePerSecond === 0 ? undefined : Math.round((left / ratePerSecond) * 1000),
    });
  }

  #rateAt(now: number): number {
    const elapsedMs = now - this.#mark.at;
    if (elapsedMs <= 0) return this.#rate;
    const rate = ((this.#counts.items - this.#mark.items) * 1000) / elapsedMs;
    if (elapsedMs < RATE_WINDOW_MS)
      return this.#rate === 0 ? rate : (rate * elapsedMs + this.#rate * (RATE_WINDOW_MS - elapsedMs)) / RATE_WINDOW_MS;
    this.#rate = rate;
    this.#mark = { at: now, items: this.#counts.items };
    return rate;
  }
}
