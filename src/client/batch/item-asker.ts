import type { PurseRefusal, RunPurse } from '../../core/batch/run-purse.ts';
import { type ErrorCode, FarthingError } from '../../core/errors.ts';
import { estimatedCallTokens } from '../../core/limit/token-estimate.ts';
import type { Clock } from '../../ports/clock.ts';
import type { CallGate, Pass } from './call-gate.ts';
import { type BatchEngine, callItem, type ItemCallEnd } from './item-call.ts';
import type { ItemOutcome } from './item-outcome.ts';
import { MoneyLine } from './money-line.ts';
import type { PreparedItem } from './prepared-item.ts';

/** What {@link ItemAsker} works with. @internal */
export interface ItemAskerOptions {
  readonly engine: BatchEngine;
  readonly gate: CallGate;
  /** Undefined: budgets alone bound what is spent. */
  readonly purse: RunPurse | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** For how long an item is asked again that somebody's limits turn away, in milliseconds. */
  readonly patienceMs: number;
  /** Fires when calls under way are to be cut. */
  readonly cutSignal: AbortSignal;
  readonly clock: Clock;
}

/** An outcome's weight in the mean of outputs: it follows a change within some twenty answers. Ours. */
const MEAN_WEIGHT = 0.05;

/** Asks items: each when its turn has come, again where a limit turned it away, and never beyond the money. @internal */
export class ItemAsker {
  readonly #options: ItemAskerOptions;
  readonly #line = new MoneyLine();
  #meanOutputTokens: number | undefined;
  /** The last item was refused for what it was asked with: a key. It holds until an item is answered. */
  #denial: ItemOutcome | undefined;

  constructor(options: ItemAskerOptions) {
    this.#options = options;
  }

  /** Money that was set aside has come back. */
  moneyFreed(): void {
    this.#line.letTry();
  }

  /** Resolves when the item may be asked: behind those that wait for money. Undefined once `stopSignal` has fired. */
  async turn(item: PreparedItem, stopSignal: AbortSignal): Promise<Pass | undefined> {
    await this.#line.empty();
    return this.#enter(item, stopSignal, false);
  }

  /** Asks an item that has got its turn. */
  async ask(item: PreparedItem, turn: Pass): Promise<ItemOutcome> {
    try {
      return await this.#asked(item, turn);
    } finally {
      // It may have been let try, and have taken nothing.
      this.#line.letTry();
    }
  }

  async #asked(item: PreparedItem, turn: Pass): Promise<ItemOutcome> {
    const { clock, gate, patienceMs, cutSignal } = this.#options;
    const untilMs = clock.monotonicMs() + patienceMs;
    let pass: Pass | undefined = turn;
    for (;;) {
      const { times } = this.#line;
      // oxlint-disable-next-line no-await-in-loop -- one try after the other
      const { end, isHeld } = await this.#once(item, pass);
      if (isHeld) {
        // What came back while it was asked may do already, and nothing else may come.
        // oxlint-disable-next-line no-await-in-loop
        if (this.#line.times === times) await this.#line.wait(cutSignal);
      } else if (end.waitMs === undefined || clock.monotonicMs() + end.waitMs > untilMs) {
        this.#noteDenial(end.outcome);
        return end.outcome;
      } else if (this.#denial?.kind === 'error' && isResting(end.outcome)) {
        // The target rests since it takes the key no more: waiting will not help.
        return { ...end.outcome, error: this.#denial.error };
      } else {
        gate.pause(end.waitMs);
      }
      // oxlint-disable-next-line no-await-in-loop
      pass = await this.#enter(item, cutSignal, true);
      if (pass === undefined) return end.outcome;
    }
  }

  async #once(item: PreparedItem, pass: Pass): Promise<{ readonly end: ItemCallEnd; readonly isHeld: boolean }> {
    const { engine, purse, headers, cutSignal, clock } = this.#options;
    const share = purse?.share();
    let usedTokens: number | undefined;
    try {
      const end = await callItem(item, {
        engine,
        headers,
        signal: cutSignal,
        purse: share,
        onPace: (notice) => pass.observe(notice),
        clock,
      });
      ({ usedTokens } = end);
      if (usedTokens !== undefined && !isCached(end)) this.#learn(end.outputTokens);
      if (share?.refusal === undefined || end.outcome.kind === 'answer') return { end, isHeld: false };
      return { end: withoutMoney(end, share.refusal), isHeld: share.refusal === 'held' };
    } finally {
      pass.end(usedTokens);
    }
  }

  #enter(item: PreparedItem, signal: AbortSignal, isFirst: boolean): Promise<Pass | undefined> {
    const { endpoint, body, model, samples } = item;
    const tokens = estimatedCallTokens({
      endpoint,
      bodyBytes: body.byteLength,
      maxOutputTokens: item.maxOutputTokens ?? this.#meanOutputTokens,
      samples,
    });
    return this.#options.gate.enter({ model, tokens }, signal, isFirst);
  }

  #noteDenial(outcome: ItemOutcome): void {
    if (outcome.kind === 'answer') this.#denial = undefined;
    else if (outcome.error.status === 401 || outcome.error.status === 403) this.#denial = outcome;
  }

  #learn(outputTokens: number): void {
    const mean = this.#meanOutputTokens ?? outputTokens;
    this.#meanOutputTokens = mean + MEAN_WEIGHT * (outputTokens - mean);
  }
}

/** Whether no target could be asked. */
function isResting(outcome: ItemOutcome): outcome is Extract<ItemOutcome, { kind: 'error' }> {
  return outcome.kind === 'error' && outcome.error.status === 503;
}

function isCached({ outcome }: ItemCallEnd): boolean {
  return outcome.kind === 'answer' && outcome.fromCache;
}

const NO_MONEY: Readonly<Record<PurseRefusal, readonly [code: ErrorCode, message: string]>> = {
  spent: ['budget-spent', 'what is left of the money of the run does not suffice for this item'],
  held: ['budget-spent', 'what is left of the money of the run was set aside for others'],
  unbounded: [
    'unpriced-model',
    'nobody can say what this item may cost (no price, or no bound), and the run has a limit on money',
  ],
};

/** The engine says why the last attempt that was made has failed; what ended the item is that no further one could be paid for. */
function withoutMoney(end: ItemCallEnd, refusal: PurseRefusal): ItemCallEnd {
  return { ...end, outcome: { ...end.outcome, kind: 'error', error: new FarthingError(...NO_MONEY[refusal]) } };
}
