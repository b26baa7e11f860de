import type { CallRecord, Charge, Intent } from '../../core/model/charge.ts';
import { callFacts, ReportBuilder, type ReportDimension, type ReportRow } from '../../core/report.ts';
import type { LedgerQuery, LedgerReader, SpendingQuery, SpendingReader, SpendingRow } from '../../ports/ledger.ts';
import {
  callRecordOf,
  chargeFactsOf,
  chargeOf,
  columnText,
  intentOf,
  spendingOf,
  type StoredCharge,
} from './ledger-rows.ts';
import type { PostgresDatabase } from './postgres-database.ts';
import { postgresFault } from './postgres-fault.ts';

/** Rows read in one go: a few milliseconds for the process that reads. */
const PAGE_ROWS = 1_000;

/** What rows are chosen by: SQL with `?` for each value. */
type Condition = readonly [sql: string, ...values: (string | number)[]];

/** Where a page ends. */
interface Position {
  readonly at_ms: number;
  readonly sequence: number;
}

interface PageQuery extends Pick<LedgerQuery, 'limit' | 'order'> {
  /** `SELECT ... FROM ...` */
  readonly select: string;
  readonly conditions: readonly Condition[];
  /** The columns that rows are read in the order of, the last one unique. @defaultValue time, then sequence */
  readonly by?: readonly (keyof Position)[];
}

/** A correction's certainty is that of the latest one. */
const CHARGES = `SELECT charges.*, CASE WHEN certainty IN ('estimate', 'unpriced') THEN (
    SELECT correction.certainty FROM farthing.charges AS correction WHERE correction.corrects = charges.charge_id
    ORDER BY correction.sequence DESC LIMIT 1) END AS correction
  FROM farthing.charges AS charges`;

const CALLS = 'SELECT at_ms, sequence, record FROM farthing.calls';

const SPENDING = 'SELECT * FROM farthing.charges';

function sharedConditions(query: LedgerQuery): Condition[] {
  const conditions: Condition[] = [];
  if (query.fromMs !== undefined) conditions.push(['at_ms >= ?', query.fromMs]);
  if (query.untilMs !== undefined) conditions.push(['at_ms < ?', query.untilMs]);
  if (query.project !== undefined) conditions.push(['project = ?', columnText(query.project)]);
  if (query.keyId !== undefined) conditions.push(['key_id = ?', columnText(query.keyId)]);
  return conditions;
}

function chargeConditions(query: LedgerQuery): readonly Condition[] {
  const conditions = sharedConditions(query);
  if (query.callId === undefined) return conditions;
  // "/" follows "." in the collation by bytes, so this is the prefix `<call id>.`
  conditions.push(['charge_id >= ? AND charge_id < ?', `${query.callId}.`, `${query.callId}/`]);
  conditions.push(["coalesce(call_id, split_part(charge_id, '.', 1)) = ?", query.callId]);
  return conditions;
}

function callConditions(query: LedgerQuery): readonly Condition[] {
  const conditions = sharedConditions(query);
  if (query.callId !== undefined) conditions.push(['call_id = ?', query.callId]);
  return conditions;
}

/** Writes a page's statement with its numbered parameters. */
function pageSql(query: PageQuery, after: Position | undefined, rows: number): readonly [string, readonly unknown[]] {
  const by = query.by ?? ['at_ms', 'sequence'];
  const isNewest = query.order === 'newest';
  const values: (string | number)[] = [];
  const numbered = ([sql, ...own]: Condition): string => {
    let next = 0;
    return sql.replaceAll('?', () => `$${values.push(own[next++] ?? '')}`);
  };
  const conditions = [...query.conditions];
  if (after !== undefined) {
    const marks = by.map(() => '?').join(', ');
    const end = by.map((column) => after[column]);
    conditions.push([`(${by.join(', ')}) ${isNewest ? '<' : '>'} (${marks})`, ...end]);
  }
  const where = conditions.length === 0 ? '' : ` WHERE ${conditions.map(numbered).join(' AND ')}`;
  const order = by.map((column) => (isNewest ? `${column} DESC` : column)).join(', ');
  return [`${query.select}${where} ORDER BY ${order} LIMIT ${rows}`, values];
}

/**
 * Reads a ledger, also while it is written: every page is a snapshot of its own and begins where the last one ended.
 * @internal
 */
export class PostgresLedgerReader implements LedgerReader, SpendingReader {
  readonly #database: PostgresDatabase;

  constructor(database: PostgresDatabase) {
    this.#database = database;
  }

  async *charges(query: LedgerQuery): AsyncIterable<Charge> {
    for await (const page of this.#chargePages(query)) yield* page.map(chargeOf);
  }

  async *calls(query: LedgerQuery): AsyncIterable<CallRecord> {
    for await (const page of this.#callPages(query)) yield* page.map((row) => callRecordOf(row.record));
  }

  async report(by: ReportDimension, query: LedgerQuery): Promise<readonly ReportRow[]> {
    const builder = new ReportBuilder(by);
    for await (const page of this.#chargePages(query)) {
      for (const row of page) builder.addCharge(chargeFactsOf(row, row.correction));
    }
    for await (const page of this.#callPages(query)) {
      for (const row of page) builder.addCall(callFacts(callRecordOf(row.record)));
    }
    return builder.rows();
  }

  async openIntents(): Promise<readonly Intent[]> {
    const rows = await this.#database.use('cannot read the ledger', (queries) =>
      queries
        .selectFrom('intents')
        .selectAll()
        .where((row) =>
          row.not(row.exists(row.selectFrom('charges').whereRef('charges.charge_id', '=', 'intents.charge_id'))),
        )
        .orderBy('at_ms')
        .orderBy('charge_id')
        .execute(),
    );
    return rows.map(intentOf);
  }

  async livingOwners(): Promise<readonly string[]> {
    const rows = await this.#database.use('cannot read the ledger', (queries) =>
      queries.selectFrom('owners').select('owner_id').orderBy('owner_id').execute(),
    );
    return rows.map((row) => row.owner_id);
  }

  /** In the order of time; the rows of one owner in the order in which they were written. */
  async *spending({ fromMs, ownerId }: SpendingQuery): AsyncIterable<SpendingRow> {
    const conditions: Condition[] = [['amount_nano_usd IS NOT NULL']];
    if (fromMs !== undefined) conditions.push(['at_ms >= ?', fromMs]);
    if (ownerId !== undefined) conditions.push(['owner_id = ?', ownerId]);
    const by = ownerId === undefined ? {} : { by: ['sequence'] as const };
    const pages = this.#pages<StoredCharge>({ select: SPENDING, conditions, ...by });
    for await (const page of pages) yield* page.map(spendingOf);
  }

  #chargePages(query: LedgerQuery): AsyncIterable<readonly (StoredCharge & { readonly correction: string | null })[]> {
    return this.#pages({ ...query, select: CHARGES, conditions: chargeConditions(query) });
  }

  #callPages(query: LedgerQuery): AsyncIterable<readonly (Position & { readonly record: string })[]> {
    return this.#pages({ ...query, select: CALLS, conditions: callConditions(query) });
  }

  async *#pages<Row extends Position>(query: PageQuery): AsyncIterable<readonly Row[]> {
    let left = query.limit ?? Number.MAX_SAFE_INTEGER;
    let after: Position | undefined;
    while (left > 0) {
      const rows = Math.min(left, PAGE_ROWS);
      const page = await this.#page<Row>(...pageSql(query, after, rows)); // oxlint-disable-line no-await-in-loop -- it begins where the last one ended
      yield page;
      after = page.at(-1);
      if (after === undefined || page.length < rows) return;
      left -= page.length;
    }
  }

  async #page<Row>(sql: string, values: readonly unknown[]): Promise<readonly Row[]> {
    try {
      return (await this.#database.run<Row>(sql, values)).rows;
    } catch (error) {
      throw postgresFault('cannot read the ledger', error);
    }
  }
}
