import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { outcomeTable } from '../../src/core/replay/outcome-table.ts';
import type { JudgedPair } from '../../src/core/score/fit-score.ts';
import type { ScoreModel } from '../../src/core/score/score-model.ts';
import { scoreOf } from '../../src/core/score/score-of.ts';
import { trainScore } from '../../src/core/score/train-score.ts';
import { hasData, sharedData } from '../support/shared-data.ts';

const MMLU = ['routing', 'routellm-mmlu.jsonl.gz'] as const;
const GSM8K = ['routing', 'routellm-gsm8k.jsonl.gz'] as const;

function pairsIn(...path: readonly string[]): readonly JudgedPair[] {
  const { rows } = outcomeTable(
    gunzipSync(readFileSync(sharedData(...path) ?? ''))
      .toString('utf8')
      .split('\n'),
  );
  return rows.flatMap(({ prompt, models }) => {
    const [cheap, strong] = [models.get('weak')?.quality, models.get('strong')?.quality];
    if (prompt === undefined || cheap === undefined || strong === undefined) return [];
    return [{ text: prompt, category: undefined, cheap, strong }];
  });
}

describe.skipIf(!hasData(...MMLU) || !hasData(...GSM8K))('a score learnt from MMLU', () => {
  let model: ScoreModel;
  let worth: string;
  let strangeRatio: number;
  beforeAll(() => {
    const result = trainScore(pairsIn(...MMLU), {
      targets: { cheap: 'mixtral-8x7b', strong: 'gpt-4' },
      categoryTag: undefined,
      maxQualityLoss: 0.02,
      confidenceRatio: 0.9,
      resamples: 20,
      seed: 1,
    });
    if (result.kind === 'too-few') throw new Error(`${result.missing} pairs are missing`);
    ({ model, worth, strangeRatio } = result);
  });

  test('is worth no less than the prototype, out of fold, strange prompts sent to the strong model', () => {
    expect(worth).toBe('useful');
    // The low end of the prototype's interval on these rows, of which nothing is refused.
    expect(model.apgr?.value).toBeGreaterThanOrEqual(0.647);
  });

  test('certifies a share of calls for the cheap model', () => {
    expect(model.certified?.cheapRatio).toBeGreaterThan(0.2);
  });

  test('knows questions of its own kind: at most 5 % that it did not learn from are strange to it', () => {
    expect(strangeRatio).toBeLessThanOrEqual(0.05);
  });

  test('does not score GSM8K', () => {
    const others = pairsIn(...GSM8K);
    const scored = others.filter(({ text }) => scoreOf(model, text).kind === 'score');
    expect(others.length).toBeGreaterThan(500);
    expect(scored.length / others.length).toBeLessThanOrEqual(0.01);
  });

  test('is a file below 1 MB', () => {
    expect(JSON.stringify(model).length).toBeLessThan(1_000_000);
  });
});
