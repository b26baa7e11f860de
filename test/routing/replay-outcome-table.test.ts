import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { outcomeCostUsd } from '../../src/core/replay/outcome-cost.ts';
import type { ModelOutcome } from '../../src/core/replay/outcome-row.ts';
import { outcomeTable } from '../../src/core/replay/outcome-table.ts';
import { pairedRows } from '../../src/core/replay/paired-rows.ts';
import { readOutcomeRow } from '../../src/core/replay/read-outcome-row.ts';

function modelOf(value: unknown, name: string): ModelOutcome {
  const reading = readOutcomeRow(value);
  const outcome = reading.kind === 'row' ? reading.row.models.get(name) : undefined;
  if (outcome === undefined) throw new Error(`no such model: ${JSON.stringify(reading)}`);
  return outcome;
}

describe('a row', () => {
  test('in our own shape gives all that it states', () => {
    const value = {
      id: 7,
      prompt: 'Why?',
      domain: 'doubts',
      models: {
        small: {
          quality: 0.5,
          answer: 'so',
          inputTokens: 10,
          outputTokens: 2,
          costUsd: 0.1,
          errorType: 'odd',
          valid: false,
        },
        large: { quality: 1 },
      },
    };
    const reading = readOutcomeRow(value);
    expect(reading).toMatchObject({ kind: 'row', row: { id: '7', prompt: 'Why?', domain: 'doubts' } });
    expect(modelOf(value, 'small')).toMatchObject({
      quality: 0.5,
      answer: 'so',
      isValid: false,
      inputTokens: 10,
      outputTokens: 2,
      errorType: 'odd',
      costUsd: 0.1,
    });
    expect(modelOf(value, 'large')).toMatchObject({ quality: 1, answer: undefined, isValid: undefined });
  });

  test('may state its answer as any JSON value, or that there is none', () => {
    const value = {
      models: { a: { quality: 1, answer: [1, 2] }, b: { quality: 0, answer: null }, c: { quality: 1, answer: 42 } },
    };
    expect(modelOf(value, 'a').answer).toBe('[1,2]');
    expect(modelOf(value, 'b').answer).toBeNull();
    expect(modelOf(value, 'c').answer).toBe('42');
  });

  test('of RouteLLM has a weak and a strong model at the prices of its paper', () => {
    const value = { prompt: 'Sum?', domain: 'algebra', weak: 0, strong: 1, contaminated: 0 };
    const costs = ['weak', 'strong'].map((name) => outcomeCostUsd(modelOf(value, name), undefined));
    expect(costs).toEqual([0.00024, 0.0247]);
    expect(modelOf(value, 'strong').quality).toBe(1);
    expect(readOutcomeRow({ ...value, contaminated: 1 })).toEqual({ kind: 'dropped', reason: 'contaminated' });
  });

  test('of ZeroEval counts its tokens by characters', () => {
    const value = { prompt: 'x'.repeat(400), models: { m: [1, '18.0', 0, 200] } };
    expect(modelOf(value, 'm')).toMatchObject({
      quality: 1,
      answer: '18.0',
      isFormatOk: false,
      inputTokens: 190,
      outputTokens: 50,
    });
    const price = { inputUsdPerMillion: 1, outputUsdPerMillion: 2 };
    expect(outcomeCostUsd(modelOf(value, 'm'), price)).toBeCloseTo(290e-6, 12);
  });

  test('of BFCL has tokens, latency and what was wrong, and its functions are part of the prompt', () => {
    const value = {
      category: 'simple',
      prompt: [{ role: 'user' }],
      function: ['roll', 'toss'],
      models: { m: [0, 431, 24, 1.5, 'type_error:simple'], n: [1, 1, 2, 3, ''] },
    };
    expect(readOutcomeRow(value)).toMatchObject({ row: { prompt: '[{"role":"user"}]\nroll toss', domain: 'simple' } });
    expect(modelOf(value, 'm')).toMatchObject({
      quality: 0,
      inputTokens: 431,
      outputTokens: 24,
      latencySeconds: 1.5,
      errorType: 'type_error:simple',
    });
    expect(modelOf(value, 'n').errorType).toBeUndefined();
    expect(readOutcomeRow({ ...value, prompt: null })).toEqual({ kind: 'dropped', reason: 'no-prompt' });
  });

  test('may have a model of any name', () => {
    expect(modelOf(JSON.parse('{"models":{"__proto__":[1]}}'), '__proto__').quality).toBe(1);
  });

  test.each([
    [1, 'is not a JSON object'],
    [[], 'is not a JSON object'],
    [{}, 'has neither "models" nor "weak" and "strong"'],
    [{ weak: 2, strong: 1 }, 'weak is not a number from 0 to 1'],
    [{ models: [] }, '"models" is not an object'],
    [{ models: {} }, '"models" is empty'],
    [{ models: { m: 1 } }, 'an outcome is neither an object nor a list'],
    [{ models: { m: [1, 2] } }, 'an outcome is a list of no known shape'],
    [{ models: { m: [1, 'a', 1, -1] } }, 'the number of characters is not a number from 0 up'],
    [{ models: { m: {} } }, 'quality is not a number from 0 to 1'],
    [{ models: { m: { quality: Number.NaN } } }, 'quality is not a number from 0 to 1'],
    [{ models: { m: { quality: 1, costUsd: -1 } } }, 'costUsd is not a number from 0 up'],
    [{ models: { m: { quality: 1, valid: 'yes' } } }, 'valid is not true or false'],
    [{ id: {}, models: { m: [1] } }, 'id is not a text'],
  ])('that is wrong says how: %j', (value, reason) => {
    expect(readOutcomeRow(value)).toEqual({ kind: 'fault', reason });
  });
});

test('a table names the lines that cannot be used, reads the rest, and counts what it drops', () => {
  const { rows, faults, dropped } = outcomeTable([
    '{"weak":0,"strong":1}',
    '',
    '{"weak":0,',
    '{"weak":0,"strong":1,"contaminated":1}',
    '{"weak":"secret","strong":1}',
    '{"prompt":null,"models":{}}',
  ]);
  expect(rows).toHaveLength(1);
  expect(faults).toEqual([
    { line: 3, reason: 'is not JSON' },
    { line: 5, reason: 'weak is not a number from 0 to 1' },
  ]);
  expect([...dropped]).toEqual([
    ['contaminated', 1],
    ['no-prompt', 1],
  ]);
});

test('a prompt or an answer that is nested beyond all reason is a fault', () => {
  const nested = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
  const { faults } = outcomeTable([
    `{"prompt":${nested},"weak":0,"strong":1}`,
    `{"models":{"m":{"quality":1,"answer":${nested}}}}`,
  ]);
  expect(faults).toEqual([
    { line: 1, reason: 'is nested too deep' },
    { line: 2, reason: 'is nested too deep' },
  ]);
});

test('whatever stands in a line, it is a row, dropped or a fault, and never an exception', () => {
  const cell = fc.oneof(fc.jsonValue(), fc.constantFrom(0, 1, null, '', [1, null, 1, 3], [0, 1, 2, 3, 'type_error']));
  const value = fc.oneof(
    fc.jsonValue(),
    fc.record(
      {
        prompt: cell,
        function: cell,
        weak: cell,
        strong: cell,
        models: fc.oneof(cell, fc.dictionary(fc.string(), cell)),
      },
      { requiredKeys: [] },
    ),
  );
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          value.map((one) => JSON.stringify(one)),
          fc.string(),
        ),
      ),
      (lines) => {
        const { rows, faults, dropped } = outcomeTable(lines);
        const droppedCount = [...dropped.values()].reduce((sum, count) => sum + count, 0);
        const blank = lines.filter((line) => line.trim() === '').length;
        expect(rows.length + faults.length + droppedCount + blank).toBe(lines.length);
      },
    ),
    { numRuns: 200 },
  );
});

test('rows are replayed where all models answered at a known cost, and others are counted by what they lack', () => {
  const { rows } = outcomeTable([
    '{"models":{"a":{"quality":1,"costUsd":1},"b":{"quality":1,"inputTokens":5,"outputTokens":1}}}',
    '{"models":{"a":{"quality":1,"costUsd":1}}}',
    '{"models":{"a":{"quality":1},"b":{"quality":1,"costUsd":2}}}',
    '{"models":{"b":{"quality":1,"costUsd":2}}}',
  ]);
  const models = { cheap: 'a', strong: 'b', checkers: [] };
  const price = { inputUsdPerMillion: 100_000, outputUsdPerMillion: 500_000 };
  const {
    rows: paired,
    withoutModel,
    withoutPrice,
  } = pairedRows(rows, models, (name) => (name === 'b' ? price : undefined));
  expect(paired.map(({ cheap, strong }) => [cheap.costUsd, strong.costUsd])).toEqual([[1, 1]]);
  expect(Object.fromEntries(withoutModel)).toEqual({ a: 1, b: 1 });
  expect(Object.fromEntries(withoutPrice)).toEqual({ a: 1 });
});
