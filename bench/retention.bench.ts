// How often the answer is still there after extraction, against the prototype's best blend on the same records and budgets.
// Run: npx -c 'node bench/retention.bench.ts [--sensitivity] [out.json]'
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { EXTRACTION_WEIGHTS, type ExtractionWeights } from '../src/core/compress/extract/extraction-weights.ts';
import { extractSentences } from '../src/core/compress/extract/extract-sentences.ts';
import { loadTokenizer } from '../src/tokenizers/load-tokenizer.ts';
import {
  baselineRetention,
  contextTokens,
  extractionRetention,
  recordText,
  RETENTION_RATIOS,
  type RetentionByRatio,
  type TitleForm,
} from '../test/support/retention-measure.ts';
import { hasRetentionData, type RetentionDataset, retentionDatasets } from '../test/support/retention-records.ts';
import type { RetentionRecord } from '../test/support/retention-record.ts';
import { seededFractions, type Interval, meanInterval } from './support/bootstrap.ts';
import { machineNote } from './support/machine.ts';
import { quantile, rounded } from './support/quantile.ts';

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { sensitivity: { type: 'boolean', default: false } },
});
if (!hasRetentionData()) {
  process.stdout.write('Skipped: the data of the retention report is not on this machine.\n');
  process.exit(0);
}

type Figure = 'answer' | 'facts';
interface Measured {
  readonly record: RetentionRecord;
  readonly tokens: number;
  readonly blend: RetentionByRatio;
  readonly hop: RetentionByRatio;
  readonly ours: RetentionByRatio;
  readonly unmarked: RetentionByRatio;
}
interface Cell {
  readonly dataset: string;
  readonly figure: Figure;
  readonly ratio: number;
  readonly records: number;
  readonly baseline: Interval;
  readonly method: string;
  readonly ours: Interval;
  readonly difference: Interval;
  readonly unmarkedDifference: Interval;
}

const SEED = 7;
/** Of each large data set; every weight is measured twice. */
const SENSITIVITY_RECORDS = 60;

const machine = machineNote();
const tokenizer = await loadTokenizer('o200k_base');
const count = (text: string): number => tokenizer.count(text);
const datasets = retentionDatasets();

/** HotpotQA is too small to be parted; of the others the odd records report. */
function reported({ name, records }: RetentionDataset): readonly RetentionRecord[] {
  return name === 'hotpotqa' ? records : records.filter(({ forTuning }) => !forTuning);
}

/** The records that weights may be tuned on, as many as the table of sensitivity needs. */
function tuned({ name, records }: RetentionDataset): readonly RetentionRecord[] {
  return name === 'hotpotqa' ? records : records.filter(({ forTuning }) => forTuning).slice(0, SENSITIVITY_RECORDS);
}

function sumOf(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function intervalOf(values: readonly number[]): Interval {
  return meanInterval(values, seededFractions(SEED));
}

function cpuMsOf(run: () => void): number {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

function measure(record: RetentionRecord): Measured {
  const tokens = contextTokens(record, count);
  return {
    record,
    tokens,
    blend: baselineRetention(record, 'blend', count),
    hop: baselineRetention(record, 'blend-hop', count),
    ours: extractionRetention(record, tokens, count, { weights: EXTRACTION_WEIGHTS }),
    unmarked: extractionRetention(record, tokens, count, { weights: EXTRACTION_WEIGHTS, mark: '' }),
  };
}

function cellOf(
  dataset: string,
  rows: readonly Measured[],
  figure: Figure,
  index: number,
  ratio: number,
): Cell | undefined {
  const asked = rows.filter(({ ours }) => ours[index]?.[figure] !== undefined);
  if (asked.length === 0) return undefined;
  const of = (key: 'blend' | 'hop' | 'ours' | 'unmarked'): readonly number[] =>
    asked.map((row) => row[key][index]?.[figure] ?? 0);
  const method = sumOf(of('hop')) > sumOf(of('blend')) ? 'hop' : 'blend';
  const baseline = of(method);
  const less = (values: readonly number[]): readonly number[] => values.map((value, at) => value - (baseline[at] ?? 0));
  return {
    dataset,
    figure,
    ratio,
    records: asked.length,
    method,
    baseline: intervalOf(baseline),
    ours: intervalOf(of('ours')),
    difference: intervalOf(less(of('ours'))),
    unmarkedDifference: intervalOf(less(of('unmarked'))),
  };
}

const percent = (value: number): string => (100 * value).toFixed(1);
const shown = ({ mean, low, high }: Interval): string => `${percent(mean)} [${percent(low)}, ${percent(high)}]`;

const cells: Cell[] = [];
for (const dataset of datasets) {
  const rows = reported(dataset).map(measure);
  for (const figure of ['answer', 'facts'] as const)
    RETENTION_RATIOS.forEach((ratio, index) => {
      const cell = cellOf(dataset.name, rows, figure, index, ratio);
      if (cell !== undefined) cells.push(cell);
    });
}

const lines = [
  'Retention in %, with 95 % bootstrap intervals; the baseline is the better of the two blends in each row; differences are paired.',
  'HotpotQA: all records. The others: records whose SHA-256 is odd (XQuAD: of the question as JSON).',
  [
    'data set'.padEnd(18),
    'ratio',
    '  n',
    'baseline'.padStart(24),
    'ours'.padStart(24),
    'difference'.padStart(24),
    'without marks'.padStart(24),
  ].join(' '),
  ...cells.map((cell) =>
    [
      `${cell.dataset} ${cell.figure}`.padEnd(18),
      `${cell.ratio} x`.padStart(5),
      String(cell.records).padStart(3),
      ...[cell.baseline, cell.ours, cell.difference, cell.unmarkedDifference].map((interval) =>
        shown(interval).padStart(24),
      ),
    ].join(' '),
  ),
];

/** Mean difference to the baseline over all rows, for other forms of titles and other weights. */
function meanOf(
  select: (dataset: RetentionDataset) => readonly RetentionRecord[],
  weights: ExtractionWeights,
  form: TitleForm,
): Record<string, number> {
  return Object.fromEntries(
    datasets.map((dataset) => {
      const values = select(dataset).flatMap((record) =>
        extractionRetention(record, contextTokens(record, count), count, { weights, form }).flatMap(
          ({ answer, facts }) => [answer, facts].filter((value) => value !== undefined),
        ),
      );
      return [dataset.name, rounded((100 * values.reduce((sum, value) => sum + value, 0)) / values.length)];
    }),
  );
}

const forms: Record<string, Record<string, number>> = {};
for (const form of ['line', 'heading', 'colon', 'none'] as const)
  forms[form] = meanOf(
    (dataset) => (dataset.name === 'hotpotqa' || dataset.name === 'nq-20' ? reported(dataset) : []),
    EXTRACTION_WEIGHTS,
    form,
  );
lines.push('', 'Mean over the ratios (and figures), by how titles stand in the text:');
for (const [form, means] of Object.entries(forms))
  lines.push(`${form.padEnd(10)} hotpotqa ${means['hotpotqa']}  nq-20 ${means['nq-20']}`);

const sensitivity: Record<string, Record<string, number>> = {};
if (flags.sensitivity) {
  lines.push(
    '',
    'Mean over the ratios (and figures) on the records for tuning, each weight by itself 30 % smaller and larger:',
  );
  const names = Object.keys(EXTRACTION_WEIGHTS) as (keyof ExtractionWeights)[];
  for (const [name, factor] of [
    ['as they are', 1] as const,
    ...names.flatMap((key) => [[key, 0.7] as const, [key, 1.3] as const]),
  ]) {
    const weights = { ...EXTRACTION_WEIGHTS } as Record<string, number>;
    if (factor !== 1)
      weights[name] = name === 'seeds' ? Math.round(factor * EXTRACTION_WEIGHTS.seeds) : factor * (weights[name] ?? 0);
    const means = meanOf(tuned, weights as unknown as ExtractionWeights, 'line');
    sensitivity[`${name} x ${factor}`] = means;
    lines.push(
      `${`${name} x ${factor}`.padEnd(24)} ${Object.entries(means)
        .map(([dataset, mean]) => `${dataset} ${mean}`)
        .join('  ')}`,
    );
  }
}

/** CPU of extraction and of the baseline's scoring on prompts of some 2,500 tokens, by turns; medians. */
function cpuOf(dataset: RetentionDataset): Record<string, number> {
  const prompts = dataset.records.slice(0, 60).map((record) => {
    const own = recordText(record);
    const copies = Math.max(1, Math.round(2500 / count(own)));
    // Another record's passages make the prompt longer, as a larger retrieval would.
    const others = dataset.records.slice(60, 60 + copies - 1).map((other) => recordText(other));
    return { record, text: [own, ...others].join('\n\n') };
  });
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < 6; round += 1)
    for (const { record, text } of prompts) {
      const options = { query: record.question, budgetTokens: 500, count };
      const own = cpuMsOf(() => void extractSentences(text, options));
      const other = cpuMsOf(() => void baselineRetention(record, 'blend-hop', count));
      // The first rounds warm the code up.
      if (round < 2) continue;
      ours.push(own);
      theirs.push(other);
    }
  const tokens = prompts.reduce((sum, { text }) => sum + count(text), 0) / prompts.length;
  return {
    tokens: Math.round(tokens),
    'median ms': rounded(quantile(ours, 0.5)),
    'p90 ms': rounded(quantile(ours, 0.9)),
    'mean ms': rounded(ours.reduce((sum, value) => sum + value, 0) / ours.length),
    'baseline on its own record, median ms': rounded(quantile(theirs, 0.5)),
  };
}

const cpu = Object.fromEntries(datasets.map((dataset) => [dataset.name, cpuOf(dataset)]));
lines.push('', 'CPU a prompt, counting of tokens included:');
for (const [name, figures] of Object.entries(cpu))
  lines.push(
    `${name.padEnd(10)} ${Object.entries(figures)
      .map(([label, value]) => `${label} ${value}`)
      .join(', ')}`,
  );

process.stdout.write(`${lines.join('\n')}\n`);
const [output] = positionals;
if (output !== undefined)
  writeFileSync(output, `${JSON.stringify({ ...machine, cells, forms, sensitivity, cpu }, undefined, 2)}\n`);
