import { expect, test } from 'vitest';
import { checkAnswer } from '../../src/core/verify/check-answer.ts';
import type { CheckVerdict } from '../../src/core/verify/answer-check.ts';
import { openLanguageOf } from '../../src/engine/language-of.ts';
import { replyValidator } from '../../src/engine/schema-validator.ts';
import { routeCall, userText } from '../../src/middleware/route/route-call.ts';
import { loadTokenizer } from '../../src/tokenizers/load-tokenizer.ts';
import { decodeRequest } from '../../src/wire/decode-request.ts';
import { chat } from '../support/audit-stage.ts';
import { fakeCall, NotingReceiver } from '../support/fake-call.ts';

/** Characters of which hardly any two are one token. */
function rareChinese(length: number): string {
  return Array.from({ length }, (_, at) => String.fromCharCode(0x4e00 + ((at * 7919) % 20_000))).join('');
}

const HOSTILE: readonly (readonly [name: string, text: string])[] = [
  ['openings of no element', '<'.repeat(1_000_000)],
  ['names that are almost those of elements', '<system-reminde'.repeat(66_000)],
  ['elements that are never closed', '<user_info>'.repeat(90_000)],
  ['elements without content', '<user_info></user_info>'.repeat(43_000)],
  ['rare Chinese that is counted', rareChinese(115_000)],
  ['rare Chinese that is not', rareChinese(290_000)],
  ['blanks', ' '.repeat(290_000)],
  ['one letter', 'a'.repeat(1_000_000)],
];

/** Several times what any of it takes on a slow machine, and far less than what takes the square of a text's length: no measurement. */
const STANDSTILL_MS = 400;

/** The least of three, in milliseconds of CPU: a busy machine makes none of them faster. */
function leastCpuMs(run: () => unknown): number {
  const times = Array.from({ length: 3 }, () => {
    const before = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  });
  return Math.min(...times);
}

test.each(HOSTILE)('conditions of routes do not hold others up over %s', async (_, text) => {
  const body = new TextEncoder().encode(JSON.stringify(chat('gpt-5.4', text)));
  const request = decodeRequest('chat', body);
  const options = { tokenizerOf: loadTokenizer, vendorOf: () => 'openai', languageOf: await openLanguageOf() };
  const call = { ...fakeCall('call', new NotingReceiver()), body };
  const seen = await routeCall(call, request, { provider: 'openai', model: 'gpt-5.4' }, true, options);
  expect(leastCpuMs(() => seen.language())).toBeLessThan(STANDSTILL_MS);
  expect(leastCpuMs(() => userText(request))).toBeLessThan(STANDSTILL_MS);
  expect(leastCpuMs(() => seen.inputTokens())).toBeLessThan(STANDSTILL_MS);
});

/** A schema of few lines that every object has, and that takes thousands of steps to say so. */
function doubling(levels: number): Readonly<Record<string, unknown>> {
  const next = (level: number): object => ({ $ref: `#/$defs/d${level + 1}` });
  const defs = Array.from({ length: levels }, (_, level) => [`d${level}`, { allOf: [next(level), next(level)] }]);
  return { $ref: '#/$defs/d0', $defs: Object.fromEntries([...defs, [`d${levels}`, { type: 'object' }]]) };
}

function checked(schema: unknown, answers: number): Promise<CheckVerdict> {
  const answer = { text: '{}', toolCalls: [], finish: 'complete' as const };
  const terms = { tools: [], uncheckedTools: [], mustCallTool: false, wantsJson: true, schema };
  const all = Array.from({ length: answers }, () => answer);
  return checkAnswer([{ kind: 'schema' }], all, { terms, body: {} }, { validate: replyValidator() });
}

test('many answers of one call under a hostile schema do not hold others up: what is too much work has failed', async () => {
  const hostile = doubling(13);
  expect(await checked(hostile, 1)).toEqual({ kind: 'passed' });
  const before = process.cpuUsage();
  expect(await checked(hostile, 128)).toEqual({ kind: 'failed', check: 'schema', reason: 'too-much-work' });
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1000).toBeLessThan(5 * STANDSTILL_MS);
  expect(await checked(doubling(4), 128)).toEqual({ kind: 'passed' });
});
