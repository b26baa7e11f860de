import type { Charge } from '../../core/model/charge.ts';
import type { EventSink } from '../../ports/event-sink.ts';
import type { ChargeReceipt, Ledger } from '../../ports/ledger.ts';

/** What {@link ChargeSpool} needs. @internal */
export interface ChargeSpoolOptions {
  readonly ledger: Ledger;
  readonly events: EventSink;
  /** How many charges may wait before no new call is taken. @defaultValue {@link MAX_WAITING_CHARGES} */
  readonly maxWaiting?: number;
}

/** A charge and who is to be told when its row is durable. */
interface WaitingCharge {
  readonly charge: Charge;
  readonly onWritten: (receipt: ChargeReceipt) => void;
}

/** About 1 KB each. What is in flight when the bound is reached may still come on top: its money is spent. */
const MAX_WAITING_CHARGES = 1000;

/** First and longest pause between two tries, in milliseconds: a lock is gone in a moment, a full disk is not. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5000;

/** Tries when the engine closes: 3 seconds with the pauses between them. */
const CLOSING_TRIES = 5;

/**
 * Writes charges to the ledger. One that cannot be written waits here and is tried again: its answer is paid for and its client must
 * not wait for a disk. Until then its intent stands in the ledger, so that a process that dies with charges waiting leaves estimates,
 * never nothing.
 * @internal
 */
export class ChargeSpool {
  readonly #options: ChargeSpoolOptions;
  readonly #maxWaiting: number;
  #waiting: WaitingCharge[] = [];
  #timer: NodeJS.Timeout | undefined;
  #pauseMs = FIRST_PAUSE_MS;

  constructor(options: ChargeSpoolOptions) {
    this.#options = options;
    this.#maxWaiting = options.maxWaiting ?? MAX_WAITING_CHARGES;
  }

  /** Charges that are not in the ledger yet. */
  get size(): number {
    return this.#waiting.length;
  }

  /** Whether no more money may be spent before the ledger works again. */
  get isFull(): boolean {
    return this.#waiting.length >= this.#maxWaiting;
  }

  /**
   * Resolves when the charge is durable, or waits to be.
   * @param onWritten - called once, when it is.
   */
  async write(charge: Charge, onWritten: (receipt: ChargeReceipt) => void): Promise<void> {
    const waiting = { charge, onWritten };
    if (await this.#isWritten(waiting)) return;
    this.#waiting.push(waiting);
    this.#schedule();
  }

  /** Tries for a few seconds to write what waits. What then still waits is left to the ledger's recovery of open intents. */
  async close(): Promise<void> {
    for (let tries = 1; this.#waiting.length > 0 && tries <= CLOSING_TRIES; tries += 1) {
      // oxlint-disable-next-line no-await-in-loop -- one try after the other
      if (tries > 1) await new Promise((resolve) => void setTimeout(resolve, FIRST_PAUSE_MS * 2 ** (tries - 1)));
      // oxlint-disable-next-line no-await-in-loop
      await this.#retry();
    }
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#retry();
    }, this.#pauseMs).unref();
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
  }

  /** Each by itself, so that one that the ledger will never take does not hold up the others. A ledger takes an id once, however often it is tried. */
  async #retry(): Promise<void> {
    const tried = this.#waiting;
    const written = await Promise.all(tried.map((charge) => this.#isWritten(charge)));
    const done = new Set(tried.filter((_charge, index) => written[index]));
    this.#waiting = this.#waiting.filter((charge) => !done.has(charge));
    if (this.#waiting.length > 0) this.#schedule();
    else this.#pauseMs = FIRST_PAUSE_MS;
  }

  async #isWritten({ charge, onWritten }: WaitingCharge): Promise<boolean> {
    let receipts: readonly ChargeReceipt[];
    try {
      receipts = await this.#options.ledger.charge([charge]);
    } catch (error) {
      this.#options.events.emit({ kind: 'store-failed', store: 'ledger', operation: 'charge', error });
      return false;
    }
    for (const receipt of receipts) onWritten(receipt);
    return true;
  }
}
