import { describe, expect, test } from 'vitest';
import type { Finish } from '../../src/core/model/reply.ts';
import type { AnswerCheck, SchemaValidator } from '../../src/core/verify/answer-check.ts';
import type { AnswerTerms, AnswerView } from '../../src/core/verify/answer-view.ts';
import { checkAnswer } from '../../src/core/verify/check-answer.ts';
import { validateBySchema } from '../../src/engine/schema-validator.ts';

const TERMS: AnswerTerms = {
  tools: [],
  uncheckedTools: ['bash'],
  mustCallTool: false,
  wantsJson: false,
  schema: undefined,
};

function saying(text: string, finish: Finish = 'complete'): AnswerView {
  return { text, toolCalls: [], finish };
}

const CALL: AnswerView = { text: '', toolCalls: [{ name: 'bash', argumentsText: '{}' }], finish: 'tool-calls' };

async function reasonOf(
  checks: readonly AnswerCheck[],
  answers: AnswerView | readonly AnswerView[],
  terms: Partial<AnswerTerms> = {},
  validate: SchemaValidator = validateBySchema,
): Promise<string | undefined> {
  const list = 'text' in answers ? [answers] : answers;
  const verdict = await checkAnswer(
    checks,
    list,
    { terms: { ...TERMS, ...terms }, body: { model: 'm' } },
    { validate },
  );
  return verdict.kind === 'passed' ? undefined : `${verdict.check}:${verdict.reason}`;
}

test.each<[Finish, string | undefined]>([
  ['complete', undefined],
  ['tool-calls', undefined],
  ['unknown', undefined],
  ['length', 'finish:length'],
  ['paused', 'finish:paused'],
  ['error', 'finish:error'],
  ['content-filter', 'finish:content-filter'],
  ['refusal', 'refusal:refused'],
])('an answer that ends with %s comes to %s', async (finish, reason) => {
  expect(await reasonOf([], saying('Four.', finish))).toBe(reason);
});

test.each(['', ' \n\t', '\u200b\ufeff', '\u2800'])('an answer of nothing one can see is empty: %j', async (text) => {
  expect(await reasonOf([], saying(text))).toBe('empty:no-text');
});

test('a tool call alone is an answer', async () => {
  expect(await reasonOf([], CALL)).toBeUndefined();
});

test('a reply without an answer fails', async () => {
  expect(await reasonOf([], [])).toBe('empty:no-answer');
});

describe('refusals', () => {
  test.each([
    "I'm sorry, but I can't assist with that request.",
    'I’m sorry, but I can’t help with that.',
    'I am sorry, I am unable to provide medical advice.',
    'Sorry, but I cannot fulfill that.',
    'I apologize, but I am not able to create that content.',
    "I can't help with that.",
    '**I cannot assist with this request.**',
    'As an AI language model, I cannot browse the internet.',
    'Unfortunately, I cannot help you with this.',
    'I must decline this request, since it is against my guidelines.',
    'Es tut mir leid, aber ich kann dabei nicht helfen.',
    'Leider kann ich diese Anfrage nicht bearbeiten.',
    'Je suis désolé, mais je ne peux pas vous aider avec cela.',
    'Lo siento, pero no puedo ayudarte con eso.',
    'Mi dispiace, ma non posso aiutarti con questa richiesta.',
    'Desculpe, mas não posso ajudar com isso.',
    '抱歉，我无法提供这方面的帮助。',
    '很抱歉，我不能协助您完成这个请求。',
    '申し訳ありませんが、そのご依頼にはお応えできません。',
  ])('%s', async (text) => {
    expect(await reasonOf([], saying(text))).toBe('refusal:worded-as-refusal');
  });

  test.each([
    'Sorry for the delay! Here is the report you asked for.',
    'I can help with that. First, open the settings.',
    "I'm sorry to hear that you feel unwell. Rest and drink plenty of water.",
    'Unfortunately, the train left at nine; the next one goes at ten.',
    'As an AI researcher you should read these papers.',
    'He said: "I cannot help you", and left.',
    'The function cannot be called without arguments.',
    'I cannot overstate how important testing is.',
    'Leider regnet es morgen.',
    'Désolé pour le retard, voici la liste.',
    '对不起 means sorry.',
    `I'm sorry, but I can't say it in one word. ${'There is much to tell. '.repeat(40)}`,
  ])('no refusal: %s', async (text) => {
    expect(await reasonOf([], saying(text))).toBeUndefined();
  });
});

describe('JSON', () => {
  const always: readonly AnswerCheck[] = [{ kind: 'json', always: true }];

  test.each([
    [' {"a": 1}\n', undefined],
    ['[1, 2]', undefined],
    ['null', undefined],
    ['```json\n{"a": 1}\n```', 'json:not-json'],
    ['Here it is: {"a": 1}', 'json:not-json'],
    ["{'a': 1}", 'json:not-json'],
    ['{"a": 1', 'json:not-json'],
    ['{"a": NaN}', 'json:not-json'],
  ])('%j comes to %s', async (text, reason) => {
    expect(await reasonOf(always, saying(text))).toBe(reason);
  });

  test('is asked for by the request, or by the check itself', async () => {
    const checks: readonly AnswerCheck[] = [{ kind: 'json', always: false }];
    expect(await reasonOf(checks, saying('words'))).toBeUndefined();
    expect(await reasonOf(checks, saying('words'), { wantsJson: true })).toBe('json:not-json');
    expect(await reasonOf(always, CALL, { wantsJson: true })).toBeUndefined();
  });

  test('a text so deep that it cannot be parsed is no JSON that is of use', async () => {
    const deep = '['.repeat(200_000);
    expect(await reasonOf(always, saying(deep))).toBe('json:not-json');
  });
});

test('the schema of the request holds for the text, not for tool calls', async () => {
  const terms = { wantsJson: true, schema: { type: 'object', required: ['a'] } };
  const checks: readonly AnswerCheck[] = [{ kind: 'schema' }];
  expect(await reasonOf(checks, saying('{"a":1}'), terms)).toBeUndefined();
  expect(await reasonOf(checks, saying('{}'), terms)).toBe('schema:missing-required');
  expect(await reasonOf(checks, saying('```json\n{"a":1}\n```'), terms)).toBe('schema:not-json');
  expect(await reasonOf(checks, saying('words'))).toBeUndefined();
  expect(await reasonOf(checks, CALL, terms)).toBeUndefined();
  expect(await reasonOf(checks, saying('{}'), { ...terms, schema: { $ref: '#/none' } })).toBeUndefined();
});

test('a pattern is looked for in the text, across its lines', async () => {
  const check = (pattern: string): readonly AnswerCheck[] => [{ kind: 'pattern', pattern }];
  expect(await reasonOf(check('^Total: \\d+$'), saying('Total: 42'))).toBeUndefined();
  expect(await reasonOf(check('begin.*end'), saying('begin\nend'))).toBeUndefined();
  expect(await reasonOf(check('^\\p{Lu}'), saying('small'))).toBe('pattern:no-match');
  expect(await reasonOf(check('('), saying('('))).toBe('pattern:unreadable-pattern');
  expect(await reasonOf(check('x'), saying('x'.repeat(100_001)))).toBe('pattern:too-long');
});

describe("a program's own test", () => {
  const asked: unknown[] = [];
  const check = (passes: (answer: AnswerView) => boolean | Promise<boolean>): readonly AnswerCheck[] => [
    { kind: 'test', name: 'own', test: (answer, request) => (asked.push(request), passes(answer)) },
  ];

  test('sees the answer and the request, and may take its time', async () => {
    expect(
      await reasonOf(
        check(({ text }) => text === 'x'),
        saying('x'),
      ),
    ).toBeUndefined();
    expect(
      await reasonOf(
        check(async () => Promise.resolve(false)),
        saying('x'),
      ),
    ).toBe('test:test-failed');
    expect(asked).toEqual([{ model: 'm' }, { model: 'm' }]);
  });

  test('has failed when it throws', async () => {
    const throwing = check(() => {
      throw new Error('the words of the answer');
    });
    expect(await reasonOf(throwing, saying('x'))).toBe('test:test-threw');
    expect(
      await reasonOf(
        check(() => Promise.reject(new Error('later'))),
        saying('x'),
      ),
    ).toBe('test:test-threw');
  });
});

test('cheap checks come first, so that the dear ones are spared', async () => {
  const calls: string[] = [];
  const own: AnswerCheck = { kind: 'test', name: 'own', test: () => calls.push('test') > 0 };
  const checks: readonly AnswerCheck[] = [own, { kind: 'json', always: true }];
  expect(await reasonOf(checks, saying('words'))).toBe('json:not-json');
  expect(await reasonOf(checks, saying('1', 'length'))).toBe('finish:length');
  expect(calls).toEqual([]);
  expect(await reasonOf(checks, saying('1'))).toBeUndefined();
  expect(calls).toEqual(['test']);
});

test('every one of several answers must pass', async () => {
  expect(await reasonOf([], [saying('a'), saying('b')])).toBeUndefined();
  expect(await reasonOf([], [saying('a'), saying(' ')])).toBe('empty:no-text');
});

test('agreement is left to whoever can ask for a second answer', async () => {
  expect(await reasonOf([{ kind: 'agree', target: undefined, form: 'auto' }], saying('a'))).toBeUndefined();
});
