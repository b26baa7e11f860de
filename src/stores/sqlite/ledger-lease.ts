import { FarthingError } from '../../core/errors.ts';
import type { Clock, Random } from '../../ports/clock.ts';
import { type ProcessIdentity, thisProcess } from '../sql/process-identity.ts';
import type { LedgerOperation, LedgerStatement } from './ledger-schema.ts';
import type { SqliteWriter } from './sqlite-writer.ts';

/** An operation that makes a lease run for longer. It changes one row, or none when the owner was ended. @internal */
export interface LeaseRenewal {
  readonly ownerId: string;
  readonly untilMs: number;
  readonly operation: LedgerOperation;
}

/** How often a write is tried under yet another id. Each of these was ended within the moment, so that something else is wrong. */
const MAX_IDS = 4;

/**
 * The id that a ledger writes under, and its lease. An id that was ended is replaced by a new one, which is never that of another owner.
 * @internal
 */
export class LedgerLease {
  /** The process that the owner lives in. */
  readonly self: ProcessIdentity = thisProcess();
  readonly #writer: SqliteWriter<LedgerStatement>;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #leaseMs: number;
  #ownerId: string;
  #untilMs = 0;
  #replacing: Promise<void> | undefined;
  #admit: (ownerId: string) => Promise<void> = () => Promise.resolve();
  /** The next id, let in but not admitted yet. */
  #nextId: string | undefined;

  constructor(
    writer: SqliteWriter<LedgerStatement>,
    options: { readonly clock: Clock; readonly random: Random; readonly leaseMs: number },
  ) {
    this.#writer = writer;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#leaseMs = options.leaseMs;
    this.#ownerId = this.#newId();
  }

  get ownerId(): string {
    return this.#ownerId;
  }

  /** Until when the lease runs, as far as it is durable. */
  get untilMs(): number {
    return this.#untilMs;
  }

  /** What is to be done before a row is written under another id than the first. */
  beforeNewOwner(admit: (ownerId: string) => Promise<void>): void {
    this.#admit = admit;
  }

  /** Lets the first id in. */
  registration(nowMs: number): LeaseRenewal {
    return this.#registration(this.#ownerId, nowMs);
  }

  renewal(nowMs: number, ownerId: string = this.#ownerId): LeaseRenewal {
    const untilMs = nowMs + this.#leaseMs;
    return { ownerId, untilMs, operation: ['renewLease', untilMs, ownerId] };
  }

  /** For intents, when the lease is short: a process that stood still (SIGSTOP, a laptop's lid) takes it again in the same transaction. */
  dueRenewal(): LeaseRenewal | undefined {
    const nowMs = this.#clock.nowMs();
    return nowMs > this.#untilMs - this.#leaseMs / 3 ? this.renewal(nowMs) : undefined;
  }

  /** The renewal is durable, or has changed nothing. */
  note({ ownerId, untilMs }: LeaseRenewal, changes: number | undefined): void {
    if (changes === 1 && ownerId === this.#ownerId) this.#untilMs = untilMs;
  }

  /** Takes another id in place of one that was ended. Does nothing when that has happened already. @throws FarthingError `store-unavailable` */
  replace(endedId: string): Promise<void> {
    if (endedId !== this.#ownerId) return Promise.resolve();
    return (this.#replacing ??= this.#takeNextId().finally(() => {
      this.#replacing = undefined;
    }));
  }

  /**
   * Runs a write under the own id, and again under a new one when it says that it was fenced off.
   * @throws FarthingError `store-unavailable`
   */
  async fenced(write: (ownerId: string) => Promise<boolean>): Promise<void> {
    for (let tried = 0; tried < MAX_IDS; tried += 1) {
      const { ownerId } = this;
      if (await write(ownerId)) return; // oxlint-disable-line no-await-in-loop -- the next try depends on this one
      await this.replace(ownerId); // oxlint-disable-line no-await-in-loop -- as above
    }
    throw new FarthingError('store-unavailable', 'the ledger keeps ending this owner: do the clocks agree?', {
      retryable: true,
    });
  }

  async #takeNextId(): Promise<void> {
    const { ownerId, untilMs } = await this.#letNextIn();
    await this.#admit(ownerId);
    this.#ownerId = ownerId;
    this.#untilMs = untilMs;
    this.#nextId = undefined;
  }

  /** An id that was let in and could not be admitted is tried again, unless it was ended meanwhile. */
  async #letNextIn(): Promise<LeaseRenewal> {
    if (this.#nextId !== undefined) {
      const renewal = this.renewal(this.#clock.nowMs(), this.#nextId);
      if ((await this.#writer.write([renewal.operation]))[0] === 1) return renewal;
    }
    const registration = this.#registration(this.#newId(), this.#clock.nowMs());
    await this.#writer.write([registration.operation]);
    this.#nextId = registration.ownerId;
    return registration;
  }

  #registration(ownerId: string, nowMs: number): LeaseRenewal {
    const untilMs = nowMs + this.#leaseMs;
    const { pid, host, processStart } = this.self;
    return {
      ownerId,
      untilMs,
      operation: ['registerOwner', ownerId, untilMs, pid, host ?? null, processStart ?? null],
    };
  }

  #newId(): string {
    return `owner_${this.#random.hex(16)}`;
  }
}
