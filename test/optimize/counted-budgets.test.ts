import OpenAI from 'openai';
import { expect, onTestFinished, test } from 'vitest';
import { createFarthing } from '../../src/client/create-farthing.ts';
import type { CallRecord } from '../../src/core/model/charge.ts';
import { estimateInputTokens } from '../../src/core/tokens/estimate-input-tokens.ts';
import { profileOfModel } from '../../src/core/tokens/profile-of-model.ts';
import { prose } from '../../src/simulator/prose.ts';
import { seededRandom } from '../../src/simulator/seeded-random.ts';
import { loadTokenizer } from '../../src/tokenizers/load-tokenizer.ts';
import { decodeRequest } from '../../src/wire/decode-request.ts';
import { promptOf } from '../../src/wire/prompt/prompt-of.ts';
import { startRecordingUpstream } from '../support/recording-upstream.ts';

const MODEL = 'gpt-5.4-mini';
const LIMIT_NANO_USD = 12_000_000;

interface Stage {
  readonly records: readonly CallRecord[];
  /** What the provider has charged, in nano-dollars. */
  spent(): number;
  /** Sends one; false: it was refused. */
  ask(number: number): Promise<boolean>;
}

/** An upstream that bills the model's own tokens times a factor, behind a hard budget. */
async function startStage(factorOf: (call: number) => number): Promise<Stage> {
  const [upstream, tokenizer] = await Promise.all([startRecordingUpstream(), loadTokenizer('o200k_base')]);
  const profile = profileOfModel({ model: MODEL, provider: 'openai', endpoint: 'chat' });
  let spent = 0;
  let calls = 0;
  upstream.answer = ({ body }, response) => {
    const prompt = promptOf(decodeRequest('chat', body))?.prompt;
    const tokens =
      prompt === undefined ? 0 : estimateInputTokens(prompt, profile, (text) => tokenizer.count(text)).totalTokens;
    calls += 1;
    const billed = Math.round(tokens * factorOf(calls));
    spent += billed * 750 + 4500;
    const choices = [{ index: 0, message: { role: 'assistant', content: 'hi' }, finish_reason: 'stop' }];
    const usage = { prompt_tokens: billed, completion_tokens: 1, total_tokens: billed + 1 };
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ id: 'c', model: MODEL, choices, usage }));
  };
  const records: CallRecord[] = [];
  const farthing = createFarthing({
    cache: false,
    resilience: { retries: 0 },
    budgets: [{ name: 'all', limitUsd: String(LIMIT_NANO_USD / 1e9), window: 'total' }],
    providers: { openai: { protocol: 'openai', baseUrl: `${upstream.origin}/openai/v1` } },
    onCall: (record) => records.push(record),
  });
  onTestFinished(async () => {
    await farthing.close();
    await upstream.close();
  });
  const baseURL = `${upstream.origin}/openai/v1`;
  const openai = new OpenAI({ apiKey: 'test', baseURL, fetch: farthing.fetch, maxRetries: 0 });
  const ask = async (number: number): Promise<boolean> => {
    const content = `Question ${number}: ${prose(seededRandom(number), 4000)}`;
    try {
      await openai.chat.completions.create({
        model: MODEL,
        max_completion_tokens: 20,
        messages: [{ role: 'user', content }],
      });
      return true;
    } catch {
      return false;
    }
  };
  return { records, spent: () => spent, ask };
}

const wasCounted = ({ decisions }: CallRecord): boolean => decisions.some(({ verdict }) => verdict === 'counted');

test('where a provider bills what we count, a hard budget is used up nearly to its end, and never passed', async () => {
  const { records, spent, ask } = await startStage(() => 1);
  // oxlint-disable-next-line no-await-in-loop -- what was learnt holds for the next one
  for (let call = 0; call < 40; call += 1) await ask(call);
  expect(records.some(wasCounted)).toBe(true);
  expect(spent()).toBeLessThanOrEqual(LIMIT_NANO_USD);
  expect(spent()).toBeGreaterThan(LIMIT_NANO_USD * 0.85);
});

test('where it bills more than we count, money rests on bytes alone, and the budget holds', async () => {
  const { records, spent, ask } = await startStage(() => 1.5);
  // oxlint-disable-next-line no-await-in-loop
  for (let call = 0; call < 40; call += 1) await ask(call);
  expect(records.some(wasCounted)).toBe(false);
  expect(spent()).toBeLessThanOrEqual(LIMIT_NANO_USD);
});

test('where it bills more from some call on, the first such bill ends counting', async () => {
  const { records, spent, ask } = await startStage((call) => (call <= 9 ? 1 : 1.5));
  // oxlint-disable-next-line no-await-in-loop
  for (let call = 0; call < 40; call += 1) await ask(call);
  expect(records.slice(12).filter((record) => wasCounted(record) && record.status === 200)).toEqual([]);
  expect(spent()).toBeLessThanOrEqual(LIMIT_NANO_USD);
});
