import fc from 'fast-check';
import { expect, test } from 'vitest';
import { documentWithoutRepeats, marks, mixedDocument } from '../../../test/support/mixed-documents.ts';
import { loadTokenizer } from '../../tokenizers/load-tokenizer.ts';
import { applyEdits } from './apply-edits.ts';
import { compressText } from './compress-text.ts';
import { COMPRESSION_LEVELS, type Compression, type CompressionLevel } from './compression.ts';
import type { SegmentKind } from './segment.ts';
import { segmentText } from './segment-text.ts';
import { COMPRESSOR_VERSION, TRANSFORMS } from './transforms.ts';

const tokenizer = await loadTokenizer('o200k_base');
const tools = {
  count: (text: string): number => tokenizer.count(text),
  htmlToMarkdown: (html: string): string => html.replaceAll(/<[^>]*>/g, ' '),
};
const level = fc.constantFrom(...COMPRESSION_LEVELS);
const texts = fc.oneof({ weight: 6, arbitrary: mixedDocument() }, marks(), fc.string({ unit: 'binary' }));

function compressed(text: string, at: CompressionLevel): Compression {
  return compressText(text, { level: at, tools });
}

test('a result has no more tokens than its source, by any counter, and says how many each step saved', () => {
  const counters = fc.constantFrom(
    tools.count,
    (text: string) => text.length,
    (text: string) => text.split(/\s/).length,
    () => 7,
  );
  fc.assert(
    fc.property(texts, level, counters, (text, at, count) => {
      const done = compressText(text, { level: at, tools: { ...tools, count } });
      expect([done.tokensBefore, done.tokensAfter]).toEqual([count(text), count(done.text)]);
      expect(done.steps.every(({ savedTokens }) => savedTokens > 0)).toBe(true);
      const saved = done.steps.reduce((sum, { savedTokens }) => sum + savedTokens, 0);
      expect(done.tokensBefore - done.tokensAfter).toBe(saved);
    }),
    { numRuns: 200 },
  );
});

test('a result gives itself, and is what its edits make of the source', () => {
  fc.assert(
    fc.property(texts, level, (text, at) => {
      const done = compressed(text, at);
      expect(compressed(done.text, at)).toMatchObject({ text: done.text, steps: [] });
      expect(compressed(text, at)).toEqual(done);
      expect(done.steps.reduce((made, { edits }) => applyEdits(made, edits), text)).toBe(done.text);
    }),
    { numRuns: 300 },
  );
});

const UNTOUCHED: ReadonlySet<SegmentKind> = new Set<SegmentKind>([
  'front-matter',
  'fence',
  'inline-code',
  'code',
  'diff',
  'log',
  'tagged',
  'url',
  'quote',
  'template',
  'base64',
  'records',
  'unknown',
]);

test('code, quotations, URLs, templates, Base64 and what is unclear stay byte for byte, in their order', () => {
  fc.assert(
    fc.property(documentWithoutRepeats(), level, (text, at) => {
      const result = compressed(text, at).text;
      let from = 0;
      for (const { kind, start, end } of segmentText(text)) {
        if (!UNTOUCHED.has(kind)) continue;
        const found = result.indexOf(text.slice(start, end), from);
        expect(found).toBeGreaterThanOrEqual(from);
        from = found + end - start;
      }
    }),
    { numRuns: 300 },
  );
});

test('a lossless result has the same numbers and words in the same order', () => {
  const withoutMarks = (text: string): readonly string[] =>
    text.replaceAll(/[\u200B\u00AD\uFEFF]/g, '').match(/[\p{L}\p{M}]+|\d+(?:\.\d+)?(?:e\d+)?/gu) ?? [];
  fc.assert(
    fc.property(documentWithoutRepeats(), (text) => {
      expect(withoutMarks(compressed(text, 'lossless').text)).toEqual(withoutMarks(text));
    }),
    { numRuns: 200 },
  );
});

test('each level leaves out what the next may do', () => {
  const text = [
    'Please read the list in order to answer the question that is in it.',
    '',
    '='.repeat(100),
    '',
    '{"id": 1,   "name": "x"}',
    '',
    JSON.stringify(
      [1, 2, 3, 4, 5, 6].map((id) => ({ identifier: id, description: `text ${id}` })),
      undefined,
      2,
    ),
  ].join('\n');
  const steps = COMPRESSION_LEVELS.map((at) =>
    compressed(text, at).steps.map(({ transform }) => transform.split('@')[0]),
  );
  expect(steps).toEqual([
    [],
    ['json-minify', 'separators'],
    ['json-minify', 'separators', 'json-records'],
    ['json-minify', 'separators', 'json-records', 'phrases'],
    ['json-minify', 'separators', 'json-records', 'phrases'],
  ]);
});

test('a step that saves nothing is not made', () => {
  const done = compressText('a  \n\n\n\n\n\nb {"a": 1,   "b": 2}', {
    level: 'light',
    tools: { ...tools, count: () => 3 },
  });
  expect(done).toEqual({ text: 'a  \n\n\n\n\n\nb {"a": 1,   "b": 2}', tokensBefore: 3, tokensAfter: 3, steps: [] });
});

test('of the edits of a step, those that save nothing are not made', () => {
  // A counter that charges for one of the two values only.
  const count = (text: string): number => 100 + (text.includes('"b": 2') ? 1 : 0) - (text.includes('"a":1') ? -1 : 0);
  expect(
    compressText('{"a": 1}\n\nand many more words between them\n\n{"b": 2}', { level: 'lossless', tools: { count } })
      .text,
  ).toBe('{"a": 1}\n\nand many more words between them\n\n{"b":2}');
});

test('a step that would make something else of its neighbours is not made', () => {
  // A converter that leaves a fence open: all behind it would be taken for code.
  const text = '<div><p>a</p><p>b</p><p>c</p></div>\n\nSee `x`.';
  const closing = { ...tools, htmlToMarkdown: (): string => 'a\n' };
  expect(compressText(text, { level: 'structural', tools: closing }).text).toBe('a\n\nSee `x`.');
  const opening = { ...tools, htmlToMarkdown: (): string => '```\na' };
  expect(compressText(text, { level: 'structural', tools: opening }).text).toBe(text);
});

test('a converter of HTML that fails leaves the page as it is', () => {
  const page = '<div><p>a</p><p>b</p><p>c</p></div>';
  const failing = (): string => {
    throw new Error('broken');
  };
  expect(compressText(page, { level: 'structural', tools: { ...tools, htmlToMarkdown: failing } }).text).toBe(page);
  expect(compressText(page, { level: 'structural', tools: { count: tools.count } }).text).toBe(page);
});

test('the version names every transform with its own', () => {
  for (const { id, version } of TRANSFORMS) expect(COMPRESSOR_VERSION).toContain(`${id}@${version}`);
  expect(new Set(TRANSFORMS.map(({ id }) => id)).size).toBe(TRANSFORMS.length);
});

test.each([
  'a\u200B',
  '{"a": 1} ',
  'x \n',
  '|a  |\n|-----|\n',
  '------------\n',
  '\n\n\n\n',
  'in order to ',
  '<p>a</p>\n',
  'The same paragraph is long enough to be worth a mark of its own, since it has words.\n\n',
])('a long run of %j comes to its end', (unit) => {
  const text = unit.repeat(Math.ceil(60_000 / unit.length));
  expect(compressed(text, 'light').tokensAfter).toBeLessThanOrEqual(tools.count(text));
});
