import type { ReplayInterval } from '../../core/replay/bootstrap-intervals.ts';
import type { CurveResult, PointResult } from '../../core/replay/replay-report.ts';
import type { CurveFigures } from '../../core/replay/score-curve.ts';
import { plainTable } from '../plain-table.ts';
import { whatLacks } from './replay-files.ts';
import type { ReplayOutcome } from './replay-outcome.ts';

/** So many faulty lines are named; a table that is none has one a line. */
const NAMED_FAULTS = 10;
const UNKNOWN = 'n/a';

/** What `farthing replay` prints: decided calls, then scores over all thresholds, then what could not be used. @internal */
export function replayText(outcome: ReplayOutcome): string {
  const { report, models } = outcome;
  const points = report.results.filter((result) => result.kind === 'point');
  const curves = report.results.filter((result) => result.kind === 'curve');
  const checked = models.checkers.length === 0 ? '' : `, checked by ${models.checkers.join(', ')}`;
  return [
    `${report.rowCount} rows, ${models.cheap}${checked} -> ${models.strong}`,
    ...priceLines(outcome),
    '',
    pointTable(points),
    '',
    'Scores, at the threshold that is best on these very rows:',
    curveTable(curves),
    '',
    ...noteLines(outcome),
  ]
    .join('\n')
    .trimEnd();
}

/** Prices that the table itself does not state. */
function priceLines({ prices }: ReplayOutcome): readonly string[] {
  const priced = [...prices].map(
    ([model, { inputUsdPerMillion, outputUsdPerMillion }]) => `${model} ${inputUsdPerMillion}/${outputUsdPerMillion}`,
  );
  return priced.length === 0 ? [] : [`Dollars per million tokens where no cost is stated: ${priced.join(', ')}`];
}

const POINT_HEADERS = [
  'policy',
  'quality',
  'of strong',
  '$ a thousand',
  'saved',
  'to strong',
  'random saves',
  'oracle saves',
];

function pointTable(results: readonly PointResult[]): string {
  const rows = results.map(({ name, figures, intervals, randomSavedRatio, oracleSavedRatio }) => [
    name,
    decimal(figures.quality),
    `${percent(figures.qualityRatio)}${span(intervals.qualityRatio)}`,
    figures.costUsd === undefined ? UNKNOWN : (1000 * figures.costUsd).toFixed(3),
    `${percent(figures.savedRatio)}${span(intervals.savedRatio)}`,
    percent(figures.sentRatio),
    percent(randomSavedRatio),
    percent(oracleSavedRatio),
  ]);
  return plainTable(POINT_HEADERS, rows, {
    align: POINT_HEADERS.map((_, column) => (column === 0 ? 'left' : 'right')),
  });
}

const CURVE_COLUMNS: readonly (readonly [string, keyof CurveFigures])[] = [
  ['CPT50', 'cpt50Ratio'],
  ['CPT80', 'cpt80Ratio'],
  ['saved@95', 'savedAt95Ratio'],
  ['@98', 'savedAt98Ratio'],
  ['@99', 'savedAt99Ratio'],
  ['@100', 'savedAt100Ratio'],
  ['best', 'bestQualityRatio'],
];

function curveTable(results: readonly CurveResult[]): string {
  const headers = ['policy', 'APGR', ...CURVE_COLUMNS.map(([header]) => header)];
  const rows = results.map(({ name, figures, intervals }) => [
    name,
    `${decimal(figures.apgr)}${intervals.apgr === undefined ? '' : ` [${decimal(intervals.apgr.low)}, ${decimal(intervals.apgr.high)}]`}`,
    ...CURVE_COLUMNS.map(([, key]) => `${percent(figures[key])}${span(intervals[key])}`),
  ]);
  return plainTable(headers, rows, { align: headers.map((_, column) => (column === 0 ? 'left' : 'right')) });
}

function noteLines({ report, faults, dropped, paired }: ReplayOutcome): readonly string[] {
  const notes = report.results.flatMap((result) =>
    result.kind === 'point' && result.note !== undefined ? [`${result.name}: ${result.note}`] : [],
  );
  const unfit = report.unfit.map(({ name, reason }) => `not replayed: ${name}: ${reason}`);
  const left = [
    ...[...dropped].map(([reason, count]) => `${count} rows dropped: ${DROPPED[reason]}`),
    ...[...paired.withoutModel].map(([model, count]) => `${count} rows not used: no outcome of ${model}`),
    ...[...paired.withoutPrice].map(
      ([model, count]) => `${count} rows not used: no cost of ${model}; ${whatLacks(model)}`,
    ),
  ];
  const named = faults.slice(0, NAMED_FAULTS).map(({ file, line, reason }) => `${file}:${line}: ${reason}`);
  const more = faults.length > NAMED_FAULTS ? [`and ${faults.length - NAMED_FAULTS} more lines like that`] : [];
  const broken = faults.length === 0 ? [] : [`${faults.length} lines cannot be used:`];
  return [...notes, ...unfit, ...left, ...broken, ...named, ...more];
}

const DROPPED = {
  contaminated: 'marked as contaminated',
  'no-prompt': 'their prompt is null',
} as const;

function percent(ratio: number | undefined): string {
  return ratio === undefined ? UNKNOWN : `${tenths(ratio)} %`;
}

function span(interval: ReplayInterval | undefined): string {
  return interval === undefined ? '' : ` [${tenths(interval.low)}, ${tenths(interval.high)}]`;
}

/** Percents with one decimal, without the sign of a rounded zero. */
function tenths(ratio: number): string {
  const text = (100 * ratio).toFixed(1);
  return text === '-0.0' ? '0.0' : text;
}

function decimal(value: number | undefined): string {
  return value === undefined ? UNKNOWN : value.toFixed(3);
}

/** The same as JSON, with all figures and intervals. @internal */
export function replayJson(outcome: ReplayOutcome): string {
  const { report, models, prices, faults, dropped, paired } = outcome;
  const notUsed = {
    faults,
    dropped: Object.fromEntries(dropped),
    withoutModel: Object.fromEntries(paired.withoutModel),
    withoutPrice: Object.fromEntries(paired.withoutPrice),
  };
  return JSON.stringify({ models, prices: Object.fromEntries(prices), ...report, notUsed }, undefined, 2);
}
