import { beforeAll, describe, expect, test } from 'vitest';
import { hasData } from './support/shared-data.ts';
import { calibrationSplit, type EstimatedRow, errorRatio, estimatedRows } from './support/usage-rows/estimated-rows.ts';
import { USAGE_ROWS_FILE } from './support/usage-rows/usage-rows.ts';

// The figures by provider are in bench/token-estimates.bench.ts; here stands what must not get worse.
describe.skipIf(!hasData(...USAGE_ROWS_FILE))('recorded requests with the count that was billed', () => {
  let rows: readonly EstimatedRow[] = [];
  beforeAll(async () => {
    rows = await estimatedRows();
  });

  test('there are rows of twelve providers', () => {
    expect(rows.length).toBeGreaterThan(800);
    expect(new Set(rows.map(({ host }) => host)).size).toBeGreaterThanOrEqual(12);
  });

  test('texts alone are counted to the token for OpenAI, but for one in twenty', () => {
    const texts = rows.filter(({ isOpenaiText }) => isOpenaiText);
    expect(texts.length).toBeGreaterThan(50);
    expect(texts.filter((row) => errorRatio(row) === 0).length / texts.length).toBeGreaterThanOrEqual(0.95);
  });

  test('lists of tools are counted to the token for OpenAI in three of four requests', () => {
    const tools = rows.filter(
      ({ host, prompt, estimate }) => host === 'api.openai.com' && prompt.tools.length > 0 && !estimate.isPartial,
    );
    expect(tools.length).toBeGreaterThan(80);
    expect(tools.filter((row) => errorRatio(row) === 0).length / tools.length).toBeGreaterThan(0.75);
  });

  test('the middle error of all else is at most 3 % before anything was learnt, also where each request counts once', () => {
    const others = rows.filter(({ isOpenaiText }) => !isOpenaiText);
    expect(median(others.map((row) => errorRatio(row)))).toBeLessThanOrEqual(0.03);
    const once = others.filter(({ isRepeated }) => !isRepeated);
    expect(median(once.map((row) => errorRatio(row)))).toBeLessThanOrEqual(0.03);
  });

  test('the middle error of what can be counted is small for every provider with many rows', () => {
    const countable = rows.filter(({ estimate }) => !estimate.isPartial);
    for (const host of new Set(countable.map((row) => row.host))) {
      const own = countable.filter((row) => row.host === host);
      if (own.length < 30) continue;
      expect(median(own.map((row) => errorRatio(row))), host).toBeLessThanOrEqual(0.035);
    }
  });

  test.each([1, 2, 3, 4, 5])(
    'learning from one half leaves a middle error of at most 2 % in the other: draw %i',
    (seed) => {
      const others = calibrationSplit(rows, seed).filter(({ row }) => !row.isOpenaiText);
      expect(median(others.map(({ after }) => after))).toBeLessThanOrEqual(0.02);
    },
  );

  test('texts that were exact stay so whatever was learnt', () => {
    const texts = calibrationSplit(rows, 7).filter(({ row }) => row.isOpenaiText);
    expect(texts.every(({ before, after }) => before === after)).toBe(true);
  });

  test('no bound was passed, and bounds are less than a third of those by bytes', () => {
    const bounded = rows.filter(({ boundTokens }) => boundTokens !== undefined);
    expect(bounded.length).toBeGreaterThan(600);
    expect(bounded.filter(({ boundTokens = 0, actualTokens }) => boundTokens < actualTokens)).toEqual([]);
    const both = bounded.filter(({ byteBoundTokens }) => byteBoundTokens !== undefined);
    const ratio = (bounds: (row: EstimatedRow) => number): number =>
      both.reduce((sum, row) => sum + bounds(row) / row.actualTokens, 0) / both.length;
    expect(ratio((row) => row.boundTokens ?? 0)).toBeLessThan(ratio((row) => row.byteBoundTokens ?? 0) / 3);
  });
});

function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? Number.NaN;
}
