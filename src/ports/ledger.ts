import type { CallRecord, Charge, Intent } from '../core/model/charge.ts';
import type { ReportDimension, ReportRow } from '../core/report.ts';

export type { ReportDimension, ReportRow } from '../core/report.ts';

/**
 * The append-only record of charges. `intend` and `charge` resolve when the row is durable (it survives `kill -9`);
 * rows of one moment share a commit. Every method is idempotent by id.
 * @public
 */
export interface Ledger {
  /** Durable before the first byte leaves for the provider. */
  intend(intent: Intent): Promise<void>;
  /** Durable before the last byte reaches the client. Removes the intent of the same id. */
  charge(charges: readonly Charge[]): Promise<void>;
  /** Keeps the record of a call. Not waited for: written with the next commit. */
  record(record: CallRecord): void;
  /** Resolves when everything handed over so far is durable. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** Which rows to read. Times in Unix milliseconds, `from` inclusive, `until` exclusive. @public */
export interface LedgerQuery {
  readonly fromMs?: number;
  readonly untilMs?: number;
  readonly project?: string;
  readonly keyId?: string;
  readonly callId?: string;
  /** At most so many, newest first when `order` is `newest`. */
  readonly limit?: number;
  /** @defaultValue 'oldest' */
  readonly order?: 'oldest' | 'newest';
}

/** Reading a ledger. @public */
export interface LedgerReader {
  charges(query: LedgerQuery): AsyncIterable<Charge>;
  calls(query: LedgerQuery): AsyncIterable<CallRecord>;
  /** Costs come from charges (the truth), counts and savings from call records. */
  report(by: ReportDimension, query: LedgerQuery): Promise<readonly ReportRow[]>;
  /** Intents without a charge, oldest first. */
  openIntents(): Promise<readonly Intent[]>;
}
