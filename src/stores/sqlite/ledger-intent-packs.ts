import type { LedgerOperation } from './ledger-schema.ts';

/** An intent as a pack holds it. @internal */
export interface PackedIntent {
  readonly chargeId: string;
  readonly text: string;
}

interface IntentPack {
  readonly number: number;
  /** Set when the row is written. */
  ownerId: string;
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
  readonly #packOf = new Map<string, IntentPack>();
  #count = 0;
  #next: IntentPack | undefined;
  #spent: IntentPack[] = [];

  /** Puts an intent into the next row. */
  add(intent: PackedIntent): void {
    this.#put(intent, (this.#next ??= this.#newPack()));
  }

  /** The charge is durable, or the intent could not be written: either way the intent needs no row any more. */
  settle(chargeId: string): void {
    const pack = this.#packOf.get(chargeId);
    if (pack === undefined) return;
    this.#packOf.delete(chargeId);
    pack.open -= 1;
    if (pack.open > 0) return;
    if (pack === this.#next) this.#next = undefined;
    else this.#spent.push(pack);
  }

  /** What was added since the last time is not written. */
  discard(chargeIds: readonly string[]): void {
    this.#next = undefined;
    for (const chargeId of chargeIds) this.#packOf.delete(chargeId);
  }

  /** A row for intents that are written by themselves, whatever row they were in before. */
  apart(intents: readonly PackedIntent[], ownerId: string): LedgerOperation {
    for (const { chargeId } of intents) this.settle(chargeId);
    const pack = this.#newPack();
    for (const intent of intents) this.#put(intent, pack);
    return insertion(pack, ownerId);
  }

  /** Whether rows wait to be removed. */
  get hasSpent(): boolean {
    return this.#spent.length > 0;
  }

  /** The row of what was added since the last time, which comes last, and the removal of rows that are spent. */
  take(ownerId: string): LedgerOperation[] {
    const operations = this.#spent.map((pack): LedgerOperation => ['deleteIntents', pack.ownerId, pack.number]);
    this.#spent = [];
    const pack = this.#next;
    this.#next = undefined;
    if (pack !== undefined) operations.push(insertion(pack, ownerId));
    return operations;
  }

  #newPack(): IntentPack {
    return { number: (this.#count += 1), ownerId: '', texts: [], open: 0 };
  }

  #put({ chargeId, text }: PackedIntent, pack: IntentPack): void {
    pack.texts.push(text);
    // An intent handed over twice is in two rows, and only one is found again: the other stays until its owner ends.
    if (this.#packOf.has(chargeId)) pack.open = Number.POSITIVE_INFINITY;
    pack.open += 1;
    this.#packOf.set(chargeId, pack);
  }
}

function insertion(pack: IntentPack, ownerId: string): LedgerOperation {
  const intents = `[${pack.texts.join(',')}]`;
  pack.ownerId = ownerId;
  pack.texts.length = 0; // a call that takes minutes keeps its pack's number, not the texts of its neighbours
  return ['insertIntents', pack.number, intents, ownerId];
}
