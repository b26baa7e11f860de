import { expect, test } from 'vitest';
import { judgedPairs } from '../../src/cli/routes/judged-pairs.ts';
import type { ModelOutcome, OutcomeRow } from '../../src/core/replay/outcome-row.ts';

/** What the judged log has of a call that two candidates of a route answered beside the strong target: a line for each of them. */
function linesOf(id: string, small: number, middle: number): readonly OutcomeRow[] {
  const outcome = (quality: number): ModelOutcome => ({
    quality,
    costUsd: undefined,
    inputTokens: 20,
    outputTokens: 5,
    assumedCostUsd: undefined,
    latencySeconds: undefined,
    answer: undefined,
    isValid: undefined,
    isFormatOk: undefined,
    errorType: undefined,
  });
  const row = (name: string, quality: number): OutcomeRow => ({
    id,
    prompt: `question ${id}`,
    domain: undefined,
    models: new Map([
      [name, outcome(quality)],
      ['large', outcome(1)],
    ]),
  });
  return [row('small', small), row('middle', middle)];
}

test('the log of a route with several candidates trains a score for each of them', () => {
  const rows = [...linesOf('a', 0, 1), ...linesOf('b', 1, 0), ...linesOf('b', 1, 0)];
  for (const [cheap, qualities] of [
    ['small', [0, 1]],
    ['middle', [1, 0]],
  ] as const) {
    const { pairs, unused } = judgedPairs(rows, { cheap, strong: 'large' }, false);
    expect(pairs.map((pair) => pair.cheap)).toEqual(qualities);
    expect(Object.fromEntries(unused)).toEqual({ 'without-model': 3, 'same-id': 1 });
  }
});
