import {
  type AccountState,
  adjustAccount,
  type BucketAmounts,
  EMPTY_ACCOUNT,
  exchange,
  type ExchangeRequest,
  foldOwner,
} from '../../core/budget/account-state.ts';
import { type AccountId, accountParts } from '../../core/budget/budget.ts';
import type {
  BudgetOwner,
  BudgetStanding,
  BudgetStore,
  BudgetStoreUpkeep,
  ExchangeTerms,
  StoreReply,
} from '../../ports/budget-store.ts';
import type { Clock } from '../../ports/clock.ts';
import {
  inTransaction,
  openDatabase,
  type SqliteDatabase,
  type SqliteDriver,
  type SqliteStatement,
  type SqlRow,
} from './sqlite-database.ts';
import { whenFree } from './when-free.ts';

/** How {@link openSqliteBudgetStore} opens a store. @public */
export interface SqliteBudgetStoreOptions {
  /** A file of its own; made when it is not there. Its folder must exist. */
  readonly path: string;
  readonly clock: Clock;
  /** @defaultValue better-sqlite3 where it is installed, else Node's own */
  readonly driver?: SqliteDriver;
}

/**
 * One row of `standing`; `owners` are those of its generation, `left_owners` those that left it: what one of them sends late is refused. An account
 * is what `AccountState` says, as JSON.
 */
const MIGRATIONS: readonly string[] = [
  `
CREATE TABLE standing (
  generation TEXT NOT NULL,
  is_ready INTEGER NOT NULL,
  begun_at_ms INTEGER NOT NULL,
  definitions TEXT NOT NULL
) STRICT;
CREATE TABLE owners (
  owner_id TEXT PRIMARY KEY,
  cut_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE left_owners (
  owner_id TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
CREATE TABLE accounts (
  account_id TEXT PRIMARY KEY,
  definition TEXT NOT NULL,
  state TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX accounts_definition ON accounts (definition);
`,
];

/** An exchange that waits for the end of this turn of the event loop. */
interface Asked {
  readonly account: AccountId;
  readonly request: ExchangeRequest;
  readonly terms: ExchangeTerms;
  readonly resolve: (reply: StoreReply) => void;
  readonly reject: (error: unknown) => void;
}

/** Accounts read in one go; other work has its turn between. */
const PAGE_ROWS = 500;

/**
 * Counters of budgets in a SQLite file, shared by the processes of a data folder. Written in place: slices make exchanges rare, and each takes
 * about as long as reading a key. Exchanges are not fsynced, since the ledger is; who joins is, so that after a power cut the spending of everyone
 * who took part is looked up.
 * @public
 */
export class SqliteBudgetStore implements BudgetStore, BudgetStoreUpkeep {
  readonly #database: SqliteDatabase;
  readonly #clock: Clock;
  readonly #standing: SqliteStatement;
  readonly #owners: SqliteStatement;
  readonly #read: SqliteStatement;
  readonly #write: SqliteStatement;
  readonly #count: SqliteStatement;
  readonly #page: SqliteStatement;
  readonly #join: SqliteStatement;
  readonly #leave: SqliteStatement;
  readonly #keepLeft: SqliteStatement;
  readonly #hasLeft: SqliteStatement;
  readonly #begin: SqliteStatement;
  readonly #finish: SqliteStatement;
  readonly #generation: SqliteStatement;
  readonly #asked: Asked[] = [];
  #isClosed = false;

  /** @internal Use {@link openSqliteBudgetStore}. */
  constructor(database: SqliteDatabase, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
    this.#standing = database.prepare('SELECT * FROM standing');
    this.#generation = database.prepare('SELECT generation FROM standing');
    this.#owners = database.prepare('SELECT * FROM owners ORDER BY owner_id');
    this.#read = database.prepare('SELECT state FROM accounts WHERE account_id = ?');
    this.#write = database.prepare(
      'INSERT INTO accounts VALUES (?, ?, ?) ON CONFLICT (account_id) DO UPDATE SET state = excluded.state',
    );
    this.#count = database.prepare('SELECT count(*) AS count FROM accounts WHERE definition = ?');
    this.#page = database.prepare(
      `SELECT account_id, state FROM accounts WHERE account_id > ? ORDER BY account_id LIMIT ${PAGE_ROWS}`,
    );
    this.#join = database.prepare(
      'INSERT INTO owners VALUES (?, ?) ON CONFLICT (owner_id) DO UPDATE SET cut_ms = excluded.cut_ms',
    );
    this.#leave = database.prepare('DELETE FROM owners WHERE owner_id = ?');
    this.#keepLeft = database.prepare('INSERT INTO left_owners VALUES (?) ON CONFLICT DO NOTHING');
    this.#hasLeft = database.prepare('SELECT 1 FROM left_owners WHERE owner_id = ?');
    this.#begin = database.prepare('INSERT INTO standing VALUES (?, 0, ?, ?)');
    this.#finish = database.prepare('UPDATE standing SET is_ready = 1 WHERE generation = ?');
  }

  async standing(): Promise<BudgetStanding> {
    return this.#whenFree(() => {
      const row = this.#standing.get();
      if (row === undefined) return { generation: undefined, phase: 'absent', definitions: [], owners: [] };
      return {
        generation: String(row['generation']),
        phase: row['is_ready'] === 1 ? 'ready' : 'building',
        definitions: JSON.parse(String(row['definitions'])) as readonly string[],
        owners: this.#owners.all().map(ownerOf),
      };
    });
  }

  async join({ ownerId, cutMs }: BudgetOwner, generation: string): Promise<boolean> {
    return this.#durably(() => {
      const row = this.#standing.get();
      if (row?.['generation'] !== generation) return false;
      const isLate = row['is_ready'] === 1 && cutMs > 0;
      if (isLate && !this.#owners.all().some((owner) => owner['owner_id'] === ownerId)) return false;
      this.#join.run(ownerId, cutMs);
      return true;
    });
  }

  exchange(account: AccountId, request: ExchangeRequest, terms: ExchangeTerms): Promise<StoreReply> {
    return new Promise((resolve, reject) => {
      this.#asked.push({ account, request, terms, resolve, reject });
      if (this.#asked.length === 1) setImmediate(() => void this.#exchangeAll(this.#asked.splice(0)));
    });
  }

  /** What is asked in one turn of the event loop shares a transaction; where that fails each is on its own. */
  async #exchangeAll(asked: readonly Asked[]): Promise<void> {
    try {
      const replies = await this.#atomically(() => asked.map((each) => this.#exchange(each)));
      for (const [index, each] of asked.entries()) each.resolve(replies[index] as StoreReply);
    } catch (error) {
      if (asked.length === 1) asked[0]?.reject(error);
      else for (const each of asked) void this.#exchangeAll([each]);
    }
  }

  #exchange({ account, request, terms }: Asked): StoreReply {
    if (!this.#is(terms.generation)) return { kind: 'stale' };
    if (this.#hasLeft.get(request.ownerId) !== undefined) return { kind: 'fenced' };
    const known = this.#state(account);
    if (known === undefined) {
      const count = Number(this.#count.get(accountParts(account).definition)?.['count']);
      if (count >= terms.maxAccounts) return { kind: 'full' };
    }
    const { state, reply } = exchange(known ?? EMPTY_ACCOUNT, request);
    this.#keep(account, state);
    return reply;
  }

  async fold(
    account: AccountId,
    ownerId: string,
    totals: BucketAmounts,
    terms: { readonly generation: string; readonly nowMs: number },
  ): Promise<void> {
    await this.#durably(() => {
      if (!this.#is(terms.generation)) return;
      this.#keep(account, foldOwner(this.#state(account) ?? EMPTY_ACCOUNT, ownerId, totals, terms.nowMs));
    });
  }

  async begin(
    generation: string,
    definitions: readonly string[],
    current: string | undefined,
    patienceMs: number,
  ): Promise<boolean> {
    const nowMs = this.#clock.nowMs();
    return this.#durably(() => {
      const row = this.#standing.get();
      if (row?.['generation'] === generation) return true;
      if (row?.['generation'] !== current) return false;
      if (row?.['is_ready'] === 0 && nowMs - Number(row['begun_at_ms']) < patienceMs) return false;
      this.#database.exec('DELETE FROM standing; DELETE FROM owners; DELETE FROM left_owners; DELETE FROM accounts');
      this.#begin.run(generation, nowMs, JSON.stringify(definitions));
      return true;
    });
  }

  async install(generation: string, bases: ReadonlyMap<AccountId, BucketAmounts>): Promise<void> {
    await this.#durably(() => {
      if (!this.#is(generation)) return;
      for (const [account, base] of bases) this.#keep(account, { ...(this.#state(account) ?? EMPTY_ACCOUNT), base });
    });
  }

  async finish(generation: string, counted?: readonly string[]): Promise<boolean> {
    return this.#durably(() => {
      if (this.#finish.run(generation) === 0) return false;
      for (const { ownerId, cutMs } of this.#owners.all().map(ownerOf)) {
        if (cutMs > 0 && counted?.includes(ownerId) === false) this.#leave.run(ownerId);
      }
      return true;
    });
  }

  async leave(ownerId: string): Promise<void> {
    await this.#durably(() => {
      this.#leave.run(ownerId);
      this.#keepLeft.run(ownerId);
    });
  }

  async adjust(
    account: AccountId,
    _adjustmentId: string,
    amounts: BucketAmounts,
    terms: { readonly generation: string },
  ): Promise<boolean> {
    return this.#durably(() => {
      if (!this.#is(terms.generation)) return false;
      this.#keep(account, adjustAccount(this.#state(account) ?? EMPTY_ACCOUNT, amounts));
      return true;
    });
  }

  async *accounts(): AsyncIterable<readonly [AccountId, AccountState]> {
    let last = '';
    for (;;) {
      const from = last;
      // oxlint-disable-next-line no-await-in-loop -- pages with room between them
      const rows = await this.#whenFree(() => this.#page.all(from));
      for (const row of rows) yield [String(row['account_id']) as AccountId, stateOf(row)];
      if (rows.length < PAGE_ROWS) return;
      last = String(rows.at(-1)?.['account_id']);
    }
  }

  async close(): Promise<void> {
    if (!this.#isClosed) this.#database.close();
    this.#isClosed = true;
  }

  #is(generation: string): boolean {
    return this.#generation.get()?.['generation'] === generation;
  }

  #state(account: AccountId): AccountState | undefined {
    const row = this.#read.get(account);
    return row === undefined ? undefined : stateOf(row);
  }

  #keep(account: AccountId, state: AccountState): void {
    this.#write.run(account, accountParts(account).definition, JSON.stringify(state));
  }

  /** Survives a power cut when it resolves, with all that was written before it. */
  #durably<Result>(work: () => Result): Promise<Result> {
    return this.#whenFree(() => {
      this.#database.exec('PRAGMA synchronous = FULL');
      try {
        return inTransaction(this.#database, work);
      } finally {
        this.#database.exec('PRAGMA synchronous = NORMAL');
      }
    });
  }

  #atomically<Result>(work: () => Result): Promise<Result> {
    return this.#whenFree(() => inTransaction(this.#database, work));
  }

  #whenFree<Result>(work: () => Result): Promise<Result> {
    return whenFree(work, 'cannot use the counters of budgets');
  }
}

function ownerOf(row: SqlRow): BudgetOwner {
  return { ownerId: String(row['owner_id']), cutMs: Number(row['cut_ms']) };
}

function stateOf(row: SqlRow): AccountState {
  return JSON.parse(String(row['state'])) as AccountState;
}

/**
 * Opens the counters of budgets in a file.
 * @throws FarthingError `store-unavailable`
 * @public
 */
export async function openSqliteBudgetStore(options: SqliteBudgetStoreOptions): Promise<SqliteBudgetStore> {
  const { path, clock, driver } = options;
  const database = await openDatabase(path, {
    pragmas: { synchronous: 'NORMAL' },
    migrations: MIGRATIONS,
    ...(driver === undefined ? {} : { driver }),
  });
  database.exec('PRAGMA busy_timeout = 0');
  return new SqliteBudgetStore(database, clock);
}
