import { decode } from '@toon-format/toon';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RECORDS_LEGEND } from '../records-legend.ts';
import { segmentText } from '../segment-text.ts';
import { csvText } from './csv-text.ts';
import { jsonNode } from './json-node.ts';
import { toonText } from './toon-text.ts';

/** Reads a CSV text with its legend as the legend says: bare cells are JSON literals where they are written like one. */
function readCsv(text: string): readonly Readonly<Record<string, unknown>>[] {
  const body = text.slice(text.indexOf('\n') + 1);
  const rows: { value: unknown }[][] = [[]];
  const cell = /"((?:[^"]|"")*)"|([^,\n]*)/y;
  for (let at = 0; ;) {
    cell.lastIndex = at;
    const match = cell.exec(body);
    const quoted = match?.[1];
    rows.at(-1)?.push({ value: quoted === undefined ? bare(match?.[2] ?? '') : quoted.replaceAll('""', '"') });
    at = cell.lastIndex;
    if (at >= body.length) break;
    if (body.charAt(at) === '\n') rows.push([]);
    at += 1;
  }
  const [names = [], ...records] = rows;
  return records.map((row) => Object.fromEntries(row.map(({ value }, index) => [String(names[index]?.value), value])));
}

function bare(cell: string): unknown {
  try {
    return typeof JSON.parse(cell) === 'object' && cell !== 'null' ? cell : (JSON.parse(cell) as unknown);
  } catch {
    return cell;
  }
}

function readToon(text: string): unknown {
  return decode(text.slice(text.indexOf('\n') + 1));
}

const awkward = fc.constantFrom(
  '',
  ' ',
  'a,b',
  'say "x"',
  'two\nlines',
  'null',
  'true',
  '12',
  '1e5',
  '007',
  '-x',
  '#x',
  'a:b',
  '[1]',
  '{x}',
  '\\',
  ' a',
  'a ',
  'é',
  '中',
  '😀',
  '+1',
  '1.',
  '.5',
  'Infinity',
  'a\tb',
  '--- ',
  '|',
  '- a',
);
const words = fc.oneof(awkward, fc.string({ unit: 'grapheme', maxLength: 8 }));
const primitive = fc.oneof(
  words,
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
  fc.boolean(),
  fc.constant(null),
);
const keys = fc
  .uniqueArray(fc.oneof(fc.constantFrom('id', 'name', 'a b', 'a,b', '1', 'x.y', 'a"b', ''), words), {
    minLength: 1,
    maxLength: 5,
  })
  .filter((names) => !names.includes('__proto__'));
const flatRecords = keys.chain((names) =>
  fc
    .array(fc.tuple(...names.map(() => primitive)), { minLength: 2, maxLength: 6 })
    .map((rows) => rows.map((row) => Object.fromEntries(names.map((name, index) => [name, row[index]])))),
);

test('flat records come back from CSV as the same values', () => {
  let written = 0;
  fc.assert(
    fc.property(flatRecords, (records) => {
      const node = jsonNode(JSON.stringify(records));
      const text = node === undefined ? undefined : csvText(node);
      if (text === undefined) return;
      written += 1;
      expect(readCsv(text)).toStrictEqual(records.map(withPlainZero));
    }),
    { numRuns: 300 },
  );
  expect(written).toBeGreaterThan(100);
});

test('records, alone, under keys, and with objects in them, come back from TOON as the same values', () => {
  let written = 0;
  const value = fc.oneof(
    flatRecords,
    fc.record({
      total: fc.nat(),
      items: flatRecords,
      tags: fc.array(primitive),
      empty: fc.constant({}),
      'odd key': words,
    }),
    flatRecords.map((records) => records.map((record, index) => ({ id: index, owner: record, ok: true }))),
  );
  fc.assert(
    fc.property(value, (records) => {
      const node = jsonNode(JSON.stringify(records));
      const text = node === undefined ? undefined : toonText(node);
      if (text === undefined) return;
      written += 1;
      expect(readToon(text)).toEqual(JSON.parse(JSON.stringify(records)));
    }),
    { numRuns: 300 },
  );
  expect(written).toBeGreaterThan(100);
});

test('numbers keep their digits in CSV and TOON', () => {
  const node = jsonNode('[{"a":1.0,"b":12345678901234567890},{"a":1.50,"b":-0.5e3}]');
  if (node === undefined) throw new Error('not read');
  expect(csvText(node)).toBe('JSON records as CSV, 2 rows:\na,b\n1.0,12345678901234567890\n1.50,-0.5e3');
  expect(toonText(node)).toBe('JSON as TOON, 3 lines:\n[2]{a,b}:\n  1.0,12345678901234567890\n  1.50,-0.5e3');
});

test.each([
  ['a number beyond a double', '[{"a":1e400},{"a":1}]'],
  ['minus zero', '[{"a":-0},{"a":1}]'],
])('%s is not written as TOON, which would read it otherwise', (_, json) => {
  const node = jsonNode(json);
  expect(node).toBeDefined();
  expect(node === undefined ? undefined : toonText(node)).toBeUndefined();
  expect(node === undefined ? undefined : csvText(node)).toBeDefined();
});

test.each([
  ['doubled keys', '[{"a":1,"a":2},{"a":1,"a":2}]'],
  ['a lone surrogate', '[{"a":"\\ud800"},{"a":"x"}]'],
  ['a control character', '[{"a":"\\u0000"},{"a":"x"}]'],
  ['great depth', '['.repeat(40) + ']'.repeat(40)],
])('JSON with %s stays JSON', (_, json) => {
  expect(jsonNode(json)).toBeUndefined();
});

test.each([
  '[{"a":1},{"b":1}]',
  '[{"a":1},{"a":1,"b":2}]',
  '[{"a":1},2]',
  '[1,2]',
  '{"a":1}',
  '[{"a":[1]},{"a":[2]}]',
  '[{}, {}]',
  '{"a":[{"b":1},2]}',
])('what is not uniform is neither CSV nor TOON: %s', (json) => {
  const node = jsonNode(json);
  expect(node === undefined ? [] : [csvText(node), toonText(node)]).toEqual([undefined, undefined]);
});

test('the segmenter sees what was written as one segment, to its last row', () => {
  fc.assert(
    fc.property(flatRecords, (records) => {
      const node = jsonNode(JSON.stringify(records));
      const texts = node === undefined ? [] : [csvText(node), toonText(node)].filter((each) => each !== undefined);
      for (const text of texts) {
        expect(RECORDS_LEGEND.test(text.slice(0, text.indexOf('\n')))).toBe(true);
        expect(segmentText(`${text}\n\nWords.`)[0]).toEqual({ kind: 'records', start: 0, end: text.length + 1 });
      }
    }),
    { numRuns: 100 },
  );
});

/** JSON prints -0 as 0. */
function withPlainZero(record: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return JSON.parse(JSON.stringify(record)) as Readonly<Record<string, unknown>>;
}
