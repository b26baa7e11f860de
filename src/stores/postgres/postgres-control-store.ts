import type { Budget } from '../../core/budget/budget.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Announcement, BudgetAdjustment, ControlStore } from '../../ports/control-store.ts';
import { adjustmentFrom, ANNOUNCEMENT_LIFE_MS, ANNOUNCEMENTS_PAGE, budgetFrom } from '../sql/control-rows.ts';
import { countChange, readCounter } from './postgres-counters.ts';
import type { PostgresConnectionOptions, PostgresDatabase, PostgresQueries } from './postgres-database.ts';
import { openMigratedDatabase } from './postgres-migrations.ts';

/** Settings of {@link openPostgresControlStore}. @public */
export interface PostgresControlStoreOptions extends PostgresConnectionOptions {
  /** Dates announcements, which go after a day. */
  readonly clock: Clock;
}

const FAULT = 'cannot use the store of budgets';

/**
 * Budgets, adjustments and announcements in Postgres, shared by all that open the database. A change is durable when its promise
 * resolves.
 * @public
 */
export class PostgresControlStore implements ControlStore {
  readonly #database: PostgresDatabase;
  readonly #clock: Clock;
  #closing: Promise<void> | undefined;

  /** @internal Use {@link openPostgresControlStore}. */
  constructor(database: PostgresDatabase, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  async budgets(): Promise<readonly Budget[]> {
    const rows = await this.#database.use(FAULT, (queries) =>
      queries.selectFrom('budgets').select('budget').orderBy('name').execute(),
    );
    return rows.map((row) => budgetFrom(row.budget));
  }

  async putBudget(budget: Budget): Promise<void> {
    const text = JSON.stringify(budget);
    await this.#change((transaction) =>
      transaction
        .insertInto('budgets')
        .values({ name: budget.name, budget: text })
        .onConflict((conflict) => conflict.column('name').doUpdateSet({ budget: text }))
        .returning('name')
        .execute(),
    );
  }

  removeBudget(name: string): Promise<boolean> {
    return this.#change((transaction) =>
      transaction.deleteFrom('budgets').where('name', '=', name).returning('name').execute(),
    );
  }

  async adjustments(): Promise<readonly BudgetAdjustment[]> {
    const rows = await this.#database.use(FAULT, (queries) =>
      queries.selectFrom('adjustments').selectAll().orderBy('at_ms').orderBy('adjustment_id').execute(),
    );
    return rows.map((row) => adjustmentFrom(row.adjustment_id, row.account_id, row.at_ms, row.amounts));
  }

  async addAdjustment({ adjustmentId, accountId, atMs, amounts }: BudgetAdjustment): Promise<void> {
    const row = {
      adjustment_id: adjustmentId,
      account_id: accountId,
      at_ms: atMs,
      amounts: JSON.stringify(amounts),
    };
    await this.#change((transaction) =>
      transaction
        .insertInto('adjustments')
        .values(row)
        .onConflict((conflict) => conflict.column('adjustment_id').doNothing())
        .returning('adjustment_id')
        .execute(),
    );
  }

  budgetsVersion(): Promise<number> {
    return this.#database.use(FAULT, (queries) => readCounter(queries, 'budgets'));
  }

  announce(topic: string, text: string): Promise<void> {
    const nowMs = this.#clock.nowMs();
    return this.#database.inTransaction(FAULT, async (transaction) => {
      const sequence = await countChange(transaction, 'announcements');
      await transaction
        .deleteFrom('announcements')
        .where('at_ms', '<', nowMs - ANNOUNCEMENT_LIFE_MS)
        .execute();
      await transaction.insertInto('announcements').values({ sequence, at_ms: nowMs, topic, text }).execute();
    });
  }

  announcementsAfter(sequence: number): Promise<readonly Announcement[]> {
    return this.#database.use(FAULT, (queries) =>
      queries
        .selectFrom('announcements')
        .select(['sequence', 'topic', 'text'])
        .where('sequence', '>', sequence)
        .orderBy('sequence')
        .limit(ANNOUNCEMENTS_PAGE)
        .execute(),
    );
  }

  newestAnnouncement(): Promise<number> {
    return this.#database.use(FAULT, (queries) => readCounter(queries, 'announcements'));
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#database.release());
  }

  /** Changes rows, and the count of changes when any row did change. */
  #change(work: (transaction: PostgresQueries) => Promise<readonly unknown[]>): Promise<boolean> {
    return this.#database.inTransaction(FAULT, async (transaction) => {
      const isChanged = (await work(transaction)).length > 0;
      if (isChanged) await countChange(transaction, 'budgets');
      return isChanged;
    });
  }
}

/**
 * Opens the store of budgets and announcements. The schema is made, or brought up to date, where it must be.
 * @throws FarthingError `store-unavailable`, or `configuration` when a package is missing.
 * @public
 */
export async function openPostgresControlStore(options: PostgresControlStoreOptions): Promise<PostgresControlStore> {
  return new PostgresControlStore(await openMigratedDatabase(options), options.clock);
}
