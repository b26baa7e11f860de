import type { Clock, Random } from '../../ports/clock.ts';
import { isGone, type ProcessIdentity, thisProcess } from '../sql/process-identity.ts';
import { CHARGE_ORPHANS, LOCK_ENDED } from './ledger-statements.ts';
import type { PostgresDatabase } from './postgres-database.ts';
import type { OwnerRow } from './postgres-tables.ts';

/**
 * Who a ledger writes as: an owner with a lease, another one after it was ended; and how other owners are ended.
 * @internal
 */
export class LedgerOwnership {
  readonly #database: PostgresDatabase;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #leaseMs: number;
  readonly #self: ProcessIdentity = thisProcess();
  #ownerId = '';
  #leaseUntilMs = 0;
  #joining: Promise<void> | undefined;
  #admit: (ownerId: string) => Promise<void> = () => Promise.resolve();

  constructor(
    database: PostgresDatabase,
    options: { readonly clock: Clock; readonly random: Random; readonly leaseMs: number },
  ) {
    this.#database = database;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#leaseMs = options.leaseMs;
  }

  get ownerId(): string {
    return this.#ownerId;
  }

  get leaseUntilMs(): number {
    return this.#leaseUntilMs;
  }

  /** What must be done before a row is written under another id than the first. */
  beforeNewOwner(admit: (ownerId: string) => Promise<void>): void {
    this.#admit = admit;
  }

  /** Until when a lease that has little time left should run; undefined while it has enough. */
  renewalAt(nowMs: number): number | undefined {
    return nowMs > this.#leaseUntilMs - this.#leaseMs / 3 ? nowMs + this.#leaseMs : undefined;
  }

  /** A renewal is committed. */
  renewed(ownerId: string, leaseUntilMs: number | undefined): void {
    if (ownerId !== this.#ownerId || leaseUntilMs === undefined) return;
    this.#leaseUntilMs = Math.max(this.#leaseUntilMs, leaseUntilMs);
  }

  /** Goes on under an id that was never there before; once, whoever notices the end of `endedId`. */
  async replace(endedId: string): Promise<void> {
    if (this.#ownerId !== endedId) return;
    this.#joining ??= this.#join().finally(() => {
      this.#joining = undefined;
    });
    await this.#joining;
  }

  /** Renews the lease, or goes on under another id where the owner was ended. */
  async renew(nowMs: number): Promise<void> {
    const ownerId = this.#ownerId;
    const leaseUntilMs = nowMs + this.#leaseMs;
    const { numUpdatedRows } = await this.#database.queries
      .updateTable('owners')
      .set((row) => ({ lease_until_ms: row.fn<number>('greatest', ['lease_until_ms', row.val(leaseUntilMs)]) }))
      .where('owner_id', '=', ownerId)
      .executeTakeFirst();
    if (numUpdatedRows === 0n) await this.replace(ownerId);
    else this.renewed(ownerId, leaseUntilMs);
  }

  /** Ends owners whose lease ran out or whose process is known to be gone. Says how many intents became charges. */
  async endOthers(nowMs: number): Promise<number> {
    const owners = await this.#database.queries
      .selectFrom('owners')
      .selectAll()
      .where('owner_id', '<>', this.#ownerId)
      .execute();
    const gone = owners.filter((owner) => isGone(identityOf(owner), this.#self)).map((owner) => owner.owner_id);
    if (gone.length === 0 && owners.every((owner) => owner.lease_until_ms > nowMs)) return 0;
    return await this.#end(gone, nowMs, nowMs);
  }

  /** Ends the own owner. */
  async leave(): Promise<void> {
    await this.#end([this.#ownerId], Number.MIN_SAFE_INTEGER, this.#clock.nowMs());
  }

  /** Owners are removed, and what they left open is charged to them, in one commit: nobody sees the one without the other. */
  #end(ownerIds: readonly string[], lapsedAtMs: number, nowMs: number): Promise<number> {
    const database = this.#database;
    return database.queries.transaction().execute(async (transaction) => {
      // Statements of their own, since each sees what was committed while the one before waited for a lock.
      const parameters = [ownerIds, lapsedAtMs, this.#ownerId];
      const { rows } = await database.run<{ owner_id: string }>(LOCK_ENDED, parameters, transaction);
      const ended = rows.map((row) => row.owner_id);
      if (ended.length === 0) return 0;
      const charged = await database.run(CHARGE_ORPHANS, [ended, nowMs], transaction);
      await transaction.deleteFrom('intents').where('owner_id', 'in', ended).execute();
      await transaction.deleteFrom('owners').where('owner_id', 'in', ended).execute();
      return Number(charged.numAffectedRows ?? 0n);
    });
  }

  async #join(): Promise<void> {
    const ownerId = `owner_${this.#random.hex(16)}`;
    const leaseUntilMs = this.#clock.nowMs() + this.#leaseMs;
    const { pid, host, processStart } = this.#self;
    await this.#database.queries
      .insertInto('owners')
      .values({
        owner_id: ownerId,
        lease_until_ms: leaseUntilMs,
        pid,
        host: host ?? null,
        process_start: processStart ?? null,
      })
      .execute();
    if (this.#ownerId !== '') await this.#admit(ownerId);
    this.#ownerId = ownerId;
    this.#leaseUntilMs = leaseUntilMs;
  }
}

function identityOf(owner: OwnerRow): ProcessIdentity {
  return { pid: owner.pid, host: owner.host ?? undefined, processStart: owner.process_start ?? undefined };
}
