// What routing policies are worth on recorded outcomes, beside the bars of the issue and the prototypes on the same rows.
// Run: npx -c 'node bench/routing.bench.ts [out.json]', out.json is bench/results/routing.json where nothing is said.
import { writeFileSync } from 'node:fs';
import { plainTable } from '../src/cli/plain-table.ts';
import type { ReplayInterval } from '../src/core/replay/bootstrap-intervals.ts';
import {
  agreementCascade,
  type AnswersAgree,
  checkCascade,
  failsChecks,
} from '../src/core/replay/cascade-decisions.ts';
import { categoryFit } from '../src/core/replay/category-fit.ts';
import { certifiedDecisions } from '../src/core/replay/certified-decisions.ts';
import { outOfFoldScores, type ScoreFit } from '../src/core/replay/out-of-fold.ts';
import type { PairedRow } from '../src/core/replay/paired-rows.ts';
import { pointFigures } from '../src/core/replay/point-figures.ts';
import { routedRows } from '../src/core/replay/replay-row.ts';
import { sameAnswer } from '../src/core/replay/same-answer.ts';
import { scoreFit } from '../src/core/replay/score-fit.ts';
import { curveFigures, scoredRows } from '../src/core/replay/score-curve.ts';
import { seededFractions } from '../src/core/replay/seeded-fractions.ts';
import {
  FLASH,
  GPT_4O_AUGUST,
  GPT_4O_MAY,
  HAIKU,
  hasRoutingData,
  MINI,
  routingPairs,
  routingRows,
  SONNET,
} from '../test/support/routing-outcomes.ts';
import { machineNote } from './support/machine.ts';
import { rounded } from './support/quantile.ts';
import { percentOf, type Point, pointOf, RESAMPLES, type Score, scoreOf, SEED } from './support/routing-figures.ts';
import { PROTOTYPE_AGREE_THEN_SCORE, PROTOTYPE_CASCADES, PROTOTYPE_SCORES } from './support/routing-prototype.ts';

if (!hasRoutingData()) {
  process.stdout.write('Skipped: the recorded outcomes are not on this machine.\n');
  process.exit(0);
}

const machine = machineNote();

const zeroeval = routingRows('zeroeval-gsm', 'zeroeval-crux');
const bfcl = routingRows('bfcl-2024-08-11');
const TABLES = {
  mmlu: { rows: routingPairs(routingRows('routellm-mmlu'), { cheap: 'weak', strong: 'strong' }), repeats: 1 },
  gsm8k: { rows: routingPairs(routingRows('routellm-gsm8k'), { cheap: 'weak', strong: 'strong' }), repeats: 3 },
  'zeroeval mini -> 4o': {
    rows: routingPairs(zeroeval, { cheap: MINI, strong: GPT_4O_AUGUST, checkers: [FLASH, HAIKU] }),
    repeats: 3,
  },
  'zeroeval haiku -> sonnet': {
    rows: routingPairs(zeroeval, { cheap: HAIKU, strong: SONNET, checkers: [FLASH, MINI] }),
    repeats: 3,
  },
  'bfcl mini -> 4o': {
    rows: routingPairs(bfcl, { cheap: `${MINI}-FC`, strong: `${GPT_4O_AUGUST}-FC` }),
    repeats: 3,
  },
  'bfcl haiku -> sonnet': {
    rows: routingPairs(bfcl, { cheap: HAIKU, strong: 'claude-3-5-sonnet-20240620' }),
    repeats: 3,
  },
};

type TableName = keyof typeof TABLES;
const TABLE_NAMES = Object.keys(TABLES) as TableName[];

/** Scores of rows by what was learnt without them; half of the rows teach, as the prototypes have it. */
function learnt(name: TableName, fitOf: (rows: readonly PairedRow[]) => ScoreFit): Float64Array {
  const { rows, repeats } = TABLES[name];
  return outOfFoldScores(rows.length, { folds: 2, repeats, seed: SEED }, fitOf(rows));
}

const textScores = new Map(TABLE_NAMES.map((name) => [name, learnt(name, (rows) => scoreFit(rows, SEED))] as const));

function scoresOn(name: TableName): Readonly<Record<string, Score>> {
  const { rows } = TABLES[name];
  const steps = routedRows(rows);
  const hasDomains = new Set(rows.map(({ row }) => row.domain)).size > 1;
  return {
    random: scoreOf(
      steps,
      steps.map(() => 0),
    ),
    oracle: scoreOf(
      steps,
      steps.map(({ kept, sent }) => sent.quality - kept.quality),
    ),
    length: scoreOf(
      steps,
      rows.map(({ row }) => row.prompt?.length ?? 0),
    ),
    ...(hasDomains ? { category: scoreOf(steps, learnt(name, categoryFit)) } : {}),
    score: scoreOf(steps, textScores.get(name) ?? []),
  };
}

/** APGR of scores that are drawn by chance, the mean of twenty drawings. */
function randomApgr(name: TableName): number {
  const steps = routedRows(TABLES[name].rows);
  const fraction = seededFractions(SEED);
  const drawn = Array.from(
    { length: 20 },
    () =>
      curveFigures(
        scoredRows(
          steps,
          steps.map(() => fraction()),
        ),
      ).apgr ?? Number.NaN,
  );
  return rounded(drawn.reduce((sum, apgr) => sum + apgr, 0) / drawn.length, 3);
}

const withCheckers = (rows: readonly PairedRow[], ...places: readonly number[]): readonly PairedRow[] =>
  rows.map(({ row, cheap, strong, checkers }) => ({
    row,
    cheap,
    strong,
    checkers: places.flatMap((place) => checkers[place] ?? []),
  }));

function answerCascades(name: TableName): Readonly<Record<string, Point>> {
  const { rows } = TABLES[name];
  return {
    'never escalate': pointOf(checkCascade(rows, () => false)),
    'no answer found': pointOf(checkCascade(rows, ({ cheap }) => cheap.answer === null)),
    'not the form': pointOf(checkCascade(rows, ({ cheap }) => cheap.isFormatOk === false)),
    'differs from the first checker': pointOf(agreementCascade(withCheckers(rows, 0), sameAnswer)),
    'differs from the first checker, as text': pointOf(agreementCascade(withCheckers(rows, 0), equalTexts)),
    'differs from the second checker': pointOf(agreementCascade(withCheckers(rows, 1), sameAnswer)),
    'differs from one of both': pointOf(agreementCascade(withCheckers(rows, 0, 1), sameAnswer)),
    'differs from one of both, as text': pointOf(agreementCascade(withCheckers(rows, 0, 1), equalTexts)),
  };
}

function toolCascades(name: TableName): Readonly<Record<string, Point>> {
  const { rows } = TABLES[name];
  return {
    'never escalate': pointOf(checkCascade(rows, () => false)),
    'fails a check': pointOf(checkCascade(rows, failsChecks)),
    'every cheap failure': pointOf(checkCascade(rows, ({ cheap }) => cheap.quality === 0)),
  };
}

const equalTexts: AnswersAgree = (left, right) => left === right;

/** Disagreement goes first, and within either part what the score of the prompt says needs the strong model. */
function agreeThenScore(name: TableName, agree: AnswersAgree): Score {
  const rows = withCheckers(TABLES[name].rows, 0);
  const { rows: steps, isSent } = agreementCascade(rows, agree);
  const scores = textScores.get(name) ?? new Float64Array(rows.length);
  const ranked = [...scores].map((score, index) => (Number.isNaN(score) ? 1 : score) + (isSent[index] ? 3 : 0));
  return scoreOf(steps, ranked);
}

/** Which answers of any two models are taken for the same that are not the same text, and what the grader says of them. */
function mergedAnswers(): Readonly<Record<string, number>> {
  const names = [...new Set(zeroeval.flatMap(({ models }) => [...models.keys()]))];
  const counts = {
    pairs: 0,
    'equal as texts': 0,
    'merged, both right': 0,
    'merged, one right': 0,
    'merged, both wrong': 0,
  };
  for (const { models } of zeroeval) {
    const outcomes = names.flatMap((name) => models.get(name) ?? []);
    outcomes.forEach((one, index) => {
      for (const other of outcomes.slice(index + 1)) {
        if (typeof one.answer !== 'string' || typeof other.answer !== 'string') continue;
        counts.pairs += 1;
        if (one.answer === other.answer) counts['equal as texts'] += 1;
        else if (sameAnswer(one.answer, other.answer)) counts[mergedAs(one.quality, other.quality)] += 1;
      }
    });
  }
  return counts;
}

function mergedAs(one: number, other: number): 'merged, both right' | 'merged, one right' | 'merged, both wrong' {
  if (one !== other) return 'merged, one right';
  return one === 1 ? 'merged, both right' : 'merged, both wrong';
}

/** What thresholds on the category come to that the guard certified on other rows. */
function certifiedOnMmlu(): readonly Readonly<Record<string, number>>[] {
  const rows = TABLES.mmlu.rows;
  const steps = routedRows(rows);
  const strong =
    pointFigures(
      steps,
      steps.map(() => true),
    ).quality ?? Number.NaN;
  return [0.01, 0.02, 0.05].map((maxQualityLoss) => {
    const options = { folds: 3, seed: SEED, maxQualityLoss, confidenceRatio: 0.9 };
    const { isSent, refusedFolds } = certifiedDecisions(rows, options, categoryFit(rows));
    const { quality = Number.NaN, sentRatio = Number.NaN, savedRatio } = pointFigures(steps, isSent);
    return {
      'allowed loss': maxQualityLoss,
      loss: rounded(strong - quality, 4),
      'cheap %': percentOf(1 - sentRatio),
      'saved %': percentOf(savedRatio),
      'refused folds': refusedFolds,
    };
  });
}

const scores = Object.fromEntries(TABLE_NAMES.map((name) => [name, scoresOn(name)]));
const cascades = {
  'zeroeval mini -> 4o': answerCascades('zeroeval mini -> 4o'),
  'zeroeval haiku -> sonnet': answerCascades('zeroeval haiku -> sonnet'),
  'bfcl mini -> 4o': toolCascades('bfcl mini -> 4o'),
  'bfcl haiku -> sonnet': toolCascades('bfcl haiku -> sonnet'),
};
const thenScore = Object.fromEntries(
  (['zeroeval mini -> 4o', 'zeroeval haiku -> sonnet'] as const).map((name) => [
    name,
    { ours: agreeThenScore(name, sameAnswer), 'as text': agreeThenScore(name, equalTexts) },
  ]),
);

const agreement = (cheap: string, checker: string, price: readonly [number, number]): Point =>
  pointOf(
    agreementCascade(
      routingPairs(zeroeval, { cheap, strong: GPT_4O_MAY, checkers: [checker] }, { [GPT_4O_MAY]: price }),
      sameAnswer,
    ),
  );
const barPoints = {
  'mini checked by flash -> 4o (May), $5/15': {
    prototype: '99.8, 66.7',
    point: agreement(MINI, FLASH, [5, 15]),
    leastQuality: 99.5,
    leastSaved: 60,
  },
  'the same, $2.5/10': {
    prototype: '99.8, 62.9',
    point: agreement(MINI, FLASH, [2.5, 10]),
    leastQuality: 99.5,
    leastSaved: 60,
  },
  'flash checked by mini, $5/15': {
    prototype: '99.8, 66.7',
    point: agreement(FLASH, MINI, [5, 15]),
    leastQuality: 99.5,
    leastSaved: 60,
  },
  'BFCL mini -> 4o (August), schema': {
    prototype: '99.9, 82.3',
    point: cascades['bfcl mini -> 4o']['fails a check'],
    leastQuality: 99.5,
    leastSaved: 80,
  },
};
const category = scores['mmlu']?.['category'];
const random = randomApgr('mmlu');
const merged = mergedAnswers();
const certified = certifiedOnMmlu();

const span = (interval: ReplayInterval | undefined): string =>
  interval === undefined ? '' : ` [${interval.low}, ${interval.high}]`;
const right = (headers: readonly string[]): { readonly align: readonly ('left' | 'right')[] } => ({
  align: headers.map((_, column) => (column === 0 ? 'left' : 'right')),
});
const table = (headers: readonly string[], rows: readonly (readonly string[])[]): string =>
  plainTable(headers, rows, right(headers));

const bars = [
  ...Object.entries(barPoints).map(([figure, { point, leastQuality, leastSaved, prototype }]) => ({
    figure,
    prototype,
    bar: `>= ${leastQuality} %, ${leastSaved} % saved`,
    ours:
      point === undefined
        ? ''
        : `${point.quality}${span(point.qualityInterval)}, ${point.saved}${span(point.savedInterval)}`,
    isMet: point !== undefined && point.quality >= leastQuality && point.saved >= leastSaved,
  })),
  {
    figure: 'MMLU, category table',
    prototype: '0.687 [0.664, 0.716]',
    bar: 'APGR >= 0.66',
    ours: `${category?.apgr}${span(category?.apgrInterval)}`,
    isMet: (category?.apgr ?? 0) >= 0.66,
  },
  {
    figure: 'MMLU, random, mean of 20',
    prototype: '0.502',
    bar: 'APGR 0.5 +- 0.02',
    ours: String(random),
    isMet: Math.abs(random - 0.5) <= 0.02,
  },
];

const lines = [
  'Bars of the issue',
  table(
    ['figure', 'bar', 'ours', 'prototype', 'met'],
    bars.map(({ figure, bar, ours, prototype, isMet }) => [figure, bar, ours, prototype, isMet ? 'yes' : 'NO']),
  ),
  '',
  'Scores, out of fold; saved % at 95, 98, 99 and 100 % of the strong quality; 95 % bootstrap intervals',
  table(
    ['table', 'policy', 'APGR', 'CPT50', 'CPT80', 'saved', 'prototype', 'saved'],
    Object.entries(scores).flatMap(([name, policies]) =>
      Object.entries(policies).map(([policy, score]) => {
        const before = PROTOTYPE_SCORES[name]?.[policy];
        const [value, low, high] = before?.apgr ?? [];
        return [
          name,
          policy,
          `${score.apgr}${span(score.apgrInterval)}`,
          String(score.cpt50),
          String(score.cpt80),
          score.saved.join(' / '),
          before === undefined ? '' : `${value} [${low}, ${high}]`,
          before?.savedPercent.join(' / ') ?? '',
        ];
      }),
    ),
  ),
  '',
  'Cascades, % of the strong quality and % saved',
  table(
    ['table', 'escalates', 'escalated', 'quality', 'saved', 'prototype'],
    Object.entries(cascades).flatMap(([name, rules]) =>
      Object.entries(rules).map(([rule, point]) => {
        const before = PROTOTYPE_CASCADES[name]?.[rule.replace(', as text', '')];
        return [
          name,
          rule,
          String(point.escalated),
          `${point.quality}${span(point.qualityInterval)}`,
          `${point.saved}${span(point.savedInterval)}`,
          before === undefined ? '' : `${before.qualityPercent}, ${before.savedPercent}`,
        ];
      }),
    ),
  ),
  '',
  'Disagreement, then the score: saved % at 95, 98, 99 and 100 %',
  table(
    ['table', 'agreement', 'ours', 'prototype'],
    Object.entries(thenScore).flatMap(([name, variants]) =>
      Object.entries(variants).map(([variant, score]) => [
        name,
        variant,
        score.saved.map((saved, place) => `${saved}${span(score.savedIntervals[place])}`).join(' / '),
        PROTOTYPE_AGREE_THEN_SCORE[name]?.join(' / ') ?? '',
      ]),
    ),
  ),
  '',
  `Answers of any two models on ZeroEval: ${Object.entries(merged)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ')}`,
  '',
  'Certified thresholds on the category of MMLU, confidence 0.9, each decided on rows that it had not seen',
  table(
    Object.keys(certified[0] ?? {}),
    certified.map((row) => Object.values(row).map(String)),
  ),
];

process.stdout.write(`${lines.join('\n')}\n`);
const result = {
  ...machine,
  resamples: RESAMPLES,
  seed: SEED,
  bars,
  scores,
  cascades,
  thenScore,
  merged,
  certified,
};
const output = process.argv[2] ?? new URL('results/routing.json', import.meta.url).pathname;
writeFileSync(output, `${JSON.stringify(result, undefined, 2)}\n`);
