import { createHash } from 'node:crypto';
import { FarthingError } from '../../core/errors.ts';
import type { UnansweredPolicy } from '../../core/model/deferred-call.ts';
import type { Tags } from '../../core/model/caller.ts';
import { type NanoUsd, parseUsd } from '../../core/money.ts';
import { systemClock } from '../../engine/system-ports.ts';
import type { Clock } from '../../ports/clock.ts';
import { callHeaders } from '../call-headers.ts';
import { type BatchEstimate, batchEstimate } from './batch-estimate.ts';
import type { BatchItem } from './batch-item.ts';
import type { BatchResult } from './batch-result.ts';
import type { BatchRunner } from './batch-runner.ts';
import type { BatchEngine } from './item-call.ts';
import { resultOf } from './item-outcome.ts';
import { DeferredRun } from './deferred-run.ts';
import { LiveRun } from './live-run.ts';
import type { PromptSettings } from './prepared-item.ts';
import { type BatchProgress, type BatchSummary, RunTally } from './run-tally.ts';

/** How a {@link BatchProcessor} is made. @public */
export interface BatchProcessorOptions {
  /** The engine that makes the calls. It stays open: whoever made it closes it. */
  readonly farthing: BatchEngine;
  /**
   * `live` asks each item at once. `batch` sends the items through their providers' Batch APIs, at half the price and within a day: pace, groups and patience mean nothing then. With
   * `resume` the run is kept in the engine's `storage` under that name, and is taken up again from there; `cutSignal` leaves it as it is, and `signal` cancels it.
   * @defaultValue 'live'
   */
  readonly mode?: 'live' | 'batch';
  /**
   * In mode `batch`: what is done with an item that comes back without an answer. It goes into another batch (at most three in all), is asked live at the usual price, or is an error.
   * @defaultValue 'batch'
   */
  readonly onUnanswered?: UnansweredPolicy;
  /** The model of items that name none: an alias, a plain name or `provider/model`. @defaultValue items without one are errors */
  readonly model?: string;
  /** The system prompt of prompts that have none. @defaultValue none */
  readonly system?: string;
  /**
   * Output limit of prompts that have none, in tokens. Requests are sent as they are.
   * @defaultValue 1_024
   */
  readonly maxOutputTokens?: number;
  /** Of prompts that have none; 0 makes them cacheable in mode `deterministic`. @defaultValue the provider's, which is not 0 */
  readonly temperature?: number;
  /** Declares the items cacheable (`on`) or not (`off`) in mode `declared`. @defaultValue the mode decides */
  readonly cache?: 'on' | 'off';
  /** The route that picks targets, by name; `off`: the model and no other. @defaultValue the first that matches */
  readonly route?: string;
  /** Who pays: user, feature, session ... @defaultValue none */
  readonly tags?: Tags;
  /**
   * Calls at a time, at the most. Where nothing is known of the provider's limits it begins with four, and adapts.
   * @defaultValue 16
   */
  readonly concurrency?: number;
  /** Requests a minute, evenly over it. @defaultValue as many as the provider says it lets through */
  readonly requestsPerMinute?: number;
  /** Tokens a minute, in and out, evenly over it. @defaultValue as many as the provider says it lets through */
  readonly tokensPerMinute?: number;
  /**
   * Share of what the provider's limits hold that is left free (0..1), so that other calls of the account need not wait behind the run. It is a level, not a
   * rate: what comes in is used in full.
   * @defaultValue 0.05
   */
  readonly freeRatio?: number;
  /** After so many items all of them must have ended, and there is a pause of `groupDelayMs`. @defaultValue no groups */
  readonly groupSize?: number;
  /** Pause between groups, in milliseconds. Only with `groupSize`. @defaultValue 0 */
  readonly groupDelayMs?: number;
  /**
   * What the run may spend, as decimal dollars: `'12.50'`. An attempt (retries and fallbacks, too) is made only while the most that it can cost is left. Items that
   * do not fit any more are errors of code `budget-spent`. With `resume` it counts what was spent before; not what was in flight when the process died.
   * @defaultValue budgets of the engine alone
   */
  readonly maxUsd?: string;
  /**
   * A file in which answers are kept as they come, so that the same run, started again after whatever ended it, asks for none of them twice. What was in flight at a
   * kill is asked again, and so is what ended in an error. Items are known by their contents: only those that changed are asked anew. One process at a time: in mode
   * `live` a second one is refused; in mode `batch` nobody hinders it, and two that begin the same run at once pay for its items twice.
   * @defaultValue nothing is kept
   */
  readonly resume?: string;
  /** Whether that file is removed once every item has been answered. @defaultValue false */
  readonly dropsJournal?: boolean;
  /**
   * For how long an item is asked again that limits turn away (429), in milliseconds, before that is its error.
   * @defaultValue 600_000
   */
  readonly patienceMs?: number;
  /** Items that are begun ahead of the first whose result is not handed out yet. Bounds memory, with `maxHeldBytes`. @defaultValue 10_000 */
  readonly maxHeldItems?: number;
  /** Bytes of results that wait for those before them. @defaultValue 64_000_000 */
  readonly maxHeldBytes?: number;
  /** Told how far the run is, at most five times a second. @defaultValue nobody is told */
  readonly onProgress?: (progress: BatchProgress) => void;
  /** @defaultValue the machine's clock */
  readonly clock?: Clock;
}

/** How one run is watched and ended. @public */
export interface BatchRunOptions {
  /** When it fires nothing more is begun; what runs ends, and its results are handed out. @defaultValue never fires */
  readonly signal?: AbortSignal;
  /** When it fires what runs is cut as well: those items are errors of code `client-left`. @defaultValue never fires */
  readonly cutSignal?: AbortSignal;
  /** How many items there are, for progress. @defaultValue the length of an array, else nobody knows */
  readonly total?: number;
}

/** A run under way: read it once, to its end. Leaving it early cuts what runs. @public */
export interface BatchRun extends AsyncIterable<BatchResult> {
  /** In mode `batch`: under which the engine's `storage` keeps the run. Undefined in mode `live`. */
  readonly name: string | undefined;
  /** What came of it, up to now. */
  summary(): BatchSummary;
}

/** All results of a run. @public */
export interface BatchOutcome {
  readonly results: readonly BatchResult[];
  readonly summary: BatchSummary;
}

const DEFAULTS = {
  maxOutputTokens: 1024,
  concurrency: 16,
  freeRatio: 0.05,
  groupDelayMs: 0,
  patienceMs: 600_000,
  maxHeldItems: 10_000,
  maxHeldBytes: 64_000_000,
} as const;

/**
 * Answers many prompts: as many at a time as limits allow, results in the order of the items, errors that belong to one item and stop no other. Items stream in and
 * results stream out, so that a million of them fit in little memory.
 *
 * Equal items are asked once: a repeat gets the answer of the first one where that is in flight, waits to be handed out, or stands in the `resume` file; else
 * it goes through the response cache, and is asked again where that lacks it.
 *
 * @example
 * ```ts
 * const farthing = createFarthing({ apiKeys: { openai: key } });
 * const processor = new BatchProcessor({ farthing, model: 'gpt-5.4-mini', maxUsd: '5', resume: './run.journal' });
 * for await (const result of processor.run(['What is a farthing?', 'What is a groat?'])) {
 *   console.log(result.kind === 'answer' ? result.content : result.error.code);
 * }
 * ```
 * @public
 */
export class BatchProcessor {
  readonly #options: BatchProcessorOptions;
  readonly #maxNanoUsd: NanoUsd | undefined;

  /** @throws FarthingError `configuration` for an option that makes no sense. */
  constructor(options: BatchProcessorOptions) {
    checkOptions(options);
    this.#options = options;
    this.#maxNanoUsd = options.maxUsd === undefined ? undefined : readMaxUsd(options.maxUsd);
  }

  /**
   * Begins a run when the result is read.
   * @throws FarthingError while it is read: `configuration` for a `resume` file of another run or process, `store-unavailable` when it cannot be written; and what
   *   `items` throws. Never for an item.
   */
  run(items: AsyncIterable<BatchItem> | Iterable<BatchItem>, options: BatchRunOptions = {}): BatchRun {
    const { clock = systemClock, onProgress } = this.#options;
    const total = options.total ?? (Array.isArray(items) ? items.length : undefined);
    const tally = new RunTally({ clock, onProgress, total });
    const runner: BatchRunner = this.#options.mode === 'batch' ? this.#deferred(clock) : this.#live(clock);
    let isRead = false;
    const isStopped = (): boolean => options.signal?.aborted === true || options.cutSignal?.aborted === true;
    return {
      name: runner.name,
      summary: () => tally.summary(runner.unspentNanoUsd, isStopped()),
      [Symbol.asyncIterator]: () => {
        if (isRead) throw new FarthingError('configuration', 'a run is read once; begin another one');
        isRead = true;
        return results(runner, tally, items, options);
      },
    };
  }

  /**
   * Answers all items, and holds all results: for as many as fit in memory.
   * @throws FarthingError as {@link run} does.
   */
  async process(items: readonly BatchItem[], options: BatchRunOptions = {}): Promise<BatchOutcome> {
    const run = this.run(items, options);
    const collected: BatchResult[] = [];
    for await (const result of run) collected.push(result);
    return { results: collected, summary: run.summary() };
  }

  /**
   * What a run of these items is likely to cost, and at the most; nothing is sent. Reads them through: give it an iterable that can be read again.
   * @throws FarthingError `configuration` for an engine that {@link createFarthing} has not made.
   */
  estimate(items: AsyncIterable<BatchItem> | Iterable<BatchItem>): Promise<BatchEstimate> {
    const { farthing, clock = systemClock } = this.#options;
    return batchEstimate(farthing, items, this.#prompts(), clock.nowMs());
  }

  #prompts(): PromptSettings {
    const { farthing, model, system, temperature, maxOutputTokens = DEFAULTS.maxOutputTokens } = this.#options;
    return { model, system, maxOutputTokens, temperature, protocolOf: (name) => farthing.protocolOf(name) };
  }

  #deferred(clock: Clock): DeferredRun {
    const { farthing, route, cache, tags, resume: name, dropsJournal = false, onUnanswered = 'batch' } = this.#options;
    const settings = settingsOf(this.#options);
    return new DeferredRun({
      engine: farthing,
      prompts: this.#prompts(),
      maxNanoUsd: this.#maxNanoUsd,
      headers: callHeaders({ route, cache, tags }),
      resume: name === undefined ? undefined : { name, settings, isDropped: dropsJournal },
      onUnanswered,
      clock,
    });
  }

  #live(clock: Clock): LiveRun {
    const options = { ...DEFAULTS, ...this.#options };
    const { farthing, groupSize, resume } = options;
    const headers = callHeaders({ route: options.route, cache: options.cache, tags: options.tags });
    const { concurrency, requestsPerMinute, tokensPerMinute, freeRatio } = options;
    return new LiveRun({
      engine: farthing,
      prompts: this.#prompts(),
      pace: { concurrency, requestsPerMinute, tokensPerMinute, freeRatio },
      group: groupSize === undefined ? undefined : { size: groupSize, delayMs: options.groupDelayMs },
      maxNanoUsd: this.#maxNanoUsd,
      headers,
      journal:
        resume === undefined
          ? undefined
          : { path: resume, settings: settingsOf(this.#options), isDropped: options.dropsJournal === true },
      window: { maxItems: options.maxHeldItems, maxBytes: options.maxHeldBytes },
      patienceMs: options.patienceMs,
      clock,
    });
  }
}

async function* results(
  runner: BatchRunner,
  tally: RunTally,
  items: AsyncIterable<BatchItem> | Iterable<BatchItem>,
  options: BatchRunOptions,
): AsyncGenerator<BatchResult> {
  const cut = options.cutSignal ?? new AbortController().signal;
  const stop = options.signal === undefined ? cut : AbortSignal.any([cut, options.signal]);
  let isBegun = false;
  try {
    for await (const { label, outcome, origin } of runner.ends(items, { stop, cut })) {
      if (!isBegun) tally.addCost(runner.lostNanoUsd);
      isBegun = true;
      tally.note(outcome, origin);
      yield resultOf(label, outcome, origin);
    }
  } finally {
    tally.end();
  }
}

/** What decides about answers beside the items themselves; who pays and how fast does not. */
function settingsOf({ model, system, maxOutputTokens, temperature, route, cache }: BatchProcessorOptions): string {
  const limit = maxOutputTokens ?? DEFAULTS.maxOutputTokens;
  const settings = [model ?? null, system ?? null, limit, temperature ?? null, route ?? null, cache ?? null];
  return createHash('sha256').update(JSON.stringify(settings)).digest('hex');
}

function readMaxUsd(text: string): NanoUsd {
  try {
    const amount = parseUsd(text);
    if (amount >= 0) return amount;
  } catch {
    // As for a negative amount.
  }
  throw wrong('maxUsd', 'an amount of dollars, as decimal digits');
}

const WHOLE = ['maxOutputTokens', 'concurrency', 'groupSize', 'maxHeldItems', 'maxHeldBytes'] as const;
const MODES: ReadonlySet<string> = new Set(['live', 'batch']);
const UNANSWERED: ReadonlySet<string> = new Set(['batch', 'live', 'fail']);
const POSITIVE = ['requestsPerMinute', 'tokensPerMinute'] as const;

function wrong(name: string, what: string): FarthingError {
  return new FarthingError('configuration', `${name} must be ${what}`, { param: name });
}

function checkOptions(options: BatchProcessorOptions): void {
  for (const name of WHOLE) {
    const value = options[name];
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= 1)) throw wrong(name, 'a whole number from 1');
  }
  for (const name of POSITIVE) {
    const value = options[name];
    if (value !== undefined && !(Number.isFinite(value) && value > 0)) throw wrong(name, 'a number above 0');
  }
  const { freeRatio = 0, groupDelayMs = 0, patienceMs = 0, groupSize, model } = options;
  // A word that nobody knows must not be the dearer way.
  if (!MODES.has(options.mode ?? 'live')) throw wrong('mode', "'live' or 'batch'");
  if (!UNANSWERED.has(options.onUnanswered ?? 'batch')) throw wrong('onUnanswered', "'batch', 'live' or 'fail'");
  if (options.resume === '') throw wrong('resume', 'a name');
  if (!(freeRatio >= 0 && freeRatio < 1)) throw wrong('freeRatio', 'from 0 to below 1');
  if (!(groupDelayMs >= 0)) throw wrong('groupDelayMs', 'a number from 0');
  if (!(patienceMs >= 0)) throw wrong('patienceMs', 'a number from 0');
  if (options.groupDelayMs !== undefined && groupSize === undefined) throw wrong('groupDelayMs', 'beside a groupSize');
  if (model === '') throw wrong('model', 'a name');
}
