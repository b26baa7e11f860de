import { FarthingError } from '../../core/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import { CallPacks } from './ledger-call-packs.ts';
import { IntentPacks, type PackedIntent } from './ledger-intent-packs.ts';
import type { LeaseRenewal, LedgerLease } from './ledger-lease.ts';
import type { LedgerOperation, LedgerStatement } from './ledger-schema.ts';
import { type SqliteWriter, WRITER_DEFAULTS } from './sqlite-writer.ts';

interface PendingIntent extends PackedIntent {
  /** The only owner that it may be kept under. */
  readonly asOwner: string | undefined;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

interface PendingWrite {
  readonly operations: readonly LedgerOperation[];
  readonly resolve: (changes: readonly number[]) => void;
  readonly reject: (error: unknown) => void;
}

interface Batch {
  /** Whom the intents belong to. */
  readonly ownerId: string;
  /** Goes first. */
  readonly renewal: LeaseRenewal | undefined;
  readonly intents: readonly PendingIntent[];
  readonly packOperations: readonly LedgerOperation[];
  readonly writes: readonly PendingWrite[];
  readonly callOperations: readonly LedgerOperation[];
}

/** For how long call records wait for a commit to go with, in milliseconds. */
const SOFT_DELAY_MS = 50;

/**
 * The least time between two commits under load, in milliseconds: a commit costs about as much as twenty rows, so it must be shared. Half of it
 * and the commit itself (1 to 3 ms) is what an intent waits in the median, all of it in the worst case.
 */
const MAX_SPACING_MS = 4;

/** Writes that a commit carries for each millisecond that the next one waits for more of them. */
const WRITES_PER_SPACING_MS = 4;

/** Callers so few that waiting for company would only slow them down. */
const FEW_WRITES = 2;

/**
 * Gathers what a ledger writes into commits: one message to the writing thread, one transaction, one answer. One commit is under way at a time;
 * a lone write waits for nothing else, under load the spacing grows with what the last commit carried. Call records and the removal of spent rows
 * go with the next commit, or make one of their own when none comes. A commit that fails is tried again write by write, so that a bad write
 * does not fail its neighbours. Intents whose owner was ended meanwhile are written under the one that took its place.
 * @internal
 */
export class LedgerCommits {
  readonly #writer: SqliteWriter<LedgerStatement>;
  readonly #clock: Clock;
  readonly #onRecordFault: (error: unknown) => void;
  readonly #lease: LedgerLease;
  readonly #packs = new IntentPacks();
  readonly #calls = new CallPacks();
  #intents: PendingIntent[] = [];
  #writes: PendingWrite[] = [];
  #underWay: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;
  #isTimerSoft = false;
  #lastMs = Number.NEGATIVE_INFINITY;
  #lastWrites = 0;

  constructor(
    writer: SqliteWriter<LedgerStatement>,
    options: { readonly lease: LedgerLease; readonly clock: Clock; readonly onRecordFault: (error: unknown) => void },
  ) {
    this.#writer = writer;
    this.#clock = options.clock;
    this.#onRecordFault = options.onRecordFault;
    this.#lease = options.lease;
  }

  /** Resolves when the intent is durable. @throws FarthingError `store-unavailable` */
  intend(chargeId: string, text: string, asOwner?: string): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#isFull()) return reject(tooMany());
      const intent: PendingIntent = { chargeId, text, asOwner, resolve, reject };
      this.#packs.add(intent);
      this.#intents.push(intent);
      return this.#schedule();
    });
  }

  /** Resolves with the count of rows that each operation changed, all or none. @throws FarthingError `store-unavailable` */
  write(operations: readonly LedgerOperation[]): Promise<readonly number[]> {
    return new Promise((resolve, reject) => {
      if (this.#isFull()) return reject(tooMany());
      this.#writes.push({ operations, resolve, reject });
      return this.#schedule();
    });
  }

  /** The charge of an intent is durable: its row can go. */
  settle(chargeId: string): void {
    this.#packs.settle(chargeId);
    if (this.#packs.hasSpent) this.#schedule();
  }

  /** Keeps a call's record; nobody waits for it. */
  record(text: string, atMs: number): void {
    if (this.#calls.add(text, atMs)) this.#schedule();
    else this.#onRecordFault(tooMany());
  }

  /** Resolves when everything handed over so far is committed or has failed. */
  async flush(): Promise<void> {
    // oxlint-disable-next-line no-await-in-loop -- one commit at a time
    while (this.#underWay !== undefined) await this.#underWay;
    await this.#handOver();
  }

  #isFull(): boolean {
    return this.#intents.length + this.#writes.length >= WRITER_DEFAULTS.maxQueuedWrites;
  }

  #isUrgent(): boolean {
    return this.#intents.length > 0 || this.#writes.length > 0 || this.#calls.hasFull;
  }

  #schedule(): void {
    if (this.#underWay !== undefined || this.#immediate !== undefined) return;
    if (!this.#isUrgent()) {
      // Holds the process: what it was told to keep is kept also when nobody closes the ledger.
      this.#isTimerSoft ||= this.#timer === undefined;
      this.#timer ??= setTimeout(() => void this.#handOver(), SOFT_DELAY_MS);
      return;
    }
    if (this.#timer !== undefined && !this.#isTimerSoft) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isTimerSoft = false;
    const restMs = this.#lastMs + this.#spacingMs() - this.#clock.monotonicMs();
    if (restMs > 0) this.#timer = setTimeout(() => void this.#handOver(), restMs);
    else this.#immediate = setImmediate(() => void this.#handOver());
  }

  #spacingMs(): number {
    return this.#lastWrites <= FEW_WRITES ? 0 : Math.min(MAX_SPACING_MS, this.#lastWrites / WRITES_PER_SPACING_MS);
  }

  #handOver(): Promise<void> | undefined {
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    this.#timer = undefined;
    this.#immediate = undefined;
    this.#isTimerSoft = false;
    if (!this.#isUrgent() && this.#calls.isEmpty && !this.#packs.hasSpent) return undefined;
    const { ownerId } = this.#lease;
    const intents = this.#intentsOf(ownerId);
    const batch: Batch = {
      ownerId,
      renewal: intents.length === 0 ? undefined : this.#lease.dueRenewal(),
      intents,
      packOperations: this.#packs.take(ownerId),
      writes: this.#writes,
      callOperations: this.#calls.take(),
    };
    this.#intents = [];
    this.#writes = [];
    this.#lastMs = this.#clock.monotonicMs();
    this.#lastWrites = batch.intents.length + batch.writes.length;
    return (this.#underWay = this.#commit(batch));
  }

  /** What waits without what may be kept under another owner only, which is refused. */
  #intentsOf(ownerId: string): readonly PendingIntent[] {
    const intents = this.#intents;
    if (!intents.some((intent) => isForeign(intent, ownerId))) return intents;
    this.#packs.discard(intents.map((intent) => intent.chargeId));
    const own = this.#withoutForeign(intents, ownerId);
    for (const intent of own) this.#packs.add(intent);
    return own;
  }

  #withoutForeign(intents: readonly PendingIntent[], ownerId: string): readonly PendingIntent[] {
    const foreign = intents.filter((intent) => isForeign(intent, ownerId));
    if (foreign.length === 0) return intents;
    this.#refuse(foreign, ownerEnded());
    return intents.filter((intent) => !isForeign(intent, ownerId));
  }

  async #commit(batch: Batch): Promise<void> {
    const { intents, renewal, packOperations, writes } = batch;
    const operations = [...(renewal === undefined ? [] : [renewal.operation]), ...packOperations];
    let start = operations.length;
    for (const write of writes) operations.push(...write.operations);
    operations.push(...batch.callOperations);
    let changes: readonly number[] | undefined;
    try {
      changes = await this.#writer.write(operations);
    } catch {
      await this.#commitSingly(batch);
    }
    if (changes !== undefined) {
      if (renewal !== undefined) this.#lease.note(renewal, changes[0]);
      const isFenced = packOperations.at(-1)?.[0] === 'insertIntents' && changes[start - 1] === 0;
      for (const { operations: own, resolve } of writes) resolve(changes.slice(start, (start += own.length)));
      if (isFenced) await this.#intendAgain(intents, batch.ownerId);
      else for (const intent of intents) intent.resolve();
    }
    this.#underWay = undefined;
    if (this.#isUrgent() || !this.#calls.isEmpty || this.#packs.hasSpent) this.#schedule();
  }

  /** Spent rows are left behind here: they do no harm. */
  async #commitSingly({ intents, writes, callOperations }: Batch): Promise<void> {
    await Promise.all([
      ...intents.map((intent) => this.#intendApart([intent])),
      ...writes.map(({ operations, resolve, reject }) => this.#writer.write(operations).then(resolve, reject)),
      ...callOperations.map((operation) =>
        this.#writer.write([operation]).then(
          () => undefined,
          (error: unknown) => this.#onRecordFault(error),
        ),
      ),
    ]);
  }

  /** The owner of these intents was ended: its row is gone, and theirs was not written. */
  async #intendAgain(intents: readonly PendingIntent[], endedId: string): Promise<void> {
    try {
      await this.#lease.replace(endedId);
    } catch (error) {
      this.#refuse(intents, error);
      return;
    }
    await this.#intendApart(intents);
  }

  /** Writes intents in a row of their own. */
  async #intendApart(waiting: readonly PendingIntent[]): Promise<void> {
    let intents = waiting;
    try {
      await this.#lease.fenced(async (ownerId) => {
        intents = this.#withoutForeign(intents, ownerId);
        if (intents.length === 0) return true;
        const renewal = this.#lease.dueRenewal();
        const insert = this.#packs.apart(intents, ownerId);
        const changes = await this.#writer.write(renewal === undefined ? [insert] : [renewal.operation, insert]);
        if (renewal !== undefined) this.#lease.note(renewal, changes[0]);
        return changes.at(-1) === 1;
      });
      for (const intent of intents) intent.resolve();
    } catch (error) {
      this.#refuse(intents, error);
    }
  }

  #refuse(intents: readonly PendingIntent[], error: unknown): void {
    for (const { chargeId, reject } of intents) {
      this.#packs.settle(chargeId);
      reject(error);
    }
  }
}

function isForeign({ asOwner }: PendingIntent, ownerId: string): boolean {
  return asOwner !== undefined && asOwner !== ownerId;
}

function ownerEnded(): FarthingError {
  return new FarthingError('store-unavailable', 'the owner of this intent has been ended', { retryable: true });
}

function tooMany(): FarthingError {
  return new FarthingError('store-unavailable', 'too many writes are waiting', { retryable: true });
}
