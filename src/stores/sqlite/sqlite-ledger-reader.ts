import { setImmediate as nextTurn } from 'node:timers/promises';
import { FarthingError } from '../../core/errors.ts';
import { type CallRecord, type Charge, DEFERRED, type Intent, PROVISIONAL_OUTCOMES } from '../../core/model/charge.ts';
import { callFacts, ReportBuilder, type ReportDimension, type ReportRow } from '../../core/report.ts';
import type {
  ChargeReceipt,
  LedgerQuery,
  LedgerReader,
  SpendingQuery,
  SpendingReader,
  SpendingRow,
} from '../../ports/ledger.ts';
import { orderedCalls } from './ledger-call-reader.ts';
import {
  CHARGE_FACTS_COLUMNS,
  chargeFactsOf,
  chargeOf,
  intentOf,
  receiptOf,
  SPENDING_COLUMNS,
  spendingOf,
} from './ledger-rows.ts';
import { LEDGER_MIGRATIONS, OPEN_INTENTS } from './ledger-schema.ts';
import { PreparedStatements } from './prepared-statements.ts';
import {
  openDatabase,
  type SqliteDatabase,
  type SqliteDriver,
  type SqlRow,
  type SqlValue,
  storeFault,
} from './sqlite-database.ts';

/** Rows read in one go: about 2 ms, after which other work of the process gets its turn. */
const PAGE_ROWS = 500;

/** Rows looked at in one go for those of one owner. */
const OWNER_PAGE_ROWS = 2_000;

interface Condition {
  readonly sql: string;
  readonly parameters: readonly SqlValue[];
}

/**
 * What a query asks of charges as SQL. With a call's id the plus signs keep SQLite from walking the index of times: the call's few
 * rows are found by their ids.
 */
function conditionOf(query: LedgerQuery): Condition {
  const terms: (readonly [sql: string, ...parameters: SqlValue[]])[] = [];
  const time = query.callId === undefined ? 'at_ms' : '+at_ms';
  if (query.fromMs !== undefined) terms.push([`${time} >= ?`, query.fromMs]);
  if (query.untilMs !== undefined) terms.push([`${time} < ?`, query.untilMs]);
  if (query.project !== undefined) terms.push(['project = ?', query.project]);
  if (query.keyId !== undefined) terms.push(['key_id = ?', query.keyId]);
  if (query.callId !== undefined) {
    // "/" follows "." in every collation by bytes, so this is the prefix `<call id>.`
    terms.push(['charge_id >= ? AND charge_id < ?', `${query.callId}.`, `${query.callId}/`]);
    // The id of the call is a column's part only where it is not what stands before the first dot.
    terms.push([
      "iif(facts ->> 1 = 0, substr(charge_id, 1, instr(charge_id, '.') - 1), facts ->> 1) = ?",
      query.callId,
    ]);
  }
  return {
    sql: terms.map(([sql]) => ` AND ${sql}`).join(''),
    parameters: terms.flatMap(([, ...parameters]) => parameters),
  };
}

/**
 * Reads a ledger's file, also while gateways write it: every page is a snapshot of its own.
 * @internal
 */
export class SqliteLedgerReader implements LedgerReader, SpendingReader {
  readonly #database: SqliteDatabase;
  readonly #statements: PreparedStatements;

  constructor(database: SqliteDatabase) {
    this.#database = database;
    this.#statements = new PreparedStatements(database);
  }

  async *charges(query: LedgerQuery): AsyncIterable<Charge> {
    for await (const page of this.#pages('*', query)) yield* page.map(chargeOf);
  }

  async *calls(query: LedgerQuery): AsyncIterable<CallRecord> {
    for await (const records of this.#callPages(query)) yield* records;
  }

  async report(by: ReportDimension, query: LedgerQuery): Promise<readonly ReportRow[]> {
    const builder = new ReportBuilder(by);
    for await (const page of this.#pages(CHARGE_FACTS_COLUMNS, query)) {
      for (const row of page) builder.addCharge(chargeFactsOf(row));
    }
    for await (const records of this.#callPages(query)) {
      for (const record of records) builder.addCall(callFacts(record));
    }
    return builder.rows();
  }

  async openIntents(): Promise<readonly Intent[]> {
    return this.read(OPEN_INTENTS).map(intentOf);
  }

  /** All pages are of one moment: rows are only added, and their sequence grows with every commit. */
  async *spending({ fromMs, ownerId }: SpendingQuery): AsyncIterable<SpendingRow> {
    const [{ sequence: last = null } = {}] = this.read('SELECT max(sequence) AS sequence FROM charges');
    const owner =
      ownerId === undefined ? { sql: '', parameters: [] } : { sql: ' AND owner_id = ?', parameters: [ownerId] };
    const pageRows = ownerId === undefined ? PAGE_ROWS : OWNER_PAGE_ROWS;
    let from: readonly SqlValue[] = [fromMs ?? Number.MIN_SAFE_INTEGER, Number.MIN_SAFE_INTEGER];
    for (;;) {
      const [end] = this.read(
        `SELECT at_ms, sequence FROM charges WHERE (at_ms, sequence) > (?, ?) ORDER BY at_ms, sequence LIMIT 1 OFFSET ?`,
        ...from,
        pageRows - 1,
      );
      const until = [end?.['at_ms'] ?? Number.MAX_SAFE_INTEGER, end?.['sequence'] ?? Number.MAX_SAFE_INTEGER];
      const page = this.read(
        `SELECT ${SPENDING_COLUMNS} FROM charges WHERE (at_ms, sequence) > (?, ?) AND (at_ms, sequence) <= (?, ?)
           AND sequence <= ? AND amount_nano_usd IS NOT NULL${owner.sql} ORDER BY at_ms, sequence`,
        ...from,
        ...until,
        last,
        ...owner.parameters,
      );
      yield* page.map(spendingOf);
      if (end === undefined) return;
      from = until;
      await nextTurn(); // oxlint-disable-line no-await-in-loop -- the point of it: pages with room between them
    }
  }

  /** The receipt of the row that stands for a charge; undefined when its row, or the correction of its estimate, is missing. */
  receipt({ chargeId, outcome }: Pick<Charge, 'chargeId' | 'outcome'>): ChargeReceipt | undefined {
    const correctionId = `${chargeId}.c1`;
    const rows = this.read(
      'SELECT charge_id, owner_id, amount_nano_usd, at_ms, booked_at_ms, outcome FROM charges WHERE charge_id IN (?, ?)',
      chargeId,
      correctionId,
    );
    const own = rows.find((row) => row['charge_id'] === chargeId);
    const isProvisional = PROVISIONAL_OUTCOMES.includes(String(own?.['outcome'])) && outcome !== DEFERRED;
    const standing = isProvisional ? rows.find((row) => row['charge_id'] === correctionId) : own;
    return standing === undefined ? undefined : receiptOf(chargeId, standing);
  }

  async livingOwners(): Promise<readonly string[]> {
    return this.read('SELECT owner_id FROM owners').map((row) => String(row['owner_id']));
  }

  async close(): Promise<void> {
    this.#database.close();
  }

  /** Runs a reading statement, prepared once. @throws FarthingError `store-unavailable` */
  read(sql: string, ...parameters: readonly SqlValue[]): readonly SqlRow[] {
    try {
      return this.#statements.of(sql).all(...parameters);
    } catch (error) {
      throw storeFault('cannot read the ledger', error);
    }
  }

  #callPages(query: LedgerQuery): AsyncIterable<readonly CallRecord[]> {
    return orderedCalls((sql, ...parameters) => this.read(sql, ...parameters), query);
  }

  async *#pages(columns: string, query: LedgerQuery): AsyncIterable<readonly SqlRow[]> {
    const isNewest = query.order === 'newest';
    const direction = isNewest ? 'DESC' : 'ASC';
    const { sql, parameters } = conditionOf(query);
    const time = query.callId === undefined ? 'at_ms' : '+at_ms';
    const end = isNewest ? Number.MAX_SAFE_INTEGER : Number.MIN_SAFE_INTEGER;
    let cursor: readonly SqlValue[] = [end, end];
    let left = query.limit ?? Number.MAX_SAFE_INTEGER;
    while (left > 0) {
      const page = this.read(
        `SELECT ${columns} FROM charges WHERE (${time}, sequence) ${isNewest ? '<' : '>'} (?, ?)${sql}
         ORDER BY ${time} ${direction}, sequence ${direction} LIMIT ?`,
        ...cursor,
        ...parameters,
        Math.min(left, PAGE_ROWS),
      );
      yield page;
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE_ROWS) return;
      cursor = [last['at_ms'] ?? null, last['sequence'] ?? null];
      left -= page.length;
      await nextTurn(); // oxlint-disable-line no-await-in-loop -- the point of it: pages with room between them
    }
  }
}

/**
 * Opens a ledger's file for reading only.
 * @throws FarthingError `store-unavailable` when it is not there or has another version of the schema.
 * @internal
 */
export async function openLedgerReader(
  path: string,
  options: { readonly driver?: SqliteDriver | undefined; readonly pragmas?: Readonly<Record<string, number>> } = {},
): Promise<SqliteLedgerReader> {
  const { driver, pragmas = {} } = options;
  const database = await openDatabase(path, { readonly: true, pragmas, ...(driver === undefined ? {} : { driver }) });
  const version = database.prepare('PRAGMA user_version').get()?.['user_version'];
  if (version === LEDGER_MIGRATIONS.length) return new SqliteLedgerReader(database);
  database.close();
  throw new FarthingError(
    'store-unavailable',
    `the ledger has schema version ${String(version)}, this program reads ${LEDGER_MIGRATIONS.length}`,
  );
}
