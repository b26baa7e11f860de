// What the learnt score is worth: APGR out of fold, what it refuses to score, how its certified threshold holds, what a score costs.
// Reads routing/*.jsonl.gz of the data folder. Run: npx -c 'node bench/routing-score.bench.ts [--quick]'
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { plainTable } from '../src/cli/plain-table.ts';
import { foldsOf } from '../src/core/replay/out-of-fold.ts';
import { outcomeTable } from '../src/core/replay/outcome-table.ts';
import { curveFigures, scoredRows } from '../src/core/replay/score-curve.ts';
import { seededFractions, shuffledIndexes } from '../src/core/replay/seeded-fractions.ts';
import { fitScore, type JudgedPair } from '../src/core/score/fit-score.ts';
import type { ScoreParameters } from '../src/core/score/score-model.ts';
import { scoreOf } from '../src/core/score/score-of.ts';
import { trainScore } from '../src/core/score/train-score.ts';
import { sharedData } from '../test/support/shared-data.ts';
import { machineNote } from './support/machine.ts';
import { quantile, rounded } from './support/quantile.ts';
import { PROTOTYPE_SCORES } from './support/routing-prototype.ts';

const { values: options } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
const PARTINGS = options.quick ? 1 : 5;
const REPLAYS = options.quick ? 5 : 100;
const SPEED_ROUNDS = options.quick ? 300 : 5000;
const PROMPT_CHARS = 2000;

/** One line of a table. */
type Figures = Readonly<Record<string, string | number | boolean | undefined>>;

interface DataSet {
  readonly name: string;
  readonly files: readonly string[];
  readonly cheap: string;
  readonly strong: string;
}

const SETS: readonly DataSet[] = [
  { name: 'mmlu', files: ['routellm-mmlu'], cheap: 'weak', strong: 'strong' },
  { name: 'gsm8k', files: ['routellm-gsm8k'], cheap: 'weak', strong: 'strong' },
  {
    name: 'zeroeval mini -> 4o',
    files: ['zeroeval-gsm', 'zeroeval-crux'],
    cheap: 'gpt-4o-mini-2024-07-18',
    strong: 'gpt-4o-2024-05-13',
  },
  {
    name: 'zeroeval haiku -> sonnet',
    files: ['zeroeval-gsm', 'zeroeval-crux'],
    cheap: 'claude-3-haiku-20240307',
    strong: 'claude-3-5-sonnet-20241022',
  },
  {
    name: 'bfcl haiku -> sonnet',
    files: ['bfcl-2024-08-11'],
    cheap: 'claude-3-haiku-20240307',
    strong: 'claude-3-5-sonnet-20240620',
  },
];

function pairsOf({ files, cheap, strong }: DataSet): readonly JudgedPair[] {
  return files.flatMap((file) => {
    const path = sharedData('routing', `${file}.jsonl.gz`);
    if (path === undefined) return [];
    const { rows } = outcomeTable(gunzipSync(readFileSync(path)).toString('utf8').split('\n'));
    return rows.flatMap(({ prompt, domain = file, models }): readonly JudgedPair[] => {
      const qualities = [models.get(cheap)?.quality, models.get(strong)?.quality];
      const [cheapQuality, strongQuality] = qualities;
      if (prompt === undefined || cheapQuality === undefined || strongQuality === undefined) return [];
      return [{ text: prompt, category: domain, cheap: cheapQuality, strong: strongQuality }];
    });
  });
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function withoutCategory(pairs: readonly JudgedPair[]): readonly JudgedPair[] {
  return pairs.map((pair) => ({ ...pair, category: undefined }));
}

/** The score as if nothing were strange: what the words alone are worth. */
function unguarded(parameters: ScoreParameters): ScoreParameters {
  const spreads = parameters.drift.spreads.map(() => Number.MAX_VALUE);
  return { ...parameters, drift: { ...parameters.drift, spreads } };
}

function scoreIn(parameters: ScoreParameters, { text, category }: JudgedPair): number {
  const verdict = scoreOf({ parameters }, text, category);
  return verdict.kind === 'score' ? verdict.score : Infinity;
}

function apgrOf(pairs: readonly JudgedPair[], scores: ArrayLike<number>): number {
  const rows = pairs.map(({ cheap, strong }) => {
    const sent = { quality: strong, costUsd: 1 };
    return { kept: { quality: cheap, costUsd: 0 }, sent, strong: sent };
  });
  return curveFigures(scoredRows(rows, scores)).apgr ?? Number.NaN;
}

/** Over several partings in two: of all rows, of what is scored with strange prompts sent to the strong model, and how many of its own kind are called strange. */
function outOfFold(pairs: readonly JudgedPair[]): {
  readonly ofAll: number;
  readonly asDecided: number;
  readonly strange: number;
} {
  const rounds = Array.from({ length: PARTINGS }, (_, seed) => {
    const ofAll = new Float64Array(pairs.length);
    const asDecided = new Float64Array(pairs.length);
    const parts = foldsOf(pairs.length, 2, seed + 1);
    parts.forEach((part, at) => {
      const learnt = (parts[1 - at] ?? []).flatMap((index) => pairs[index] ?? []);
      const parameters = fitScore(learnt, seed + 1);
      const plain = unguarded(parameters);
      for (const index of part) {
        const pair = pairs[index];
        if (pair === undefined) continue;
        ofAll[index] = scoreIn(plain, pair);
        asDecided[index] = scoreIn(parameters, pair);
      }
    });
    const strange = asDecided.filter((score) => score === Infinity).length / pairs.length;
    return { ofAll: apgrOf(pairs, ofAll), asDecided: apgrOf(pairs, asDecided), strange };
  });
  return {
    ofAll: rounded(mean(rounds.map(({ ofAll }) => ofAll)), 3),
    asDecided: rounded(mean(rounds.map(({ asDecided }) => asDecided)), 3),
    strange: rounded(100 * mean(rounds.map(({ strange }) => strange)), 2),
  };
}

function worthRows(sets: ReadonlyMap<string, readonly JudgedPair[]>): readonly Figures[] {
  return [...sets].map(([name, pairs]) => {
    const text = outOfFold(withoutCategory(pairs));
    const hasCategories = new Set(pairs.map(({ category }) => category)).size > 1;
    const category = hasCategories ? outOfFold(pairs) : undefined;
    const [value, low, high] = PROTOTYPE_SCORES[name]?.score?.apgr ?? [];
    return {
      set: name,
      pairs: pairs.length,
      apgr: text.ofAll,
      'strange to strong': text.asDecided,
      'with category': category?.ofAll,
      prototype: value,
      low,
      high,
      'strange %': text.strange,
      held: low === undefined || text.ofAll >= low,
    };
  });
}

/** For each training set: how many prompts of the others are refused. */
function driftRows(sets: ReadonlyMap<string, readonly JudgedPair[]>): readonly Figures[] {
  const kinds = [...sets].filter(([name]) => !name.includes('haiku') || name.startsWith('bfcl'));
  return kinds.map(([name, pairs]) => {
    const [learnt = [], own = []] = foldsOf(pairs.length, 2, 1).map((part) =>
      withoutCategory(part.flatMap((index) => pairs[index] ?? [])),
    );
    const parameters = fitScore(learnt, 1);
    const refused = (others: readonly JudgedPair[]): number =>
      rounded(100 * mean(others.map((pair) => (scoreIn(parameters, pair) === Infinity ? 1 : 0))), 1);
    const others = kinds
      .filter(([other]) => other !== name)
      .map(([other, strangers]) => [`${other} %`, refused(withoutCategory(strangers))] as const);
    return Object.fromEntries([['trained on', name], ['itself, held out %', refused(own)], ...others]);
  });
}

/**
 * Trains on random rows of MMLU again and again, and holds each certified threshold against all rows that were not learnt from: those that the calibration's
 * were drawn from.
 */
function certificateRow(pairs: readonly JudgedPair[], size: number): Figures {
  const terms = { maxQualityLoss: 0.02, confidenceRatio: 0.9, resamples: 40 };
  const targets = { cheap: 'weak', strong: 'strong' };
  const runs = Array.from({ length: REPLAYS }, (_, seed) => {
    const order = shuffledIndexes(pairs.length, seededFractions(seed)).flatMap((index) => pairs[index] ?? []);
    const result = trainScore(order.slice(0, size), { ...terms, targets, categoryTag: 'subject', seed });
    if (result.kind === 'too-few') throw new Error(`${result.missing} pairs are missing`);
    const { certified, parameters } = result.model;
    if (certified === null) return { share: 0, loss: 0 };
    // As training draws its halves.
    const learnt = new Set(shuffledIndexes(size, seededFractions(seed)).slice(0, Math.ceil(size / 2)));
    const rest = order.filter((_pair, at) => !learnt.has(at));
    const cheap = rest.filter((pair) => scoreIn(parameters, pair) <= certified.threshold);
    return {
      share: cheap.length / rest.length,
      loss: cheap.reduce((sum, pair) => sum + pair.strong - pair.cheap, 0) / rest.length,
    };
  });
  const violations = runs.filter(({ loss }) => loss > terms.maxQualityLoss).length / runs.length;
  const bar = 0.1 + 2 * Math.sqrt((0.1 * 0.9) / runs.length);
  return {
    pairs: size,
    replays: runs.length,
    'violations %': rounded(100 * violations, 1),
    'bar %': rounded(100 * bar, 1),
    'cheap %': rounded(100 * mean(runs.map(({ share }) => share)), 1),
    'refused %': rounded(100 * mean(runs.map(({ share }) => (share === 0 ? 1 : 0))), 1),
    held: violations <= bar,
  };
}

/** Score and decision of one prompt, warm, in microseconds of CPU. */
function speed(pairs: readonly JudgedPair[]): Readonly<Record<string, number>> {
  const parameters = fitScore(withoutCategory(pairs), 1);
  const all = pairs.map(({ text }) => text).join('\n');
  const prompts = Array.from({ length: SPEED_ROUNDS }, (_, at) => {
    const start = (at * 577) % (all.length - PROMPT_CHARS);
    return all.slice(start, start + PROMPT_CHARS);
  });
  // Nothing is strange here, so that each prompt goes all the way.
  const plain = unguarded(parameters);
  const decide = (text: string): boolean => {
    const verdict = scoreOf({ parameters: plain }, text);
    return verdict.kind === 'score' && verdict.score <= 0.1;
  };
  for (const prompt of prompts.slice(0, 500)) decide(prompt);
  const samples = prompts.map((prompt) => {
    const before = process.cpuUsage();
    decide(prompt);
    const { user, system } = process.cpuUsage(before);
    return user + system;
  });
  return {
    meanUs: rounded(mean(samples), 0),
    medianUs: quantile(samples, 0.5),
    p99Us: quantile(samples, 0.99),
    fileBytes: JSON.stringify(parameters).length,
  };
}

function printed(title: string, rows: readonly Figures[]): void {
  const headers = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const cells = rows.map((row) => headers.map((header) => String(row[header] ?? '')));
  console.log(`\n${title}\n${plainTable(headers, cells)}`);
}

const sets = new Map(SETS.map((set) => [set.name, pairsOf(set)] as const).filter(([, pairs]) => pairs.length > 0));
const mmlu = sets.get('mmlu');
if (mmlu === undefined) {
  console.log('Skipped: routing/routellm-mmlu.jsonl.gz is not there.');
} else {
  const machine = machineNote();
  const worth = worthRows(sets);
  printed(`APGR out of fold, mean of ${PARTINGS} partings; the prototype's with its 95 % interval`, worth);
  const drift = driftRows(sets);
  printed('Refused as unlike the training', drift);
  const certificates = [1000, 2000].map((size) => certificateRow(mmlu, size));
  printed('Thresholds certified on MMLU at a loss of 0.02, 90 % sure, held against the other rows', certificates);
  const cpu = speed(mmlu);
  printed(`CPU of a score and its decision, ${PROMPT_CHARS} characters, trained on ${mmlu.length} pairs`, [cpu]);
  if (!options.quick) {
    const file = new URL('./results/routing-score.json', import.meta.url);
    writeFileSync(file, `${JSON.stringify({ ...machine, worth, drift, certificates, cpu }, undefined, 2)}\n`);
  }
}
