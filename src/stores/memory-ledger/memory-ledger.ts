import { FarthingError } from '../../core/errors.ts';
import type { CallRecord, Charge, ChargeCertainty, Intent } from '../../core/model/charge.ts';
import { callFacts, chargeFacts, ReportBuilder, type ReportDimension, type ReportRow } from '../../core/report.ts';
import type { Ledger, LedgerQuery, LedgerReader } from '../../ports/ledger.ts';

/** Settings of {@link MemoryLedger}. @public */
export interface MemoryLedgerOptions {
  /**
   * How many charges, and how many call records, are kept; past it the oldest are dropped. A dropped charge is no longer
   * known, so it is in no report and its id is no longer guarded against doubling.
   * @defaultValue 100_000 (about 100 MB when full)
   */
  readonly maxRows?: number;
}

const DEFAULT_MAX_ROWS = 100_000;

interface Row {
  readonly atMs: number;
  readonly callId: string;
  readonly project: string;
  readonly keyId: string;
}

function matches(query: LedgerQuery, row: Row): boolean {
  return (
    row.atMs >= (query.fromMs ?? Number.NEGATIVE_INFINITY) &&
    row.atMs < (query.untilMs ?? Number.POSITIVE_INFINITY) &&
    (query.project === undefined || row.project === query.project) &&
    (query.keyId === undefined || row.keyId === query.keyId) &&
    (query.callId === undefined || row.callId === query.callId)
  );
}

function chosen<R extends Row>(rows: Iterable<R>, query: LedgerQuery): readonly R[] {
  const found = [...rows].filter((row) => matches(query, row)).toSorted((left, right) => left.atMs - right.atMs);
  return (query.order === 'newest' ? found.toReversed() : found).slice(0, query.limit);
}

/** Adds a row under its id, unless the id is taken, and drops the oldest past the bound. */
function keep<R>(rows: Map<string, R>, id: string, row: R, maxRows: number): void {
  if (rows.has(id)) return;
  rows.set(id, row);
  if (rows.size <= maxRows) return;
  const oldest = rows.keys().next();
  if (oldest.done !== true) rows.delete(oldest.value);
}

/**
 * The ledger in this process's memory, for programs that embed the library and want the bill of this run only.
 * Nothing survives the process: "durable" is worth no more than the memory it stands in.
 * @public
 */
export class MemoryLedger implements Ledger, LedgerReader {
  readonly #maxRows: number;
  readonly #intents = new Map<string, Intent>();
  readonly #charges = new Map<string, Charge>();
  readonly #calls = new Map<string, CallRecord>();
  #isClosed = false;

  constructor(options: MemoryLedgerOptions = {}) {
    this.#maxRows = options.maxRows ?? DEFAULT_MAX_ROWS;
    if (!(this.#maxRows > 0)) throw new RangeError(`maxRows must be positive: ${this.#maxRows}`);
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new FarthingError('store-unavailable', 'the ledger is closed');
  }

  async intend(intent: Intent): Promise<void> {
    this.#checkOpen();
    if (!this.#charges.has(intent.chargeId)) this.#intents.set(intent.chargeId, intent);
  }

  async charge(charges: readonly Charge[]): Promise<void> {
    this.#checkOpen();
    for (const charge of charges) {
      keep(this.#charges, charge.chargeId, charge, this.#maxRows);
      this.#intents.delete(charge.chargeId);
    }
  }

  record(record: CallRecord): void {
    if (!this.#isClosed) keep(this.#calls, record.callId, record, this.#maxRows);
  }

  async flush(): Promise<void> {
    this.#checkOpen();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
  }

  async *charges(query: LedgerQuery): AsyncIterable<Charge> {
    yield* chosen(this.#charges.values(), query);
  }

  async *calls(query: LedgerQuery): AsyncIterable<CallRecord> {
    yield* chosen(this.#calls.values(), query);
  }

  async report(by: ReportDimension, query: LedgerQuery): Promise<readonly ReportRow[]> {
    const builder = new ReportBuilder(by);
    const corrections = new Map<string, ChargeCertainty>();
    for (const charge of this.#charges.values()) {
      if (charge.corrects !== undefined) corrections.set(charge.corrects, charge.certainty);
    }
    for (const charge of chosen(this.#charges.values(), query)) {
      builder.addCharge(chargeFacts(charge, corrections.get(charge.chargeId)));
    }
    for (const record of chosen(this.#calls.values(), query)) builder.addCall(callFacts(record));
    return builder.rows();
  }

  async openIntents(): Promise<readonly Intent[]> {
    return [...this.#intents.values()].toSorted((left, right) => left.atMs - right.atMs);
  }
}
