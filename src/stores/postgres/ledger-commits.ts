import { DEFERRED } from '../../core/model/charge.ts';
import { FarthingError } from '../../core/errors.ts';
import { nanoUsd } from '../../core/money.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ChargeReceipt } from '../../ports/ledger.ts';
import type { LedgerOwnership } from './ledger-ownership.ts';
import { type NewCall, type NewCharge, type NewIntent, unsentCharge } from './ledger-rows.ts';
import {
  type CommitAnswer,
  type CommitRows,
  commitStatement,
  correctStatement,
  removeStatement,
  STANDING_CHARGES,
  type StandingCharge,
  type Statement,
} from './ledger-statements.ts';
import type { PostgresDatabase } from './postgres-database.ts';
import { isBrokenConnection, isOutcomeUnknown, isStatementFault, postgresFault } from './postgres-fault.ts';

/** What somebody waits for; kept or refused as a whole. */
interface Write {
  readonly intent: NewIntent | undefined;
  /** The only owner that it may be kept under. */
  readonly asOwner: string | undefined;
  readonly charges: readonly NewCharge[];
  readonly resolve: (receipts: readonly ChargeReceipt[]) => void;
  readonly reject: (error: unknown) => void;
}

/** For how long call records wait for a commit to go with, in milliseconds. */
const SOFT_DELAY_MS = 50;

/** After what time call records are tried again when the store was away, in milliseconds. */
const RETRY_DELAY_MS = 1_000;

/** So many call records make a commit of their own. */
const CALLS_A_COMMIT = 200;

/** The least time between two commits under load, in milliseconds: a round trip is shared by what gathers meanwhile. */
const MAX_SPACING_MS = 4;

/** Writes that a commit carries for each millisecond that the next one waits for more of them. */
const WRITES_PER_SPACING_MS = 4;

/** Callers so few that waiting for company would only slow them down. */
const FEW_WRITES = 2;

/** Writes and call records that may wait; more are refused. */
const MAX_WAITING = 10_000;

/** For how long an intent that was refused without knowing whether it was kept is taken away again and again, in milliseconds. */
const DOUBT_MS = 600_000;

/** Of more intents in doubt than this the oldest are left to be charged when their owner ends. */
const MAX_DOUBTFUL = 10_000;

interface DoubtfulIntent {
  readonly intent: NewIntent;
  readonly untilMs: number;
}

/**
 * Gathers what a ledger writes into commits of one statement each. One commit is under way at a time, a second one gathers. A statement that
 * Postgres refuses is tried again write by write, so that a bad write does not fail its neighbours; when Postgres is away, all that waits is
 * refused at once instead of waiting in its turn.
 * @internal
 */
export class LedgerCommits {
  readonly #database: PostgresDatabase;
  readonly #owner: LedgerOwnership;
  readonly #clock: Clock;
  readonly #onRecordFault: (error: unknown) => void;
  /** Intents that were refused while the answer was lost. */
  readonly #doubtful = new Map<string, DoubtfulIntent>();
  #writes: Write[] = [];
  #calls: NewCall[] = [];
  #awayFault: unknown;
  #underWay: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;
  #dueMs = Number.POSITIVE_INFINITY;
  #lastMs = Number.NEGATIVE_INFINITY;
  #lastWrites = 0;

  constructor(
    database: PostgresDatabase,
    owner: LedgerOwnership,
    options: { readonly clock: Clock; readonly onRecordFault: (error: unknown) => void },
  ) {
    this.#database = database;
    this.#owner = owner;
    this.#clock = options.clock;
    this.#onRecordFault = options.onRecordFault;
  }

  /** Resolves when the intent is durable. @throws FarthingError `store-unavailable` */
  async intend(intent: NewIntent, asOwner: string | undefined): Promise<void> {
    this.#doubtful.delete(intent.charge_id);
    await this.#write(intent, [], asOwner);
  }

  /** Resolves when the charges are durable, all or none. @throws FarthingError `store-unavailable` */
  charge(charges: readonly NewCharge[]): Promise<readonly ChargeReceipt[]> {
    return this.#write(undefined, charges);
  }

  /** Keeps a call's record; nobody waits for it. Records wait for a store that is away. */
  record(call: NewCall): void {
    if (this.#calls.length >= MAX_WAITING) return this.#onRecordFault(tooMany());
    this.#calls.push(call);
    this.#schedule();
  }

  /** Resolves when everything handed over so far is committed or refused. @throws FarthingError when call records must still wait. */
  async flush(): Promise<void> {
    // oxlint-disable-next-line no-await-in-loop -- one commit at a time
    while (this.#underWay !== undefined) await this.#underWay;
    await this.#handOver();
    if (this.#calls.length > 0 && this.#awayFault !== undefined) throw this.#awayFault;
  }

  /**
   * Takes away intents that were refused and may be there all the same, also later: a frozen server carries out what it was sent when it wakes.
   * Where the owner was ended meanwhile, the estimate that was made of one is corrected to nothing.
   */
  async forgetDoubtful(): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    for (const [chargeId, { untilMs }] of this.#doubtful) if (untilMs < nowMs) this.#doubtful.delete(chargeId);
    if (this.#doubtful.size === 0) return;
    const intents = [...this.#doubtful.values()].map(({ intent }) => intent);
    await this.#database.run(...removeStatement(intents.map((intent) => intent.charge_id)));
    await this.#underOwner((owner) => correctStatement(owner, intents.map(unsentCharge)));
  }

  #write(
    intent: NewIntent | undefined,
    charges: readonly NewCharge[],
    asOwner?: string,
  ): Promise<readonly ChargeReceipt[]> {
    return new Promise((resolve, reject) => {
      if (this.#writes.length >= MAX_WAITING) return reject(tooMany());
      this.#writes.push({ intent, asOwner, charges, resolve, reject });
      return this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#underWay !== undefined) return;
    const nowMs = this.#clock.monotonicMs();
    const dueMs = this.#nextMs(nowMs);
    if (dueMs >= this.#dueMs) return;
    this.#unschedule();
    this.#dueMs = dueMs;
    // Holds the process: what it was told to keep is kept also when nobody closes the ledger.
    if (dueMs > nowMs) this.#timer = setTimeout(() => void this.#handOver(), Math.ceil(dueMs - nowMs));
    else this.#immediate = setImmediate(() => void this.#handOver());
  }

  #nextMs(nowMs: number): number {
    if (this.#writes.length === 0 && (this.#awayFault !== undefined || this.#calls.length < CALLS_A_COMMIT)) {
      return nowMs + (this.#awayFault === undefined ? SOFT_DELAY_MS : RETRY_DELAY_MS);
    }
    const spacingMs =
      this.#lastWrites <= FEW_WRITES ? 0 : Math.min(MAX_SPACING_MS, this.#lastWrites / WRITES_PER_SPACING_MS);
    return Math.max(nowMs, this.#lastMs + spacingMs);
  }

  #unschedule(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    this.#dueMs = Number.POSITIVE_INFINITY;
  }

  #handOver(): Promise<void> | undefined {
    this.#unschedule();
    if (this.#writes.length === 0 && this.#calls.length === 0) return undefined;
    const [writes, calls] = [this.#writes, this.#calls];
    this.#writes = [];
    this.#calls = [];
    this.#lastMs = this.#clock.monotonicMs();
    this.#lastWrites = writes.length;
    return (this.#underWay = this.#commit(writes, calls).finally(() => {
      this.#underWay = undefined;
      if (this.#writes.length > 0 || this.#calls.length > 0) this.#schedule();
    }));
  }

  /** Never rejects: those who wait are told. */
  async #commit(writes: readonly Write[], calls: readonly NewCall[]): Promise<void> {
    try {
      await this.#keep(writes, calls);
      this.#awayFault = undefined;
    } catch (error) {
      if (isStatementFault(error)) await this.#commitSingly(writes, calls, error);
      else this.#refuse(writes, calls, error);
    }
  }

  async #commitSingly(writes: readonly Write[], calls: readonly NewCall[], error: unknown): Promise<void> {
    const [first, ...others] = writes;
    if (first === undefined) {
      if (calls.length > 0) this.#onRecordFault(postgresFault('call records could not be kept', error));
      return;
    }
    if (others.length === 0 && calls.length === 0) {
      first.reject(postgresFault('cannot write the ledger', error));
      return;
    }
    this.#awayFault = undefined;
    for (const [index, write] of writes.entries()) {
      await this.#commit([write], []); // oxlint-disable-line no-await-in-loop -- one after the other
      if (this.#awayFault !== undefined) return this.#refuse(writes.slice(index + 1), calls, this.#awayFault);
    }
    if (calls.length > 0) await this.#commit([], calls);
  }

  /** The store is away: nobody waits for it in turn, and call records go with a later commit. */
  #refuse(writes: readonly Write[], calls: readonly NewCall[], cause: unknown): void {
    const error = postgresFault('cannot write the ledger', cause);
    if (isOutcomeUnknown(cause)) this.#doubt(writes);
    const refused = [...writes, ...this.#writes];
    this.#writes = [];
    for (const write of refused) write.reject(error);
    this.#awayFault = error;
    this.#calls = [...calls, ...this.#calls];
    if (this.#calls.splice(MAX_WAITING).length > 0) this.#onRecordFault(error);
  }

  #doubt(writes: readonly Write[]): void {
    const untilMs = this.#clock.monotonicMs() + DOUBT_MS;
    for (const { intent } of writes) {
      if (intent !== undefined) this.#doubtful.set(intent.charge_id, { intent, untilMs });
    }
    for (const chargeId of this.#doubtful.keys()) {
      if (this.#doubtful.size <= MAX_DOUBTFUL) return;
      this.#doubtful.delete(chargeId);
    }
  }

  /** Writes rows under the owner, and under the next one when it was ended. */
  async #keep(waiting: readonly Write[], calls: readonly NewCall[]): Promise<void> {
    const { ownerId } = this.#owner;
    const writes = this.#refuseForeign(waiting, ownerId);
    const charges = writes.flatMap((write) => write.charges);
    const charged = new Set(charges.map((charge) => charge.charge_id));
    const intents = writes.flatMap(({ intent }) =>
      intent === undefined || charged.has(intent.charge_id) ? [] : [intent],
    );
    const rows: CommitRows = { calls, intents, charges };
    const leaseUntilMs = intents.length === 0 ? undefined : this.#owner.renewalAt(this.#clock.nowMs());
    const answer = await this.#attempt(commitStatement(ownerId, leaseUntilMs, rows));
    if (!answer.isOwner) {
      await this.#owner.replace(ownerId);
      return this.#keep(writes, calls);
    }
    this.#owner.renewed(ownerId, leaseUntilMs);
    const receipts = new Map<string, ChargeReceipt>();
    const added = new Set(answer.newCharges);
    for (const charge of charges) {
      const isFirst = added.delete(charge.charge_id); // of several with one id the first was written
      if (isFirst) receipts.set(charge.charge_id, receiptOf(charge, ownerId));
    }
    const taken = charges.filter((charge) => !receipts.has(charge.charge_id));
    if (taken.length > 0) for (const receipt of await this.#standing(taken)) receipts.set(receipt.chargeId, receipt);
    for (const write of writes) {
      write.resolve(write.charges.flatMap((charge) => receipts.get(charge.charge_id) ?? []));
    }
  }

  /** Charges whose id is taken: handed over again, or made at their upper bound while this owner was taken for dead. */
  async #standing(charges: readonly NewCharge[]): Promise<readonly ChargeReceipt[]> {
    const ids = [...new Set(charges.map((charge) => charge.charge_id))];
    let rows = await this.#standingRows(ids);
    const estimates = new Set(rows.filter((row) => row.isProvisional && !row.corrected).map((row) => row.chargeId));
    const late = charges.filter(({ outcome, charge_id: id }) => outcome !== DEFERRED && estimates.delete(id));
    if (late.length > 0) {
      await this.#underOwner((owner) => correctStatement(owner, late));
      rows = await this.#standingRows(ids);
    }
    return rows.map(({ chargeId, ownerId, amountNanoUsd, atMs, bookedAtMs }) => ({
      chargeId,
      ownerId,
      amountNanoUsd: amountNanoUsd === null ? undefined : nanoUsd(amountNanoUsd),
      atMs,
      bookedAtMs,
    }));
  }

  async #standingRows(ids: readonly string[]): Promise<readonly StandingCharge[]> {
    return (await this.#database.run<StandingCharge>(STANDING_CHARGES, [ids])).rows;
  }

  /** Refuses intents of another owner than the present one; they are in doubt, as it may have been ended after it kept them. */
  #refuseForeign(writes: readonly Write[], ownerId: string): readonly Write[] {
    const isForeign = ({ asOwner }: Write): boolean => asOwner !== undefined && asOwner !== ownerId;
    const foreign = writes.filter(isForeign);
    if (foreign.length === 0) return writes;
    this.#doubt(foreign);
    const details = { retryable: true };
    const error = new FarthingError('store-unavailable', 'the owner of this intent has been ended', details);
    for (const write of foreign) write.reject(error);
    return writes.filter((write) => !isForeign(write));
  }

  async #underOwner(statement: (ownerId: string) => Statement): Promise<void> {
    for (;;) {
      const { ownerId } = this.#owner;
      if ((await this.#attempt(statement(ownerId))).isOwner) return; // oxlint-disable-line no-await-in-loop -- again under the next owner
      await this.#owner.replace(ownerId); // oxlint-disable-line no-await-in-loop -- as above
    }
  }

  async #attempt(statement: Statement): Promise<CommitAnswer> {
    const attempt = async (): Promise<CommitAnswer> => {
      const [answer] = (await this.#database.run<CommitAnswer>(...statement)).rows;
      return answer ?? { isOwner: false, newCharges: [] };
    };
    try {
      return await attempt();
    } catch (error) {
      // A connection that the server or something between had cut: all statements do nothing the second time.
      if (!isBrokenConnection(error)) throw error;
      return await attempt();
    }
  }
}

function receiptOf(charge: NewCharge, ownerId: string): ChargeReceipt {
  const { charge_id: chargeId, amount_nano_usd: amount, at_ms: atMs } = charge;
  const amountNanoUsd = amount === null ? undefined : nanoUsd(amount);
  return { chargeId, ownerId, amountNanoUsd, atMs, bookedAtMs: atMs };
}

function tooMany(): FarthingError {
  return new FarthingError('store-unavailable', 'too many writes are waiting', { retryable: true });
}
