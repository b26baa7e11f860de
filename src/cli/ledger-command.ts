import { once } from 'node:events';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { LedgerQuery, LedgerReader } from '../ports/ledger.ts';
import { csvLine } from './csv-line.ts';
import { openLedger, storageOf } from './command-storage.ts';
import { addDataOptions, type DataOptions } from './data-folder.ts';
import { CALL_CSV, CALL_TABLE, CHARGE_CSV, CHARGE_TABLE, type CsvColumn, type TableColumn } from './ledger-columns.ts';
import { registerVerify } from './ledger-verify.ts';
import { plainTable } from './plain-table.ts';
import { MOMENT_HELP, parseMoment } from './time-option.ts';

interface LedgerOptions extends DataOptions {
  readonly from?: number;
  readonly until?: number;
  readonly project?: string;
  readonly key?: string;
  readonly limit?: number;
  readonly calls?: boolean;
}

interface ExportOptions extends LedgerOptions {
  readonly format: 'jsonl' | 'csv';
}

const LIST_LIMIT = 50;

/** Adds `farthing ledger list|export|verify`. @internal */
export function registerLedger(program: Command): void {
  const group = program.command('ledger').description('List, export and verify the ledger, also while a gateway runs');
  addQueryOptions(group.command('list').description('Print the newest charges as a table'))
    .option('--limit <count>', 'at most so many', parseLimit, LIST_LIMIT)
    .action(listCommand);
  addQueryOptions(group.command('export').description('Print every charge, the oldest first'))
    .option('--limit <count>', 'at most so many', parseLimit)
    .addOption(
      new Option('--format <format>', 'one object or one line for each').choices(['jsonl', 'csv']).default('jsonl'),
    )
    .action(exportCommand);
  registerVerify(group);
}

function addQueryOptions(command: Command): Command {
  return addDataOptions(command)
    .option('--from <moment>', `from then on: ${MOMENT_HELP}`, parseMoment)
    .option('--until <moment>', 'up to then, not included', parseMoment)
    .option('--project <name>', 'of one project')
    .option('--key <id>', 'of one key, by its public id')
    .option('--calls', 'calls with their savings instead of charges');
}

function parseLimit(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Write a whole number.');
  return Number(text);
}

function queryOf(options: LedgerOptions): LedgerQuery {
  return {
    ...(options.from === undefined ? {} : { fromMs: options.from }),
    ...(options.until === undefined ? {} : { untilMs: options.until }),
    ...(options.project === undefined ? {} : { project: options.project }),
    ...(options.key === undefined ? {} : { keyId: options.key }),
    ...(options.limit === undefined ? {} : { limit: options.limit }),
  };
}

async function withLedger(options: DataOptions, work: (ledger: LedgerReader) => Promise<void>): Promise<void> {
  const opened = await openLedger(await storageOf(options));
  try {
    await work(opened.ledger);
  } finally {
    await opened.close();
  }
}

async function listCommand(options: LedgerOptions): Promise<void> {
  await withLedger(options, async (ledger) => {
    const query: LedgerQuery = { ...queryOf(options), order: 'newest' };
    const isCalls = options.calls === true;
    const text = isCalls ? tableOf(CALL_TABLE, ledger.calls(query)) : tableOf(CHARGE_TABLE, ledger.charges(query));
    console.log(await text);
  });
}

async function tableOf<Row>(columns: readonly TableColumn<Row>[], rows: AsyncIterable<Row>): Promise<string> {
  const lines: (readonly string[])[] = [];
  for await (const row of rows) lines.push(columns.map((column) => column.cell(row)));
  const names = columns.map((column) => column.name);
  return plainTable(names, lines, { align: columns.map((column) => column.align) });
}

async function exportCommand(options: ExportOptions): Promise<void> {
  await withLedger(options, async (ledger) => {
    const query = queryOf(options);
    if (options.calls === true) await printRows(options.format, CALL_CSV, ledger.calls(query));
    else await printRows(options.format, CHARGE_CSV, ledger.charges(query));
  });
}

async function printRows<Row>(
  format: ExportOptions['format'],
  columns: readonly CsvColumn<Row>[],
  rows: AsyncIterable<Row>,
): Promise<void> {
  if (format === 'csv') await print(csvLine(columns.map((column) => column.name)));
  for await (const row of rows) {
    await print(format === 'csv' ? csvLine(columns.map((column) => column.cell(row))) : JSON.stringify(row));
  }
}

/** Prints a line at the reader's pace: an export may be larger than the memory. */
async function print(line: string): Promise<void> {
  if (!process.stdout.write(`${line}\n`)) await once(process.stdout, 'drain');
}
