import type { CallRecord, Charge } from '../core/model/charge.ts';
import { inputTokensOf, outputTokensOf, USAGE_BUCKETS } from '../core/model/usage.ts';
import { formatUsd, type NanoUsd } from '../core/money.ts';
import type { CsvCell } from './csv-line.ts';
import type { ColumnAlign } from './plain-table.ts';
import { shortUsd } from './short-usd.ts';

/** One column of an export. @internal */
export interface CsvColumn<Row> {
  readonly name: string;
  readonly cell: (row: Row) => CsvCell;
}

/** One column of a table. @internal */
export interface TableColumn<Row> {
  readonly name: string;
  readonly align: ColumnAlign;
  readonly cell: (row: Row) => string;
}

function timeText(row: { readonly atMs: number }): string {
  return new Date(row.atMs).toISOString();
}

/** Exact: no nano-dollar is lost, and an amount that is not known is empty, not 0. */
function exactUsd(amount: NanoUsd | undefined): CsvCell {
  return amount === undefined ? undefined : formatUsd(amount);
}

function tableUsd(amount: NanoUsd | undefined): string {
  return amount === undefined ? 'unknown' : shortUsd(amount);
}

/** What an export tells of a charge. @internal */
export const CHARGE_CSV: readonly CsvColumn<Charge>[] = [
  { name: 'chargeId', cell: (charge) => charge.chargeId },
  { name: 'callId', cell: (charge) => charge.callId },
  { name: 'kind', cell: (charge) => charge.kind },
  { name: 'at', cell: timeText },
  { name: 'project', cell: (charge) => charge.project },
  { name: 'keyId', cell: (charge) => charge.keyId },
  { name: 'tags', cell: (charge) => JSON.stringify(charge.tags) },
  { name: 'endpoint', cell: (charge) => charge.endpoint },
  { name: 'target', cell: (charge) => charge.target },
  { name: 'servedModel', cell: (charge) => charge.servedModel },
  { name: 'certainty', cell: (charge) => charge.certainty },
  { name: 'amountUsd', cell: (charge) => exactUsd(charge.amountNanoUsd) },
  { name: 'priceEntry', cell: (charge) => charge.priceEntry },
  { name: 'corrects', cell: (charge) => charge.corrects },
  { name: 'status', cell: (charge) => charge.status },
  { name: 'outcome', cell: (charge) => charge.outcome },
  ...USAGE_BUCKETS.map((bucket) => ({ name: bucket, cell: (charge: Charge): CsvCell => charge.usage[bucket] })),
  { name: 'reasoning', cell: (charge) => charge.usage.reasoning },
];

/** What an export tells of a call. @internal */
export const CALL_CSV: readonly CsvColumn<CallRecord>[] = [
  { name: 'callId', cell: (record) => record.callId },
  { name: 'at', cell: timeText },
  { name: 'project', cell: (record) => record.project },
  { name: 'keyId', cell: (record) => record.keyId },
  { name: 'tags', cell: (record) => JSON.stringify(record.tags) },
  { name: 'endpoint', cell: (record) => record.endpoint },
  { name: 'modelAsked', cell: (record) => record.modelAsked },
  { name: 'target', cell: (record) => record.target },
  { name: 'servedModel', cell: (record) => record.servedModel },
  { name: 'isStream', cell: (record) => String(record.isStream) },
  { name: 'status', cell: (record) => record.status },
  { name: 'outcome', cell: (record) => record.outcome },
  { name: 'cacheStatus', cell: (record) => record.cacheStatus },
  { name: 'inputTokens', cell: (record) => inputTokensOf(record.usage) },
  { name: 'outputTokens', cell: (record) => outputTokensOf(record.usage) },
  { name: 'costUsd', cell: (record) => exactUsd(record.costNanoUsd) },
  { name: 'isEstimate', cell: (record) => String(record.isEstimate) },
  { name: 'baselineUsd', cell: (record) => exactUsd(record.baselineNanoUsd) },
  { name: 'savedUsd', cell: (record) => exactUsd(record.savedNanoUsd) },
  { name: 'missedByModeUsd', cell: (record) => exactUsd(record.missedByMode?.nanoUsd) },
  { name: 'attempts', cell: (record) => record.attempts },
  { name: 'durationMs', cell: (record) => record.durationMs },
  { name: 'firstByteMs', cell: (record) => record.firstByteMs },
];

/** What a table tells of a charge. @internal */
export const CHARGE_TABLE: readonly TableColumn<Charge>[] = [
  { name: 'time', align: 'left', cell: timeText },
  { name: 'charge', align: 'left', cell: (charge) => charge.chargeId },
  { name: 'project', align: 'left', cell: (charge) => charge.project },
  { name: 'key', align: 'left', cell: (charge) => charge.keyId },
  { name: 'target', align: 'left', cell: (charge) => charge.target },
  { name: 'input', align: 'right', cell: (charge) => String(inputTokensOf(charge.usage)) },
  { name: 'output', align: 'right', cell: (charge) => String(outputTokensOf(charge.usage)) },
  { name: 'cost $', align: 'right', cell: (charge) => tableUsd(charge.amountNanoUsd) },
  { name: 'certainty', align: 'left', cell: (charge) => charge.certainty },
  { name: 'outcome', align: 'left', cell: (charge) => charge.outcome },
];

/** What a table tells of a call. @internal */
export const CALL_TABLE: readonly TableColumn<CallRecord>[] = [
  { name: 'time', align: 'left', cell: timeText },
  { name: 'call', align: 'left', cell: (record) => record.callId },
  { name: 'project', align: 'left', cell: (record) => record.project },
  { name: 'key', align: 'left', cell: (record) => record.keyId },
  { name: 'model', align: 'left', cell: (record) => record.target ?? record.modelAsked },
  { name: 'status', align: 'right', cell: (record) => String(record.status) },
  { name: 'cache', align: 'left', cell: (record) => record.cacheStatus },
  { name: 'cost $', align: 'right', cell: (record) => tableUsd(record.costNanoUsd) },
  { name: 'saved $', align: 'right', cell: (record) => tableUsd(record.savedNanoUsd) },
  { name: 'outcome', align: 'left', cell: (record) => record.outcome },
];
