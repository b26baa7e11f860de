import * as fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { agrees } from '../../src/core/verify/agrees.ts';
import type { AnswerForm } from '../../src/core/verify/answer-check.ts';
import type { AnswerTerms, AnswerView } from '../../src/core/verify/answer-view.ts';
import { normalisedAnswer } from '../../src/core/verify/normalised-answer.ts';
import { hasData, sharedData } from '../support/shared-data.ts';

const TERMS: AnswerTerms = { tools: [], uncheckedTools: [], mustCallTool: false, wantsJson: false, schema: undefined };
const FORMS: readonly AnswerForm[] = ['auto', 'text', 'number', 'choice', 'json'];

function saying(text: string): AnswerView {
  return { text, toolCalls: [], finish: 'complete' };
}

function agree(left: string, right: string, form: AnswerForm = 'auto', terms: AnswerTerms = TERMS): boolean {
  return agrees(saying(left), saying(right), form, terms);
}

describe('answers that say the same agree', () => {
  test.each([
    ['42', '42.0'],
    ['1,234', '1234.0'],
    ['$1,234', '1234'],
    ['1.234e3', '1,234'],
    ['50%', '50 %'],
    ['-0', '0'],
    ['.5', '0.50'],
    ['It is 6 * 7.\n#### 42', 'So the answer is 42.'],
    ['We get \\boxed{42}', 'Final answer: **42**'],
    ['**Answer:** 42', 'Answer: $42$'],
    ['The final answer is:\n\n42', '42'],
    ['\\(x = \\boxed{\\text{yes}}\\)', 'The answer is yes'],
    ['B', '(B)'],
    ['The answer is B.', '**B**'],
    ['[1, 2]', '[1,2]'],
    ["{'a': True, 'b': None}", '{"b":null,"a":true}'],
    ["'a'", '"a"'],
    ["'a'", 'a'],
    ['{3, 1}', '{1, 3}'],
    ['(1, 2,)', '(1,2)'],
    ['True', 'true'],
    ['`False`', 'False'],
    ['Paris.', 'Paris'],
    ['```json\n{"a": 1}\n```', '{"a":1.0}'],
    ['{"reasoning": "First ...", "answer": "42"}', '{"reasoning": "Six times seven", "answer": 42}'],
    ['{"reasoning": "First ...", "answer": "B"}', 'B'],
    ['Here you are: {"reasoning": "...", "final_answer": [1, 2]}', '[1,2]'],
    ['{"explanation":"a","label":"spam","confidence":1}', '{"label":"spam","confidence":1.0,"explanation":"b"}'],
    ['{"a":"\\u0041\\n"}', '{"a":"A\\n"}'],
    ['12345678901234567890', '12345678901234567890.0'],
  ])('%j and %j', (left, right) => {
    expect(normalisedAnswer(saying(left), 'auto')).toBe(normalisedAnswer(saying(right), 'auto'));
    expect(agree(left, right)).toBe(true);
  });
});

describe('answers that may be right and wrong do not', () => {
  test.each([
    ['42', '43'],
    ['42', '-42'],
    ['12345678901234567890', '12345678901234567891'],
    ['0.1', '0.10000000000000001'],
    ['007', '7'],
    ["'5'", '5'],
    ['[0]', '0'],
    ['[1, 2]', '[2, 1]'],
    ['[1, 2]', '(1, 2)'],
    ["{'1': 2}", '{1: 2}'],
    ["{'a': 1}", "{'a': 1, 'b': 2}"],
    ["{'a': 1, 'a': 2}", "{'a': 2}"],
    ['mgItr', 'mgitr'],
    ['a  b', 'a b'],
    ['*******', '*'],
    ['B', 'b'],
    ['A', 'B'],
    ['', ''],
    [' ', ' '],
    ['The answer is Dr. Smith', 'The answer is Dr. Jones'],
    ['Is it 5? The answer is no', 'Is it 5? The answer is yes'],
    ['{"title":"a","explanation":"b"}', '{"title":"a","explanation":"c"}'],
    ['{"answer":"a","confidence":1}', '{"answer":"a","confidence":2}'],
  ])('%j and %j', (left, right) => {
    expect(agree(left, right)).toBe(false);
  });
});

describe('other forms', () => {
  test.each<[AnswerForm, string, string, boolean]>([
    ['text', 'Hello,  World!', 'hello, world', true],
    ['text', 'ｆｕｌｌ width', 'full Width', true],
    ['text', 'It’s “so”', 'it\'s "so"', true],
    ['text', 'a b', 'ab', false],
    ['text', '...', '...', false],
    ['number', 'There are 5 apples, so 12 in all.', 'He has 12', true],
    ['number', 'The answer is $5 of 20', '5', true],
    ['number', 'about 1,200', '1200.00', true],
    ['number', 'five', 'five', false],
    ['choice', 'B) Paris', 'The answer is (b)', true],
    ['choice', 'Option B: Paris', 'B.', true],
    ['choice', 'Positive.', 'positive', true],
    ['choice', 'A dog is an animal', 'A cat is an animal', false],
    ['json', '{"a": [1, 2.0]}', '{"a":[1,2]}', true],
    ['json', '{"reasoning":"x","answer":1}', '{"reasoning":"y","answer":1}', false],
    ['json', 'words', 'words', false],
  ])('%s: %j and %j', (form, left, right, expected) => {
    expect(agree(left, right, form)).toBe(expected);
  });

  test('where the request wants JSON, the same words that are none do not agree', () => {
    expect(agree('I do not know', 'I do not know', 'auto', { ...TERMS, wantsJson: true })).toBe(false);
    expect(agree('{"a":1}', '{"a":1}', 'auto', { ...TERMS, wantsJson: true })).toBe(true);
  });
});

describe('tool calls', () => {
  const calling = (...calls: readonly (readonly [name: string, argumentsText: string])[]): AnswerView => ({
    text: 'Let me see.',
    toolCalls: calls.map(([name, argumentsText]) => ({ name, argumentsText })),
    finish: 'tool-calls',
  });

  test('agree by tools and arguments, whatever the order and the text beside them', () => {
    const left = calling(['a', '{"x":1,"y":[true]}'], ['b', '']);
    expect(agrees(left, { ...calling(['b', '{}'], ['a', '{"y": [true], "x": 1.0}']), text: '' }, 'auto', TERMS)).toBe(
      true,
    );
    for (const other of [
      calling(['a', '{"x":1,"y":[true]}']),
      calling(['a', '{"x":1,"y":[true]}'], ['c', '']),
      calling(['a', '{"x":1,"y":[false]}'], ['b', '']),
      calling(['a', '{"x":1,"y":[true]}'], ['b', ''], ['b', '']),
      saying('Let me see.'),
    ]) {
      expect(agrees(left, other, 'auto', TERMS)).toBe(false);
    }
  });
});

const SYNTAX = ['answer is', '\\boxed{', '```', ...'[]{}()"\'\\,:1.e-$#*` \n'.split('')];

describe('for all answers', () => {
  const answerText = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.json(),
    fc.constantFrom('42', '42.0', '#### 42', 'The answer is 42.', '[1, 2]', '[1,2]', "'a'", 'a', '(B)', 'B'),
    fc.string({ unit: fc.constantFrom(...SYNTAX) }),
  );

  test('agreement is symmetric, and an answer agrees with itself unless there is nothing to compare', () => {
    fc.assert(
      fc.property(answerText, answerText, fc.constantFrom(...FORMS), (left, right, form) => {
        expect(agree(left, right, form)).toBe(agree(right, left, form));
        expect(agree(left, left, form)).toBe(normalisedAnswer(saying(left), form) !== undefined);
      }),
      { numRuns: 500 },
    );
  });

  test('JSON agrees with itself whatever its order of keys and its white space', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const text = JSON.stringify(value);
        expect(agree(text, JSON.stringify(reversedKeys(value), null, 2), 'json')).toBe(
          normalisedAnswer(saying(text), 'json') !== undefined,
        );
      }),
    );
  });

  test('numbers agree when they are the same, to the last digit', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }),
        fc.bigInt({ min: -5n, max: 5n }),
        (left, step) => {
          const grouped = left.toString().replaceAll(/\B(?=(?:\d{3})+$)/g, ',');
          expect(agree(grouped, (left + step).toString())).toBe(step === 0n);
          expect(agree(`${grouped}.00`, `${left}e0`)).toBe(true);
        },
      ),
    );
  });

  test.each([
    ['brackets', '['.repeat(500_000)],
    ['closed brackets', '['.repeat(400_000) + ']'.repeat(400_000)],
    ['braces and boxes', '\\boxed{'.repeat(100_000)],
    ['quotes', '{"'.repeat(400_000)],
    ['backslashes', `"${'\\'.repeat(900_000)}`],
    ['digits', '9'.repeat(900_000)],
    ['groups', '1,'.repeat(400_000)],
    ['markers', 'answer is '.repeat(90_000)],
    ['fences', '```\n'.repeat(200_000)],
    ['full stops', '. '.repeat(400_000)],
    ['exponents', '1e9999,'.repeat(120_000)],
    ['too much', 'x'.repeat(1_000_001)],
  ])('%s without end are compared in linear time', (_, text) => {
    // A quadratic reader would need some 10^12 steps for one of these, and the runner would end it.
    for (const form of FORMS) expect(agree(text, `${text} `, form)).toBe(agree(`${text} `, text, form));
  });
});

function reversedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversedKeys);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([name, part]) => [name, reversedKeys(part)]),
  );
}

type Outcome = readonly [isCorrect: 0 | 1, parsed: string | null];
interface Row {
  readonly gold: string;
  readonly models: Readonly<Record<string, Outcome>>;
}

const CRUX = 'zeroeval-crux.jsonl.gz';

test.skipIf(!hasData('routing', CRUX))(
  'on program output that models predict, answers agree that read differently and are the same value, and no others',
  () => {
    const rows = gunzipSync(readFileSync(sharedData('routing', CRUX) ?? ''))
      .toString()
      .trim()
      .split('\n')
      .map((line): Row => JSON.parse(line));
    const merged = new Set<string>();
    for (const { gold, models } of rows) {
      // The benchmark counts an answer as right where its text is the expected one to the letter.
      for (const [isCorrect, parsed] of Object.values(models)) {
        if (isCorrect === 0 && parsed !== null && agree(parsed, gold)) merged.add(`${parsed}\u0000${gold}`);
      }
    }
    const strange = [...merged].filter((pair) => {
      const [left = '', right = ''] = pair.split('\u0000').map(sortedLetters);
      return left !== right;
    });
    expect(merged.size).toBeGreaterThan(30);
    // Same values in brackets, escapes or digits that mean nothing (four), and a full stop that belonged to the text (two).
    expect(strange.length).toBeLessThanOrEqual(6);
  },
);

/** What stays the same in another order of keys, with other spaces, quotes, and words for true and false. */
function sortedLetters(text: string): string {
  const letters = text.toLowerCase().replaceAll(/[\s`]/g, '').replaceAll('"', "'");
  return letters.split('').toSorted().join('');
}
