import fc from 'fast-check';
import { expect, test } from 'vitest';
import { applyEdits } from '../apply-edits.ts';
import { segmentText } from '../segment-text.ts';
import type { Transform } from '../transform.ts';
import { blankLines } from './blank-lines.ts';
import { htmlMarkdown } from './html-markdown.ts';
import { isEnglish } from './is-english.ts';
import { jsonMinify } from './json-minify.ts';
import { jsonRecords } from './json-records.ts';
import { lineBreaks } from './line-breaks.ts';
import { phrases } from './phrases.ts';
import { repeats } from './repeats.ts';
import { separators } from './separators.ts';
import { tablePadding } from './table-padding.ts';
import { trailingSpaces } from './trailing-spaces.ts';
import { zeroWidth } from './zero-width.ts';

const count = (text: string): number => text.length;

function made(transform: Transform, text: string): string {
  const tools = { count, htmlToMarkdown: (html: string): string => `MD(${html.length})` };
  return applyEdits(text, transform.apply({ text, segments: segmentText(text) }, tools));
}

const LONG = 'This paragraph is long enough that a mark which stands for it is shorter than it is itself.';
const OTHER = 'Here is a second paragraph of the same length or so, and it is not the same as the first one is.';
const CASES: readonly (readonly [rule: string, transform: Transform, before: string, after: string])[] = [
  [
    'CRLF in prose becomes LF, in a fence it stays',
    lineBreaks,
    'a\r\nb\r\n```\r\nc\r\n```\r\n',
    'a\nb\n```\r\nc\r\n```\r\n',
  ],
  ['spaces at the end of a line go, also on blank lines', trailingSpaces, 'a \nb\t \n \t\nc', 'a\nb\n\nc'],
  [
    'a Markdown line break stays within a paragraph and goes at its end',
    trailingSpaces,
    'a  \nb  \n\nc',
    'a  \nb\n\nc',
  ],
  ['spaces at the very end of a text stay', trailingSpaces, 'Answer: ', 'Answer: '],
  ['spaces in fences and inline code stay', trailingSpaces, '```\na \n```\n`b \nc`', '```\na \n```\n`b \nc`'],
  ['three blank lines become one, two stay', blankLines, 'a\n\n\n\nb\n\n\nc', 'a\n\nb\n\n\nc'],
  [
    'blank lines in code stay',
    blankLines,
    'a = f(1);\nb();\n\n\n\n\nc = 2;\nd();\n',
    'a = f(1);\nb();\n\n\n\n\nc = 2;\nd();\n',
  ],
  ['zero-width characters go in Latin text', zeroWidth, '\uFEFFco\u00ADop\u200Ber\u200Cate \u2060now', 'cooperate now'],
  [
    'joiners in emoji, Persian and Hindi stay',
    zeroWidth,
    '👩\u200D👧 می\u200Cخواهم क्\u200Dष',
    '👩\u200D👧 می\u200Cخواهم क्\u200Dष',
  ],
  ['zero-width spaces between words of Thai stay', zeroWidth, 'ภาษา\u200Bไทย', 'ภาษา\u200Bไทย'],
  ['a zero-width space between digits stays', zeroWidth, '12\u200B34', '12\u200B34'],
  [
    'JSON loses space between tokens and nothing else',
    jsonMinify,
    '{ "a" : 1.0, "b": [ 1e400, 12345678901234567890 ],\n "a": "x  \\u00e9 \\" y", "z": -0 }',
    '{"a":1.0,"b":[1e400,12345678901234567890],"a":"x  \\u00e9 \\" y","z":-0}',
  ],
  [
    'JSON in a fence is minified within its fences',
    jsonMinify,
    '```json\n{\n  "a": 1\n}\n```\n',
    '```json\n{"a":1}\n```\n',
  ],
  [
    'JSON within words is minified, what only looks like it stays',
    jsonMinify,
    'x {"a": 1} y {"b": 1,} {c: 2}',
    'x {"a":1} y {"b": 1,} {c: 2}',
  ],
  [
    'cells of tables have one space around them',
    tablePadding,
    '| a    | b\t |\n|------|:------:|\n| 1    |    |\n| `x  | y`  | z \\|  w |\n',
    '| a | b |\n|---|:---:|\n| 1 | |\n| `x  | y` | z \\|  w |\n',
  ],
  [
    'a table without outer bars keeps its form',
    tablePadding,
    'a   |  b\n-----|----\n1   |  2\n',
    'a | b\n---|---\n1 | 2\n',
  ],
  [
    'a line that is one long rule is shortened',
    separators,
    'a\n----------\n\n=== b ======\n________\n',
    'a\n---\n\n=== b ======\n___\n',
  ],
  ['a rule around a title is shortened on both sides', separators, '======== Title ========\n', '=== Title ===\n'],
  [
    'a gap to fill in and short rules stay',
    separators,
    'Name: ________\n-----\n-------- a-b\n',
    'Name: ________\n-----\n-------- a-b\n',
  ],
  [
    'a paragraph that was there before becomes a mark',
    repeats,
    `${LONG}\n\nx\n\n${LONG}\n`,
    `${LONG}\n\nx\n\n[same as "This paragraph is long enough that a mark which…" above]\n`,
  ],
  [
    'a document that was there before becomes one mark, its tags stay',
    repeats,
    `<d>\n${LONG}\n\n${OTHER}\n</d>\n<e>\n${LONG}\n\n${OTHER}\n</e>\n`,
    `<d>\n${LONG}\n\n${OTHER}\n</d>\n<e>\n[same as above, from "This paragraph is long enough that a mark which…" through "Here is a second paragraph of the same length…"]\n</e>\n`,
  ],
  [
    'paragraphs that stood apart are marked one by one',
    repeats,
    `${LONG}\n\nbetween\n\n${OTHER}\n\nx\n\n${LONG}\n\n${OTHER}\n`,
    `${LONG}\n\nbetween\n\n${OTHER}\n\nx\n\n[same as "This paragraph is long enough that a mark which…" above]\n\n[same as "Here is a second paragraph of the same length…" above]\n`,
  ],
  [
    'a paragraph whose first words open two others stays',
    repeats,
    `${LONG}\n\n${LONG} And more.\n\n${LONG}\n`,
    `${LONG}\n\n${LONG} And more.\n\n${LONG}\n`,
  ],
  [
    'a short repeat stays',
    repeats,
    'Answer: yes\n\nAnswer: yes\n\nAnswer: yes',
    'Answer: yes\n\nAnswer: yes\n\nAnswer: yes',
  ],
  [
    'HTML is converted, in a fence it stays',
    htmlMarkdown,
    '<div><p>a</p><p>b</p><br></div>\n```\n<div><p>a</p><p>b</p><br></div>\n```\n',
    'MD(31)\n```\n<div><p>a</p><p>b</p><br></div>\n```\n',
  ],
  [
    'records behind a colon get lines of their own',
    jsonRecords,
    'Data: [{"number":1,"text":"a"},{"number":2,"text":"b"},{"number":3,"text":"c"},{"number":4,"text":"d"}]\nWords',
    'Data: \nJSON records as CSV, 4 rows:\nnumber,text\n1,a\n2,b\n3,c\n4,d\n\nWords',
  ],
  [
    'records in a fence lose it, the legend takes its place',
    jsonRecords,
    '```json\n[{"number":1,"text":"a"},{"number":2,"text":"b"},{"number":3,"text":"c"},{"number":4,"text":"d"}]\n```\n',
    'JSON records as CSV, 4 rows:\nnumber,text\n1,a\n2,b\n3,c\n4,d\n',
  ],
  [
    'records within a sentence stay',
    jsonRecords,
    'Take [{"number":1},{"number":2},{"number":3},{"number":4},{"number":5},{"number":6}] as it is',
    'Take [{"number":1},{"number":2},{"number":3},{"number":4},{"number":5},{"number":6}] as it is',
  ],
  ['records that would hardly be shorter stay', jsonRecords, '[{"a":1},{"a":2}]', '[{"a":1},{"a":2}]'],
  [
    'set phrases and politeness go in English prose',
    phrases,
    'Please read the text in order to answer. In the event that it is unclear, say so, please.\n- Please note that it has a limit.\n',
    'Read the text to answer. If it is unclear, say so.\n- It has a limit.\n',
  ],
  [
    'a phrase in a quotation or in code stays',
    phrases,
    'It is the "in order to" of the text and `prior to` is not.\n',
    'It is the "in order to" of the text and `prior to` is not.\n',
  ],
  [
    '`please` as a verb stays',
    phrases,
    'Please the customer, and you have won. It is as in the book.\n',
    'Please the customer, and you have won. It is as in the book.\n',
  ],
  [
    'another language stays',
    phrases,
    'Prior to ist hier nur ein Wort, und der Rest ist deutsch, in order to und so weiter.\n',
    'Prior to ist hier nur ein Wort, und der Rest ist deutsch, in order to und so weiter.\n',
  ],
];
test.each(CASES)('%s', (_, transform, before, after) => {
  expect(made(transform, before)).toBe(after);
});

test('minified JSON is the same data, member by member', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 3 }), fc.constantFrom(0, 1, 2, '\t'), (json, indent) => {
      const printed = JSON.stringify(JSON.parse(json), undefined, indent);
      const text = made(jsonMinify, `{"wrapped": ${printed}}`);
      expect(text).toBe(`{"wrapped":${JSON.stringify(JSON.parse(json))}}`);
    }),
    { numRuns: 200 },
  );
});

test.each([
  ['The answer is in the text that you have been given, and it is not long.', true],
  ['Die Antwort steht in dem Text, der dir gegeben wurde, und sie ist nicht lang.', false],
  ['La réponse est dans le texte qui vous a été donné, et elle est courte.', false],
  ['答案在文本中。', false],
  ['Yes.', false],
])('%j is English: %s', (paragraph, expected) => {
  expect(isEnglish(paragraph)).toBe(expected);
});
