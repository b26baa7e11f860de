import { type Command, InvalidArgumentError } from 'commander';
import { formatUsd } from '../core/money.ts';
import { parseReportDimension, totalRow } from '../core/report.ts';
import type { LedgerQuery, ReportDimension, ReportRow } from '../ports/ledger.ts';
import { openLedger, storageOf } from './command-storage.ts';
import { addDataOptions, type DataOptions } from './data-folder.ts';
import { plainTable } from './plain-table.ts';
import { shortUsd } from './short-usd.ts';
import { MOMENT_HELP, parseMoment } from './time-option.ts';

interface ReportOptions extends DataOptions {
  readonly by: ReportDimension;
  readonly from?: number;
  readonly until?: number;
  readonly json?: boolean;
}

/** Adds `farthing report`. @internal */
export function registerReport(program: Command): void {
  addDataOptions(program.command('report').description('What was spent and saved, also while a gateway runs'))
    .option('--by <group>', 'day (UTC), model, project, key or tag:<name>', parseBy, 'day')
    .option('--from <moment>', `from then on: ${MOMENT_HELP}`, parseMoment)
    .option('--until <moment>', 'up to then, not included', parseMoment)
    .option('--json', 'JSON with exact amounts instead of a table')
    .action(reportCommand);
}

function parseBy(text: string): ReportDimension {
  const by = parseReportDimension(text);
  if (by === undefined) throw new InvalidArgumentError('Write day, model, project, key or tag:<name>.');
  return by;
}

async function reportCommand(options: ReportOptions): Promise<void> {
  const query: LedgerQuery = {
    ...(options.from === undefined ? {} : { fromMs: options.from }),
    ...(options.until === undefined ? {} : { untilMs: options.until }),
  };
  const opened = await openLedger(await storageOf(options));
  try {
    const rows = await opened.ledger.report(options.by, query);
    console.log(options.json === true ? reportJson(options.by, rows) : reportText(options.by, rows));
  } finally {
    await opened.close();
  }
}

/** Amounts as decimal strings: a sum may be beyond what a JSON number holds. */
function plainRow(row: ReportRow): object {
  return {
    group: row.group,
    calls: row.calls,
    hits: row.hits,
    inputTokens: Number(row.inputTokens),
    outputTokens: Number(row.outputTokens),
    costUsd: formatUsd(row.costNanoUsd),
    estimatedUsd: formatUsd(row.estimatedNanoUsd),
    baselineUsd: formatUsd(row.baselineNanoUsd),
    savedUsd: formatUsd(row.savedNanoUsd),
    unpricedCharges: row.unpricedCharges,
    missedByModeUsd: formatUsd(row.missedByModeNanoUsd),
  };
}

function reportJson(by: ReportDimension, rows: readonly ReportRow[]): string {
  const report = { by, rows: rows.map(plainRow), total: plainRow(totalRow(rows, 'total')) };
  return JSON.stringify(report, undefined, 2);
}

const HEADERS = [
  'calls',
  'hits',
  'hit rate',
  'input',
  'output',
  'cost $',
  'estimated $',
  'baseline $',
  'saved $',
  'unpriced',
];

function tableRow(row: ReportRow): readonly string[] {
  return [
    row.group,
    String(row.calls),
    String(row.hits),
    row.calls === 0 ? '-' : `${((100 * row.hits) / row.calls).toFixed(1)} %`,
    String(row.inputTokens),
    String(row.outputTokens),
    shortUsd(row.costNanoUsd),
    shortUsd(row.estimatedNanoUsd),
    shortUsd(row.baselineNanoUsd),
    shortUsd(row.savedNanoUsd),
    String(row.unpricedCharges),
  ];
}

/** The report as text: a table with its total, and below it what the reader must know about the figures. */
function reportText(by: ReportDimension, rows: readonly ReportRow[]): string {
  if (rows.length === 0) return 'No calls in this time.';
  const total = totalRow(rows, 'total');
  const table = plainTable([by, ...HEADERS], [...rows, total].map(tableRow), {
    align: ['left', ...HEADERS.map(() => 'right' as const)],
  });
  const notes: string[] = [];
  if (total.missedByModeNanoUsd > 0n) {
    notes.push(`Repeats not served because of the cache mode: $${shortUsd(total.missedByModeNanoUsd)}.`);
  }
  if (total.estimatedNanoUsd !== 0n) {
    notes.push(`$${shortUsd(total.estimatedNanoUsd)} of the cost are estimates: the provider's figure never came.`);
  }
  if (total.unpricedCharges > 0) {
    notes.push(
      `${total.unpricedCharges} charges have no known price and are missing from the cost: add them under prices.`,
    );
  }
  return [table, ...(notes.length === 0 ? [] : ['', ...notes])].join('\n');
}
