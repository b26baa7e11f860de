// How near estimates of input tokens come to what providers billed, before and after calibration, and how tight their bound is.
// Reads compression/usage_labelled.jsonl.gz beside the repository. Run: npx -c 'node bench/token-estimates.bench.ts [out.json]'
import { writeFileSync } from 'node:fs';
import { plainTable } from '../src/cli/plain-table.ts';
import { hasData } from '../test/support/shared-data.ts';
import {
  calibrationSplit,
  type EstimatedRow,
  estimatedRows,
  errorRatio,
} from '../test/support/usage-rows/estimated-rows.ts';
import { USAGE_ROWS_FILE } from '../test/support/usage-rows/usage-rows.ts';
import { machineNote } from './support/machine.ts';
import { quantile, rounded } from './support/quantile.ts';

const SPLITS = 20;

interface GroupFigures {
  readonly group: string;
  readonly rows: number;
  readonly exactPercent: number;
  readonly medianPercent: number;
  readonly p90Percent: number;
  readonly worstPercent: number;
  /** After calibration on the other half, over all splits. */
  readonly calibratedMedianPercent: number;
  readonly calibratedP90Percent: number;
  readonly calibratedWorstSplitMedianPercent: number;
}

interface BoundFigures {
  readonly group: string;
  readonly rows: number;
  readonly heldPercent: number;
  readonly meanRatio: number;
  /** All bounds together against all that was billed. */
  readonly totalRatio: number;
  readonly meanByteRatio: number | undefined;
  readonly totalByteRatio: number | undefined;
}

type Split = ReturnType<typeof calibrationSplit>;

if (!hasData(...USAGE_ROWS_FILE)) {
  console.log(`Skipped: ${USAGE_ROWS_FILE.join('/')} is not there.`);
} else await report();

async function report(): Promise<void> {
  const machine = machineNote();
  const rows = await estimatedRows();
  const splits = Array.from({ length: SPLITS }, (_, index) => calibrationSplit(rows, index + 1));
  const hosts = [...new Set(rows.map(({ host }) => host))].toSorted();
  const groups: readonly (readonly [string, (row: EstimatedRow) => boolean])[] = [
    ['OpenAI, text alone', (row) => row.isOpenaiText],
    ['OpenAI, text alone, each request once', (row) => row.isOpenaiText && !row.isRepeated],
    ['all others', (row) => !row.isOpenaiText],
    ['all others, each request once', (row) => !row.isOpenaiText && !row.isRepeated],
    ['all others that can be counted', (row) => !row.isOpenaiText && !row.estimate.isPartial],
    [
      'all others that can be counted, each once',
      (row) => !row.isOpenaiText && !row.estimate.isPartial && !row.isRepeated,
    ],
    ...hosts.flatMap((host): [string, (row: EstimatedRow) => boolean][] => [
      [host, (row) => row.host === host && !row.estimate.isPartial],
      [`${host}, each once`, (row) => row.host === host && !row.estimate.isPartial && !row.isRepeated],
    ]),
  ];
  const estimates = groups.flatMap(([group, isIn]) => groupFigures(group, rows.filter(isIn), splits, isIn));
  const bounds = [
    ...boundFigures('all', rows),
    ...boundFigures(
      'all, each request once',
      rows.filter(({ isRepeated }) => !isRepeated),
    ),
    ...hosts.flatMap((host) =>
      boundFigures(
        host,
        rows.filter((row) => row.host === host),
      ),
    ),
  ];
  const openaiTextsMissed = rows
    .filter((row) => row.isOpenaiText && row.estimate.totalTokens !== row.actualTokens)
    .map((row) => named(row));
  const setApart = rows.flatMap((row) => (row.apart === undefined ? [] : [`${row.apart}: ${named(row)}`]));
  const result = { ...machine, splits: SPLITS, estimates, bounds, openaiTextsMissed, setApart };
  const out = process.argv[2] ?? new URL('results/token-estimates.json', import.meta.url);
  writeFileSync(out, `${JSON.stringify(result, undefined, 2)}\n`);
  print(estimates, bounds, openaiTextsMissed, setApart);
}

function named({ index, target, file, actualTokens, estimate }: EstimatedRow): string {
  return `row ${index}, ${target.model}, ${file.slice(file.lastIndexOf('/') + 1)}: billed ${actualTokens}, counted ${estimate.totalTokens}`;
}

function percent(ratio: number): number {
  return rounded(100 * ratio);
}

function groupFigures(
  group: string,
  rows: readonly EstimatedRow[],
  splits: readonly Split[],
  isIn: (row: EstimatedRow) => boolean,
): readonly GroupFigures[] {
  if (rows.length === 0) return [];
  const errors = rows.map((row) => errorRatio(row));
  const after = splits.map((split) => split.filter(({ row }) => isIn(row)).map((tested) => tested.after));
  const medians = after.filter((ratios) => ratios.length > 0).map((ratios) => quantile(ratios, 0.5));
  return [
    {
      group,
      rows: rows.length,
      exactPercent: percent(errors.filter((error) => error === 0).length / rows.length),
      medianPercent: percent(quantile(errors, 0.5)),
      p90Percent: percent(quantile(errors, 0.9)),
      worstPercent: percent(Math.max(...errors)),
      calibratedMedianPercent: percent(quantile(after.flat(), 0.5)),
      calibratedP90Percent: percent(quantile(after.flat(), 0.9)),
      calibratedWorstSplitMedianPercent: percent(Math.max(...medians)),
    },
  ];
}

function boundFigures(group: string, all: readonly EstimatedRow[]): readonly BoundFigures[] {
  const rows = all.filter(({ boundTokens }) => boundTokens !== undefined);
  if (rows.length === 0) return [];
  const bounds = rows.map(({ boundTokens = 0, actualTokens }) => ({ bound: boundTokens, actual: actualTokens }));
  const bytes = rows.flatMap(({ byteBoundTokens, actualTokens }) =>
    byteBoundTokens === undefined ? [] : [{ bound: byteBoundTokens, actual: actualTokens }],
  );
  return [
    {
      group,
      rows: rows.length,
      heldPercent: percent(bounds.filter(({ bound, actual }) => bound >= actual).length / rows.length),
      ...ratiosOf(bounds),
      ...(bytes.length === 0
        ? { meanByteRatio: undefined, totalByteRatio: undefined }
        : { meanByteRatio: ratiosOf(bytes).meanRatio, totalByteRatio: ratiosOf(bytes).totalRatio }),
    },
  ];
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function ratiosOf(bounds: readonly { readonly bound: number; readonly actual: number }[]): {
  readonly meanRatio: number;
  readonly totalRatio: number;
} {
  return {
    meanRatio: rounded(sum(bounds.map(({ bound, actual }) => bound / actual)) / bounds.length),
    totalRatio: rounded(sum(bounds.map(({ bound }) => bound)) / sum(bounds.map(({ actual }) => actual))),
  };
}

function align(columns: number): ('left' | 'right')[] {
  return Array.from({ length: columns }, (_, column) => (column === 0 ? 'left' : 'right'));
}

function cells(figures: object): string[] {
  return Object.values(figures).map((value) => String(value ?? '-'));
}

function print(
  estimates: readonly GroupFigures[],
  bounds: readonly BoundFigures[],
  missed: readonly string[],
  setApart: readonly string[],
): void {
  const headers = [
    'estimates',
    'rows',
    'exact %',
    'median %',
    'p90 %',
    'worst %',
    'calibrated %',
    'p90 %',
    'worst split %',
  ];
  console.log(plainTable(headers, estimates.map(cells), { align: align(headers.length) }));
  const columns = ['bounds', 'rows', 'held %', 'mean ratio', 'total ratio', 'bytes: mean ratio', 'bytes: total ratio'];
  console.log(`\n${plainTable(columns, bounds.map(cells), { align: align(columns.length) })}`);
  console.log(`\nOpenAI texts that are not exact:\n  ${missed.join('\n  ')}`);
  console.log(`\nSet apart:\n  ${setApart.join('\n  ')}`);
}
