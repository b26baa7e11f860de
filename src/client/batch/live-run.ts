import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { HashTable } from '../../core/batch/hash-table.ts';
import { RunPurse } from '../../core/batch/run-purse.ts';
import type { RatePacerOptions } from '../../core/limit/rate-pacer.ts';
import { type NanoUsd, ZERO_USD } from '../../core/money.ts';
import type { Clock } from '../../ports/clock.ts';
import type { BatchItem } from './batch-item.ts';
import type { BatchRunner, ItemEnd, RunSignals } from './batch-runner.ts';
import { CallGate, type Pass } from './call-gate.ts';
import { ItemAsker } from './item-asker.ts';
import type { BatchEngine } from './item-call.ts';
import type { ItemLabel, ItemOrigin, ItemOutcome } from './item-outcome.ts';
import { ItemSource } from './item-source.ts';
import { OrderedWindow, type Weighed, type WindowBounds } from './ordered-window.ts';
import { preparedItem, type PreparedItem, type PromptSettings, REMEMBERED_ITEMS } from './prepared-item.ts';
import { RunJournal } from './run-journal.ts';

/** Where a run is kept, so that it can be taken up again. @internal */
interface JournalTerms {
  readonly path: string;
  /** Names what decides about answers beside the items. */
  readonly settings: string;
  /** Whether the file is removed once every item is answered. */
  readonly isDropped: boolean;
}

/** How items are asked one by one. @internal */
export interface LiveRunOptions {
  readonly engine: BatchEngine;
  readonly prompts: PromptSettings;
  readonly pace: RatePacerOptions;
  /** Undefined: no pauses. */
  readonly group: { readonly size: number; readonly delayMs: number } | undefined;
  readonly maxNanoUsd: NanoUsd | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly journal: JournalTerms | undefined;
  readonly window: WindowBounds;
  readonly patienceMs: number;
  readonly clock: Clock;
}

/** What a result weighs beside the answer's text: the record's usage, and the objects around it. Measured: 27 MB for 10,000. */
const RESULT_BYTES = 2500;

const FIRST: ItemOrigin = { isRepeat: false, isResumed: false };
const REPEAT: ItemOrigin = { isRepeat: true, isResumed: false };

interface HeldEnd extends ItemEnd {
  /** Called when the result is handed out. */
  readonly letGo: (() => void) | undefined;
}

/** Answers the items of one run by calls of their own, which are made at once. @internal */
export class LiveRun implements BatchRunner {
  readonly name: undefined;
  readonly #options: LiveRunOptions;
  readonly #window: OrderedWindow<HeldEnd>;
  readonly #gate: CallGate;
  /** Only so that repeats are told from others. */
  readonly #seen = new HashTable({ hashWords: 2, valueBytes: 1 }, REMEMBERED_ITEMS);
  /** Outcomes that are coming, or have come and were not handed out, by the hash of their item. */
  readonly #held = new Map<string, Promise<ItemOutcome>>();
  readonly #underWay = new Set<Promise<unknown>>();
  #journal: RunJournal | undefined;
  #purse: RunPurse | undefined;
  #asker: ItemAsker | undefined;
  #asked = 0;
  #hasFailures = false;

  constructor(options: LiveRunOptions) {
    this.#options = options;
    this.#window = new OrderedWindow(options.window);
    this.#gate = new CallGate(options.pace, options.clock);
  }

  get lostNanoUsd(): NanoUsd {
    return this.#journal?.lostNanoUsd ?? ZERO_USD;
  }

  get unspentNanoUsd(): NanoUsd | undefined {
    return this.#purse?.leftNanoUsd;
  }

  async *ends(items: AsyncIterable<BatchItem> | Iterable<BatchItem>, signals: RunSignals): AsyncGenerator<ItemEnd> {
    const leave = new AbortController();
    const cut = AbortSignal.any([signals.cut, leave.signal]);
    const stop = AbortSignal.any([signals.stop, leave.signal]);
    // Every call under way listens to them.
    setMaxListeners(0, cut, stop);
    const asker = await this.#open(cut);
    const source = new ItemSource(items, stop);
    const feeding = this.#feed(source, asker, stop);
    let isWhole = false;
    try {
      for (;;) {
        // oxlint-disable-next-line no-await-in-loop -- in their order
        const held = await this.#window.next();
        if (held === undefined) break;
        held.letGo?.();
        if (held.outcome.kind === 'error') this.#hasFailures = true;
        yield held;
      }
      isWhole = !signals.stop.aborted;
    } finally {
      // What is still under way is nobody's any more: the reader left, or answers cannot be kept.
      leave.abort();
      this.#window.end();
      await feeding;
      await Promise.allSettled(this.#underWay);
      this.#gate.close();
      await source.close();
      await this.#journal?.close(this.#options.journal?.isDropped === true && isWhole && !this.#hasFailures);
    }
  }

  async #open(cutSignal: AbortSignal): Promise<ItemAsker> {
    const { journal, maxNanoUsd, engine, headers, patienceMs, clock } = this.#options;
    if (journal !== undefined) this.#journal = await RunJournal.open(journal.path, journal.settings);
    const spent = this.#journal?.spentNanoUsd ?? ZERO_USD;
    if (maxNanoUsd !== undefined) this.#purse = new RunPurse(maxNanoUsd, spent, () => this.#asker?.moneyFreed());
    this.#asker = new ItemAsker({
      engine,
      gate: this.#gate,
      purse: this.#purse,
      headers,
      patienceMs,
      cutSignal,
      clock,
    });
    return this.#asker;
  }

  /** Begins items as there is room for them. Never rejects: what goes wrong is told to whoever reads. */
  async #feed(source: ItemSource, asker: ItemAsker, stop: AbortSignal): Promise<void> {
    try {
      for (let index = 0; ; index += 1) {
        // oxlint-disable-next-line no-await-in-loop -- one item after the other
        const next = await source.next();
        if (next === undefined) break;
        // oxlint-disable-next-line no-await-in-loop
        await this.#window.room();
        if (stop.aborted || this.#window.isOver) break;
        // oxlint-disable-next-line no-await-in-loop
        if (!(await this.#begin(next.item, index, asker, stop))) break;
      }
      this.#window.end();
    } catch (error) {
      this.#window.end(error);
    }
  }

  /** Begins one item; false when its turn never came. */
  async #begin(given: BatchItem, index: number, asker: ItemAsker, stop: AbortSignal): Promise<boolean> {
    const item = preparedItem(given, index, this.#options.prompts);
    if (item.kind === 'fault') {
      const { id, error } = item;
      const outcome: ItemOutcome = { kind: 'error', error, body: undefined, costNanoUsd: ZERO_USD, callId: undefined };
      this.#hold({ index, id, endpoint: 'chat' }, outcome, FIRST);
      return true;
    }
    const label: ItemLabel = { index, id: item.id, endpoint: item.endpoint };
    const held = this.#held.get(item.hashHex);
    if (held !== undefined) {
      this.#window.begin(held.then((outcome) => weighed(label, outcome, REPEAT)));
      return true;
    }
    const kept = await this.#journal?.answerOf(item.hash, item.hashHex);
    if (kept !== undefined) {
      this.#hold(label, kept.answer, kept);
      return true;
    }
    await this.#pauseBetweenGroups(stop);
    const turn = await asker.turn(item, stop);
    if (turn === undefined) return false;
    this.#asked += 1;
    this.#ask(label, item, asker, turn);
    return true;
  }

  #ask(label: ItemLabel, item: PreparedItem, asker: ItemAsker, turn: Pass): void {
    const { hashHex } = item;
    const isRepeat = this.#journal === undefined && this.#seen.get(item.hash) !== undefined;
    if (this.#journal === undefined) this.#seen.set(item.hash, 0);
    const outcome = this.#answered(item, asker, turn);
    this.#held.set(hashHex, outcome);
    this.#underWay.add(outcome);
    const over = (): void => void this.#underWay.delete(outcome);
    outcome.then(over, over);
    const letGo = (): void => void this.#held.delete(hashHex);
    const origin: ItemOrigin = { isRepeat, isResumed: false };
    this.#window.begin(outcome.then((ended) => weighed(label, ended, origin, letGo)));
  }

  /** Asks an item; what comes of it counts only once it is in the journal. */
  async #answered(item: PreparedItem, asker: ItemAsker, turn: Pass): Promise<ItemOutcome> {
    const outcome = await asker.ask(item, turn);
    if (this.#journal === undefined) return outcome;
    if (outcome.kind === 'answer') await this.#journal.keep(item.hash, item.hashHex, outcome);
    else if ((outcome.costNanoUsd ?? 0) > 0)
      await this.#journal.keepCost(item.hashHex, outcome.costNanoUsd ?? ZERO_USD);
    return outcome;
  }

  #hold(label: ItemLabel, outcome: ItemOutcome, origin: ItemOrigin): void {
    this.#window.begin(Promise.resolve(weighed(label, outcome, origin)));
  }

  async #pauseBetweenGroups(stop: AbortSignal): Promise<void> {
    const { group } = this.#options;
    if (group === undefined || this.#asked === 0 || this.#asked % group.size !== 0) return;
    await Promise.allSettled(this.#underWay);
    await sleep(group.delayMs, undefined, { signal: stop }).catch(() => undefined);
  }
}

function weighed(
  label: ItemLabel,
  outcome: ItemOutcome,
  { isRepeat, isResumed }: ItemOrigin,
  letGo?: () => void,
): Weighed<HeldEnd> {
  const value: HeldEnd = { label, outcome, origin: { isRepeat, isResumed }, letGo };
  return { value, sizeBytes: RESULT_BYTES + (outcome.body?.length ?? 0) };
}
