import type { LedgerOperation } from './ledger-schema.ts';

interface IntentPack {
  readonly number: number;
  readonly texts: string[];
  /** Intents whose charge has not been written yet. */
  open: number;
}

/**
 * Gathers intents into one row a commit, and tells when a row can go: when all that it holds is charged. Rows that stay for longer than that
 * do no harm, since what has a charge is not open.
 * @internal
 */
export class IntentPacks {
  readonly #ownerId: string;
  readonly #packOf = new Map<string, IntentPack>();
  #count = 0;
  #next: IntentPack | undefined;
  #spent: number[] = [];

  constructor(ownerId: string) {
    this.#ownerId = ownerId;
  }

  /** Puts an intent into the next row. */
  add(chargeId: string, text: string): void {
    const pack = (this.#next ??= { number: (this.#count += 1), texts: [], open: 0 });
    pack.texts.push(text);
    // An intent handed over twice is in two rows, and only one is found again: the other stays until its owner ends.
    if (this.#packOf.has(chargeId)) pack.open = Number.POSITIVE_INFINITY;
    pack.open += 1;
    this.#packOf.set(chargeId, pack);
  }

  /** The charge is durable, or the intent could not be written: either way the intent needs no row any more. */
  settle(chargeId: string): void {
    const pack = this.#packOf.get(chargeId);
    if (pack === undefined) return;
    this.#packOf.delete(chargeId);
    pack.open -= 1;
    if (pack.open > 0) return;
    if (pack === this.#next) this.#next = undefined;
    else this.#spent.push(pack.number);
  }

  /** A row for one intent that is written by itself. */
  alone(chargeId: string, text: string): LedgerOperation {
    this.settle(chargeId);
    const pack: IntentPack = { number: (this.#count += 1), texts: [text], open: 1 };
    this.#packOf.set(chargeId, pack);
    return this.#insert(pack);
  }

  /** Whether rows wait to be removed. */
  get hasSpent(): boolean {
    return this.#spent.length > 0;
  }

  /** The row of what was added since the last time, and the removal of rows that are spent. */
  take(): LedgerOperation[] {
    const operations = this.#spent.map((pack): LedgerOperation => ['deleteIntents', this.#ownerId, pack]);
    this.#spent = [];
    const pack = this.#next;
    this.#next = undefined;
    if (pack !== undefined) operations.push(this.#insert(pack));
    return operations;
  }

  #insert({ number, texts }: IntentPack): LedgerOperation {
    const intents = `[${texts.join(',')}]`;
    texts.length = 0; // a call that takes minutes keeps its pack's number, not the texts of its neighbours
    return ['insertIntents', this.#ownerId, number, intents];
  }
}
