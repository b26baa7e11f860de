import fc from 'fast-check';
import { expect, test } from 'vitest';
import { marks, mixedDocument } from '../../../test/support/mixed-documents.ts';
import { jsonSpan } from './segment/json-span.ts';
import { segmentText } from './segment-text.ts';

function parts(text: string): readonly string[] {
  return segmentText(text).map(({ kind, start, end }) => `${kind}|${text.slice(start, end)}`);
}

test('segments cover a text without gaps or overlaps, whatever it is', () => {
  const texts = fc.oneof({ weight: 4, arbitrary: mixedDocument() }, marks(), fc.string({ unit: 'binary' }));
  fc.assert(
    fc.property(texts, (text) => {
      const segments = segmentText(text);
      const isCover =
        segments.every(({ start, end }, index) => start === (segments[index - 1]?.end ?? 0) && end > start) &&
        (segments.at(-1)?.end ?? 0) === text.length;
      expect(isCover).toBe(true);
    }),
    { numRuns: 250 },
  );
});

test('words are parted from what must not be touched', () => {
  expect(parts('Hi {{name}}, see https://a.b/c(d). Say "no  no" to `a  b`, ${x} and %s; [that](/x y).\n')).toEqual([
    'prose|Hi ',
    'template|{{name}}',
    'prose|, see ',
    'url|https://a.b/c(d)',
    'prose|. Say ',
    'quote|"no  no"',
    'prose| to ',
    'inline-code|`a  b`',
    'prose|, ',
    'template|${x}',
    'prose| and ',
    'template|%s',
    'prose|; [that](',
    'url|/x y',
    'prose|).\n',
  ]);
});

const BLOCKS: Readonly<Record<string, readonly [kind: string, text: string]>> = {
  'front matter': ['front-matter', '---\ntitle: x\ntags: [a]\n---\n'],
  'a fence': ['fence', '```js\nx  = "```";\n```\n'],
  'a fence of tildes that holds backticks': ['fence', '~~~\n```\n~~~\n'],
  'a longer fence that holds a shorter one': ['fence', '````\n```\n````\n'],
  'a fence of JSON': ['json-fence', '```json\n{"a": 1}\n```\n'],
  'a fence that says JSON and is none': ['fence', '```json\n{"a": 1,}\n```\n'],
  'JSON over blank lines': ['json', '[{"a": 1},\n\n {"a": "}"}]'],
  'JSON that was cut off': ['unknown', '{"a": [1, 2, "x\n'],
  'JSON with a comment': ['unknown', '{"a": 1, // one\n "b": 2}'],
  'a fence that is never closed': ['unknown', '```js\nx\n\nmore\n'],
  'a table': ['table', '| a | b |\n|---|:-:|\n| 1 | 2 |\n'],
  'a heading': ['heading', '## What is new\n'],
  'a list with its further lines': ['list', '- one\n  more\n- two\n'],
  'a diff': ['diff', 'diff --git a/x b/x\nindex 1234..5678 100644\n--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n'],
  'a log with a stack trace': ['log', '2024-01-02T03:04:05Z ERROR x\njava.lang.Exception: y\n  at z\n'],
  'a log by its levels': ['log', '[INFO] a\nWARN  com.x.Y - b\n'],
  'a page of HTML': ['html', '<!doctype html>\n<html><body><p>a</p></body></html>'],
  'a fragment of HTML': ['html', '<div><p>a <b>b</b></p><p>c</p></div>'],
  'a page that is cut off': ['unknown', '<html><body><p>a</p>\n'],
  'a script': ['code', '<script>let a  = 1;</script>'],
  'Base64 over lines': ['base64', `${'QUJD'.repeat(19)}\n${'QUJD'.repeat(19)}\nQUI=\n`],
  'a data URI': ['base64', 'data:image/png;base64,iVBORw0KGgo='],
  'code in lines of its own': ['code', 'const a = 1;\nif (a) {\n  run(a);\n}\n'],
  'a Python file with its docstring': ['code', 'import os\n\n\ndef f(a):\n    """Please note."""\n    return a\n'],
  'code that is indented': ['code', '    x   = 1\n    y = 2\n'],
  'a block quote': ['quote', '> in order  to\n'],
  'a line of prose that begins with a number': ['prose', '2024 was a good year.\n'],
  'prose in brackets': ['prose', '[Note: read this] and {not that}\n'],
};
test.each(Object.entries(BLOCKS))('%s is seen as such', (_, [kind, text]) => {
  expect(parts(text)).toEqual([`${kind}|${text}`]);
});

test('the inside of tags of a prompt is segmented by itself', () => {
  expect(parts('<document index="1">\nSome words.\n</document>\n')).toEqual([
    'tagged|<document index="1">',
    'prose|\nSome words.\n',
    'tagged|</document>',
    'prose|\n',
  ]);
});

test('blank lines between prose are segments, those within code are code', () => {
  expect(parts('a\n \n\nb\n')).toEqual(['prose|a\n', 'blank| \n\n', 'prose|b\n']);
  expect(parts('Look:\n\na = f(1);\nb();\n\n\nc = 2;\nd();\n').at(-1)).toBe('code|a = f(1);\nb();\n\n\nc = 2;\nd();\n');
});

test('what the JSON reader takes is what JSON.parse takes', () => {
  const damaged = fc
    .tuple(fc.json(), fc.nat(), fc.constantFrom('', '"', ',', '}', ']', '\\', '0', ' ', '\u0001', ':'))
    .map(([json, at, inserted]) => {
      const place = at % (json.length + 1);
      return json.slice(0, place) + inserted + json.slice(place + (at % 2));
    });
  fc.assert(
    fc.property(fc.oneof(fc.json(), damaged, marks()), (text) => {
      const span = jsonSpan(text, 0);
      const isWhole = span.isWhole && text.slice(span.end).trim() === '' && !/[^ \t\r\n]/.test(text.slice(span.end));
      expect(isWhole).toBe(parses(text));
    }),
    { numRuns: 250 },
  );
});

/** Brackets, tags and fences that nothing closes would take minutes if the time went with the square of the length. */
const HOSTILE: readonly string[] = [
  '[',
  '{"a":',
  '[""x',
  '{ ',
  '"a ',
  "'a ",
  '`a``',
  '<a ',
  '<p>',
  '<div>',
  '</div>',
  '{{',
  '${',
  '%',
  '](',
  '“',
  '```\n',
  '~~~',
  '|',
  '|\n',
  '- ',
  '\n',
  ' ',
  '\t\n',
  'a',
  '中',
  '\uD800',
  'http://',
  'x=1;\n',
  '{"a\n\n',
  '["\n\n',
  '<div>\n\n',
  '-----BEGIN X-----\n',
  'JSON records as CSV, 9 rows:\n"\n',
  '---\n',
  '1. ',
  'ERROR: a\n',
];
test.each(HOSTILE)('a long run of %j comes to its end', (unit) => {
  const text = unit.repeat(Math.ceil(250_000 / unit.length));
  expect(segmentText(text).at(-1)?.end).toBe(text.length);
});

test.each(['[', '[ ', '[1,'])('%j in as many levels as fit, closed again, comes to its end', (opening) => {
  const levels = 100_000;
  const text = `${opening.repeat(levels)}1${']'.repeat(levels)}`;
  expect(segmentText(text).at(-1)?.end).toBe(text.length);
});

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
