import type { Budget } from '../../core/budget/budget.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Announcement, BudgetAdjustment, ControlStore } from '../../ports/control-store.ts';
import { adjustmentFrom, ANNOUNCEMENT_LIFE_MS, ANNOUNCEMENTS_PAGE, budgetFrom } from '../sql/control-rows.ts';
import { KEYS_MIGRATIONS } from './keys-schema.ts';
import { PreparedStatements } from './prepared-statements.ts';
import {
  inTransaction,
  openDatabase,
  type SqliteDatabase,
  type SqliteDriver,
  type SqlRow,
  type SqlValue,
  storeFault,
} from './sqlite-database.ts';

/** Settings of {@link openSqliteControlStore}. @public */
export interface SqliteControlStoreOptions {
  /** The file, the same as that of the keys; made when it is not there. Its folder must exist. */
  readonly path: string;
  /** Dates announcements, which go after a day. */
  readonly clock: Clock;
  /** @defaultValue better-sqlite3 where it is installed, else Node's own */
  readonly driver?: SqliteDriver;
}

/**
 * Budgets, adjustments and announcements in the file of the keys, shared by every process of a data folder. A change is durable when its
 * promise resolves; it is written in place, as changes are few.
 * @public
 */
export class SqliteControlStore implements ControlStore {
  readonly #database: SqliteDatabase;
  readonly #clock: Clock;
  readonly #statements: PreparedStatements;

  /** @internal Use {@link openSqliteControlStore}. */
  constructor(database: SqliteDatabase, clock: Clock) {
    this.#database = database;
    this.#statements = new PreparedStatements(database);
    this.#clock = clock;
  }

  async budgets(): Promise<readonly Budget[]> {
    return this.#all('SELECT budget FROM budgets ORDER BY name').map((row) => budgetFrom(String(row['budget'])));
  }

  async putBudget(budget: Budget): Promise<void> {
    this.#change(
      'INSERT INTO budgets VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET budget = excluded.budget',
      budget.name,
      JSON.stringify(budget),
    );
  }

  async removeBudget(name: string): Promise<boolean> {
    return this.#change('DELETE FROM budgets WHERE name = ?', name);
  }

  async adjustments(): Promise<readonly BudgetAdjustment[]> {
    return this.#all('SELECT * FROM adjustments ORDER BY at_ms, adjustment_id').map((row) =>
      adjustmentFrom(
        String(row['adjustment_id']),
        String(row['account_id']),
        Number(row['at_ms']),
        String(row['amounts']),
      ),
    );
  }

  async addAdjustment({ adjustmentId, accountId, atMs, amounts }: BudgetAdjustment): Promise<void> {
    this.#change(
      'INSERT INTO adjustments VALUES (?, ?, ?, ?) ON CONFLICT (adjustment_id) DO NOTHING',
      adjustmentId,
      accountId,
      atMs,
      JSON.stringify(amounts),
    );
  }

  async budgetsVersion(): Promise<number> {
    return Number(this.#all('SELECT version FROM budget_changes')[0]?.['version']);
  }

  async announce(topic: string, text: string): Promise<void> {
    const nowMs = this.#clock.nowMs();
    this.#inTransaction(() => {
      this.#run('DELETE FROM announcements WHERE at_ms < ?', nowMs - ANNOUNCEMENT_LIFE_MS);
      this.#run('INSERT INTO announcements (at_ms, topic, text) VALUES (?, ?, ?)', nowMs, topic, text);
    });
  }

  async announcementsAfter(sequence: number): Promise<readonly Announcement[]> {
    const sql = 'SELECT sequence, topic, text FROM announcements WHERE sequence > ? ORDER BY sequence LIMIT ?';
    return this.#all(sql, sequence, ANNOUNCEMENTS_PAGE).map((row) => ({
      sequence: Number(row['sequence']),
      topic: String(row['topic']),
      text: String(row['text']),
    }));
  }

  async newestAnnouncement(): Promise<number> {
    const [row] = this.#all("SELECT seq FROM sqlite_sequence WHERE name = 'announcements'");
    return Number(row?.['seq'] ?? 0);
  }

  async close(): Promise<void> {
    this.#database.close();
  }

  /** Changes rows, and the count of changes when any row did change. */
  #change(sql: string, ...parameters: readonly SqlValue[]): boolean {
    return this.#inTransaction(() => {
      const isChanged = this.#run(sql, ...parameters) > 0;
      if (isChanged) this.#run('UPDATE budget_changes SET version = version + 1');
      return isChanged;
    });
  }

  #inTransaction<Result>(work: () => Result): Result {
    return this.#guarded(() => inTransaction(this.#database, work));
  }

  #all(sql: string, ...parameters: readonly SqlValue[]): readonly SqlRow[] {
    return this.#guarded(() => this.#statements.of(sql).all(...parameters));
  }

  #run(sql: string, ...parameters: readonly SqlValue[]): number {
    return this.#statements.of(sql).run(...parameters);
  }

  #guarded<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      throw storeFault('cannot use the store of budgets', error);
    }
  }
}

/**
 * Opens the store of budgets and announcements.
 * @throws FarthingError `store-unavailable`
 * @public
 */
export async function openSqliteControlStore(options: SqliteControlStoreOptions): Promise<SqliteControlStore> {
  const { path, clock, driver } = options;
  const settings = { pragmas: { synchronous: 'FULL' }, migrations: KEYS_MIGRATIONS };
  const database = await openDatabase(path, { ...settings, ...(driver === undefined ? {} : { driver }) });
  return new SqliteControlStore(database, clock);
}
