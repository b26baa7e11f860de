import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type CallFacts,
  type ChargeFacts,
  parseReportDimension,
  ReportBuilder,
  type ReportDimension,
  type ReportRow,
  settledCertainty,
  totalRow,
} from './report.ts';

const DAY_MS = 86_400_000;
const charge: ChargeFacts = {
  atMs: 0,
  project: 'search',
  keyId: 'key_1',
  tags: {},
  model: 'openai/a',
  inputTokens: 10,
  outputTokens: 5,
  certainty: 'exact',
  amountNanoUsd: 100,
};
const call: CallFacts = {
  atMs: 0,
  project: 'search',
  keyId: 'key_1',
  tags: {},
  model: 'openai/a',
  isHit: false,
  baselineNanoUsd: 150,
  savedNanoUsd: 50,
  missedByModeNanoUsd: undefined,
};

function report(
  by: ReportDimension,
  charges: readonly ChargeFacts[],
  calls: readonly CallFacts[],
): readonly ReportRow[] {
  const builder = new ReportBuilder(by);
  for (const row of charges) builder.addCharge(row);
  for (const row of calls) builder.addCall(row);
  return builder.rows();
}

test('days are those of UTC and come in order, also when money says otherwise', () => {
  const charges = [
    { ...charge, atMs: DAY_MS },
    { ...charge, atMs: DAY_MS - 1, amountNanoUsd: 1 },
  ];
  expect(report('day', charges, []).map((row) => row.group)).toEqual(['1970-01-01', '1970-01-02']);
});

test('other groups come by cost, the dearest first, and by name where the cost is equal', () => {
  const charges = [
    { ...charge, model: 'b/b' },
    { ...charge, model: 'a/a' },
    { ...charge, model: 'c/c', amountNanoUsd: 101 },
  ];
  expect(report('model', charges, []).map((row) => row.group)).toEqual(['c/c', 'a/a', 'b/b']);
});

test('rows without the tag are a group of their own, and a tag named like a method of objects is only a tag', () => {
  const charges = [{ ...charge, tags: { user: 'alice' } }, charge];
  expect(report('tag:user', charges, []).map((row) => row.group)).toEqual(['(none)', 'alice']);
  expect(report('tag:toString', [charge], []).map((row) => row.group)).toEqual(['(none)']);
});

test('an unpriced charge is counted and never adds 0 dollars in silence', () => {
  const unpriced: ChargeFacts = { ...charge, certainty: 'unpriced', amountNanoUsd: undefined };
  const [row] = report('project', [charge, unpriced], []);
  expect(row).toMatchObject({ unpricedCharges: 1, costNanoUsd: 100n, inputTokens: 20n });
});

test('the estimated part is a part of the cost', () => {
  const [row] = report('project', [charge, { ...charge, certainty: 'estimate', amountNanoUsd: 7 }], []);
  expect(row).toMatchObject({ costNanoUsd: 107n, estimatedNanoUsd: 7n });
});

test('a corrected charge is as sure as its correction, unless that one has no price', () => {
  expect(settledCertainty('estimate', 'exact')).toBe('exact');
  expect(settledCertainty('unpriced', 'exact')).toBe('exact');
  expect(settledCertainty('estimate', 'unpriced')).toBe('estimate');
  expect(settledCertainty('estimate', undefined)).toBe('estimate');
});

test('a baseline counts only where the saving is known too', () => {
  const [row] = report(
    'project',
    [],
    [call, { ...call, savedNanoUsd: undefined }, { ...call, baselineNanoUsd: undefined }],
  );
  expect(row).toMatchObject({ calls: 3, baselineNanoUsd: 150n, savedNanoUsd: 50n });
});

test('what another mode would have saved and hits are added up', () => {
  const [row] = report(
    'key',
    [],
    [
      { ...call, missedByModeNanoUsd: 9, isHit: true },
      { ...call, missedByModeNanoUsd: 4 },
    ],
  );
  expect(row).toMatchObject({ group: 'key_1', hits: 1, calls: 2, missedByModeNanoUsd: 13n });
});

test('sums leave the safe integers without losing a nano-dollar', () => {
  const large = { ...charge, amountNanoUsd: Number.MAX_SAFE_INTEGER };
  const [row] = report('project', [large, large, large], []);
  expect(row?.costNanoUsd).toBe(3n * BigInt(Number.MAX_SAFE_INTEGER));
});

test('the total is the same whatever a report groups by and in whatever order the rows came', () => {
  const anyCharge = fc.record({
    atMs: fc.integer({ min: 0, max: 10 * DAY_MS }),
    project: fc.constantFrom('a', 'b', '__proto__'),
    keyId: fc.constantFrom('k', 'l'),
    tags: fc.dictionary(fc.constantFrom('user', 'feature'), fc.string()),
    model: fc.constantFrom('p/m', 'p/n'),
    inputTokens: fc.nat(),
    outputTokens: fc.nat(),
    certainty: fc.constantFrom('exact' as const, 'estimate' as const, 'none' as const),
    amountNanoUsd: fc.integer(),
  });
  fc.assert(
    fc.property(fc.array(anyCharge), (charges) => {
      const expected = totalRow(report('project', charges, []), 'total');
      expect(expected.costNanoUsd).toBe(charges.reduce((sum, row) => sum + BigInt(row.amountNanoUsd), 0n));
      for (const by of ['day', 'model', 'key', 'tag:user'] as const) {
        expect(totalRow(report(by, charges.toReversed(), []), 'total')).toEqual(expected);
      }
    }),
  );
});

test.each([
  ['day', 'day'],
  ['tag:user', 'tag:user'],
  ['tag:', undefined],
  ['week', undefined],
])('%j is read as %j', (text, expected) => {
  expect(parseReportDimension(text)).toBe(expected);
});
