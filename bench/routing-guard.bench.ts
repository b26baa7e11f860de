// What the quality guard certifies and how soon it sees a fall, on outcomes of MMLU: beside the prototype's bets and the naive threshold on the same draws.
// Run: npx -c 'node bench/routing-guard.bench.ts [--quick]'
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { thresholdCalibration, thresholdGrid } from '../src/core/guard/calibrated-threshold.ts';
import { guardStanding } from '../src/core/guard/guard-standing.ts';
import { type GuardState, newGuard } from '../src/core/guard/guard-state.ts';
import { observe } from '../src/core/guard/observe.ts';
import { ZERO_USD } from '../src/core/money.ts';
import { seededChance } from '../test/support/cache-traces.ts';
import {
  calibrationFigures,
  drawnFrom,
  type LossStream,
  meanOf,
  naiveThreshold,
  type RunTerms,
  samplesNeeded,
} from '../test/support/guard-replays.ts';
import { plugInSamplesNeeded, plugInThreshold } from '../test/support/plug-in-bets.ts';
import { scoredMmlu } from '../test/support/scored-mmlu.ts';
import { machineNote } from './support/machine.ts';
import { quantile, rounded } from './support/quantile.ts';

const { values: options } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
const REPLAYS = options.quick ? 50 : 400;
const CALIBRATIONS = options.quick ? 30 : 300;
const BORDER_REPLAYS = options.quick ? 100 : 2000;
const STEPS = 40;

/** Cheap shares that `routing_guard.mjs calibrate` prints for the same rows, in percent: by loss allowed, then by pairs. */
const PROTOTYPE_SHARES: Readonly<Record<string, number>> = {
  '0.01/200': 4.6,
  '0.01/1000': 14.3,
  '0.01/3000': 19.5,
  '0.02/200': 12.1,
  '0.02/1000': 23,
  '0.02/3000': 29.6,
  '0.05/200': 31,
  '0.05/1000': 45.3,
  '0.05/3000': 52.6,
};

const machine = machineNote();
const rows = scoredMmlu();
const losses = rows.map(({ loss }) => loss);
const thresholds = thresholdGrid(
  rows.map(({ score }) => score),
  STEPS,
);
const percent = (ratio: number): number => rounded(100 * ratio, 1);

/** A line of a table, of which some cells are figures of several numbers. */
type Row = Readonly<Record<string, number | Figures>>;
type Figures = Readonly<Record<string, number>>;

function largestTrueShare(maxQualityLoss: number): number {
  const lossUpTo = (threshold: number): number =>
    rows.reduce((sum, { score, loss }) => sum + (score <= threshold ? loss : 0), 0) / rows.length;
  const last = thresholds.findLast((threshold) => lossUpTo(threshold) <= maxQualityLoss) ?? -Infinity;
  return rows.filter(({ score }) => score <= last).length / rows.length;
}

function calibrationRow(maxQualityLoss: number, samples: number): Row {
  const terms = { maxQualityLoss, samples, replays: CALIBRATIONS };
  const settings = { maxQualityLoss, alpha: 0.1, thresholds };
  const exact = thresholdCalibration(samples, settings);
  const graded = thresholdCalibration(samples, { ...settings, losses: 'graded' });
  const figures = (calibrate: Parameters<typeof calibrationFigures>[2]): Figures => {
    const found = calibrationFigures(rows, terms, calibrate, seededChance(samples));
    return { share: percent(found.shareRatio), violations: percent(found.violationRatio) };
  };
  return {
    'loss allowed': maxQualityLoss,
    pairs: samples,
    'truth, %': percent(largestTrueShare(maxQualityLoss)),
    ours: figures(exact),
    'ours, graded losses': figures(graded),
    "prototype's bets, here": figures((pairs) => plugInThreshold(pairs, thresholds, maxQualityLoss, 0.1)),
    'prototype, printed': PROTOTYPE_SHARES[`${maxQualityLoss}/${samples}`] ?? Number.NaN,
    naive: figures((pairs) => naiveThreshold(pairs, thresholds, maxQualityLoss)),
  };
}

/** The median with the interval that it has in 95 of 100 runs, by ranks, and the 90th percentile. */
function spread(needed: readonly number[]): Figures {
  const reach = 0.98 / Math.sqrt(needed.length);
  return {
    median: quantile(needed, 0.5),
    low: quantile(needed, 0.5 - reach),
    high: quantile(needed, 0.5 + reach),
    ninetieth: quantile(needed, 0.9),
  };
}

const many = (replays: number, run: () => number): readonly number[] => Array.from({ length: replays }, run);

function sharePart(shareRatio: number): readonly number[] {
  return losses.slice(0, Math.floor(shareRatio * losses.length));
}

function certifyRow(shareRatio: number, margin: number): Row {
  const part = sharePart(shareRatio);
  const terms: RunTerms = { side: 'certify', limit: meanOf(part) + margin, alpha: 0.05, mostSamples: 6000 };
  const figures = (by: (terms: RunTerms, stream: LossStream) => number): Figures => {
    const draw = drawnFrom(part, seededChance(21));
    return spread(many(REPLAYS, () => by(terms, draw)));
  };
  return {
    'cheap share': shareRatio,
    'mean loss': rounded(meanOf(part), 4),
    margin,
    ours: figures(samplesNeeded),
    "prototype's bets": figures(plugInSamplesNeeded),
  };
}

function borderRow(shareRatio: number): Row {
  const part = sharePart(shareRatio);
  const wrong = (side: RunTerms['side'], by: typeof samplesNeeded | typeof plugInSamplesNeeded): number => {
    const draw = drawnFrom(part, seededChance(22));
    const terms: RunTerms = { side, limit: meanOf(part), alpha: 0.05, mostSamples: 3000 };
    return percent(many(BORDER_REPLAYS, () => by(terms, draw)).filter(Number.isFinite).length / BORDER_REPLAYS);
  };
  return {
    'cheap share': shareRatio,
    'false certificates, %': wrong('certify', samplesNeeded),
    'false alarms, %': wrong('alarm', samplesNeeded),
    "prototype's certificates, %": wrong('certify', plugInSamplesNeeded),
    "prototype's alarms, %": wrong('alarm', plugInSamplesNeeded),
  };
}

function alarmRow(margin: number, past: number): Row {
  const easy = sharePart(0.25);
  const hard = losses.slice(Math.floor(0.8 * losses.length));
  const terms: RunTerms = { side: 'alarm', limit: meanOf(easy) + margin, alpha: 0.05, mostSamples: 20_000 };
  const good = (chance: () => number) => [drawnFrom(easy, chance), past] as const;
  const ours = seededChance(23);
  const theirs = seededChance(23);
  // A bettor that has been through a long past has it in its wealth: it is told of the past first, and what it needs counts from its end.
  const plugIn = (): number => {
    const [before, length] = good(theirs);
    const after = drawnFrom(hard, theirs);
    let seen = 0;
    return plugInSamplesNeeded(terms, () => ((seen += 1) <= length ? before() : after())) - length;
  };
  return {
    'alarm above': rounded(terms.limit, 4),
    'good samples before': past,
    ours: spread(many(REPLAYS, () => samplesNeeded(terms, drawnFrom(hard, ours), good(ours)))),
    "prototype's bets, without new starts": spread(many(options.quick ? 20 : REPLAYS, plugIn)),
  };
}

/** How often a route is certified though all of its candidates lose just what is not allowed. */
function routeBorderRow(candidates: number): Row {
  const part = sharePart(0.25);
  const chance = seededChance(24);
  const draw = drawnFrom(part, chance);
  const ids = Array.from({ length: candidates }, (_candidate, index) => ({ id: `${index}` }));
  const [first, ...rest] = ids;
  const fresh = newGuard({
    fingerprint: '',
    maxQualityLoss: meanOf(part),
    confidenceRatio: 0.95,
    candidates: [first ?? { id: '0' }, ...rest],
  });
  const certified = many(REPLAYS, () => {
    let state: GuardState = fresh;
    for (let atMs = 0; atMs < 3000 && guardStanding(state).kind === 'calibrating'; atMs += 1) {
      const candidate = `${atMs % candidates}`;
      const sample = { candidate, loss: draw(), wasRouted: false, costNanoUsd: ZERO_USD, atMs };
      ({ state } = observe(state, sample));
    }
    return guardStanding(state).kind === 'certified' ? 1 : 0;
  });
  return { candidates, samples: 3000, 'certified wrongly, %': percent(meanOf(certified)) };
}

/** CPU of one observation, and the size of the state, on a route with a score and twenty thresholds. */
function costOfObserving(): Readonly<Record<string, number>> {
  const grid = thresholdGrid(
    rows.map(({ score }) => score),
    20,
  );
  let state = newGuard({
    fingerprint: 'f'.repeat(64),
    maxQualityLoss: 0.05,
    confidenceRatio: 0.95,
    candidates: [{ id: 'cheap', thresholds: grid }],
  });
  const draw = drawnFrom(rows, seededChance(25));
  const samples = 5000;
  const before = process.cpuUsage();
  for (let atMs = 0; atMs < samples; atMs += 1) {
    ({ state } = observe(state, { candidate: 'cheap', ...draw(), wasRouted: false, costNanoUsd: ZERO_USD, atMs }));
  }
  const { user, system } = process.cpuUsage(before);
  return { microsecondsASample: rounded((user + system) / samples, 1), stateBytes: JSON.stringify(state).length };
}

/** Figures as one cell: `share (violations)`, or `median [low-high], ninetieth`. */
function told({ share, violations, median, low, high, ninetieth }: Figures): string {
  const text = share === undefined ? `${median} [${low}-${high}], ${ninetieth}` : `${share} (${violations})`;
  return text.replaceAll('Infinity', 'never');
}

function printTable(title: string, table: readonly Row[]): void {
  console.log(title);
  console.table(
    table.map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([name, cell]) => [name, typeof cell === 'number' ? cell : told(cell)]),
      ),
    ),
  );
}

const calibrations = [0.01, 0.02, 0.05].flatMap((allowed) =>
  [200, 1000, 3000].map((samples) => calibrationRow(allowed, samples)),
);
const certificates = [0.25, 0.5].flatMap((share) => [0.1, 0.05, 0.02].map((margin) => certifyRow(share, margin)));
const borders = [0.25, 0.5].map(borderRow);
const alarms = [0.03, 0.06].flatMap((margin) => [0, 1000, 5000].map((past) => alarmRow(margin, past)));
const routes = [1, 3].map(routeBorderRow);
const observing = costOfObserving();

console.log(`Node ${machine.node}, ${machine.cpus}; ${rows.length} rows of MMLU, category table`);
printTable(
  `Cheap share that is certified at alpha 0.1 (and how often it loses more than allowed), in %; ${CALIBRATIONS} replays:`,
  calibrations,
);
printTable(
  `Samples until a certificate at alpha 0.05: median [95 %], 90th percentile; ${REPLAYS} replays:`,
  certificates,
);
printTable(`At the border, 3000 looks at alpha 0.05; ${BORDER_REPLAYS} replays:`, borders);
printTable(
  'Samples until the alarm once easy traffic turns hard, at alpha 0.05: median [95 %], 90th percentile:',
  alarms,
);
printTable('Routes whose candidates lose just what is not allowed, at alpha 0.05:', routes);
console.log(
  `One sample of a route with 20 thresholds: ${observing['microsecondsASample']} µs, a state of ${observing['stateBytes']} bytes`,
);
if (!options.quick) {
  const result = { ...machine, rows: rows.length, calibrations, certificates, borders, alarms, routes, observing };
  await writeFile(
    new URL('./results/routing-guard.json', import.meta.url),
    `${JSON.stringify(result, undefined, 2)}\n`,
  );
}
