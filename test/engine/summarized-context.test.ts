import { describe, expect, test } from 'vitest';
import { PromptOptimizer, type PromptOptimizerOptions } from '../../src/client/prompt-optimizer.ts';
import { ResponseCache } from '../../src/client/response-cache.ts';
import { formatUsd } from '../../src/core/money.ts';
import { type LibraryStack, startLibraryStack } from '../support/library-stack.ts';

const CHEAP = 'gpt-5.6-luna';
const KEYS = { openai: 'test', anthropic: 'test', house: 'test' };
const LONG = Array.from(
  { length: 80 },
  (_, index) => `Harbour ${index} of Bristol took in ${index * 7} ships of wool.`,
);
const TEXT = LONG.join(' ');
const OPTIONS = { model: CHEAP, expectedReuses: 20, maxTokens: 400 };

function conversation(): { role: string; content: string }[] {
  const turns = Array.from({ length: 5 }, (_, turn) => [
    { role: 'user', content: `Question ${turn}: which harbour took in wool?` },
    { role: 'assistant', content: LONG.slice(turn * 16, turn * 16 + 16).join(' ') },
  ]);
  return [{ role: 'system', content: 'You are a clerk.' }, ...turns.flat()];
}

async function startOptimizer(
  options: Partial<PromptOptimizerOptions> = {},
): Promise<LibraryStack & { readonly optimizer: PromptOptimizer }> {
  const stack = await startLibraryStack({ apiKeys: KEYS });
  return { ...stack, optimizer: new PromptOptimizer({ model: 'gpt-5.5', farthing: stack.farthing, ...options }) };
}

describe('a summary that pays', () => {
  test('stands in place of the text, costs what the ledger says, and is a call with a tag of its own', async () => {
    const { optimizer, upstream, farthing, last } = await startOptimizer();
    const result = await optimizer.summarizeContext(TEXT, { ...OPTIONS, tags: { user: 'ada' } });
    expect(result).toMatchObject({ kind: 'summary', reason: undefined, fromCache: false, callId: last().callId });
    expect(result.estimate?.isWorth).toBe(true);
    expect(result.tokensAfter).toBe((await optimizer.countTokens(result.prompt)).tokens);
    expect(result.tokensAfter).toBeLessThan(result.tokensBefore);
    expect(result.costUsd).toBe(formatUsd(last().costNanoUsd ?? 0n));
    expect(last().tags).toEqual({ user: 'ada', 'side-call': 'summary' });
    const [row] = await farthing.report('tag:side-call');
    expect(row).toMatchObject({ group: 'summary', calls: 1, costNanoUsd: upstream.invoice().totalNanoUsd });
    // What the simulated model says has nothing to do with the text.
    expect(result.lost.names).toContain('Bristol');
    expect(result.lost.numbers).toContain('14');
  });

  test('is made once for the same content', async () => {
    const { optimizer, upstream } = await startOptimizer();
    const first = await optimizer.summarizeContext(TEXT, OPTIONS);
    const second = await optimizer.summarizeContext(TEXT, OPTIONS);
    expect(second).toMatchObject({ kind: 'summary', fromCache: true, costUsd: undefined, prompt: first.prompt });
    await optimizer.summarizeContext(TEXT, { ...OPTIONS, maxTokens: 300 });
    expect(upstream.counters().requests).toBe(2);
  });

  test('is shared by optimizers over one cache', async () => {
    const summaries = new ResponseCache<string>({ scope: 'tests', ttlMs: 60_000 });
    const { optimizer, farthing, upstream } = await startOptimizer({ summaries });
    const first = await optimizer.summarizeContext(TEXT, OPTIONS);
    const other = new PromptOptimizer({ model: 'claude-sonnet-5', farthing, summaries });
    expect((await other.summarizeContext(TEXT, OPTIONS)).prompt).toBe(first.prompt);
    expect(upstream.counters().requests).toBe(1);
  });

  test('of a conversation stands behind the first words of the user; system and last turns stay', async () => {
    const { optimizer } = await startOptimizer();
    const messages = conversation();
    const { prompt, kind, diff } = await optimizer.summarizeContext(messages, OPTIONS);
    expect(kind).toBe('summary');
    expect(prompt).toHaveLength(6);
    expect(prompt[0]).toEqual(messages[0]);
    expect(prompt[1]?.content).toContain(
      'Question 0: which harbour took in wool?\n\n[Summary of the conversation up to here:\n',
    );
    expect(prompt.slice(2)).toEqual(messages.slice(7));
    expect(diff().map(({ at }) => at)).toEqual([
      'messages[1].content',
      ...[2, 3, 4, 5, 6].map((at) => `messages[${at}]`),
    ]);
  });

  test('is asked of Anthropic in its own protocol', async () => {
    const { optimizer, last } = await startOptimizer();
    const result = await optimizer.summarizeContext(TEXT, { ...OPTIONS, model: 'claude-haiku-4-5', maxTokens: 600 });
    expect(result).toMatchObject({ kind: 'summary', callId: last().callId });
    expect(last().endpoint).toBe('messages');
  });
});

describe('nothing is asked', () => {
  test('where it would cost more than it saves', async () => {
    const { optimizer, upstream } = await startOptimizer();
    const result = await optimizer.summarizeContext(TEXT, { ...OPTIONS, model: 'gpt-5.5', expectedReuses: 1 });
    expect(result).toMatchObject({ kind: 'kept', reason: 'not-worth', prompt: TEXT, costUsd: undefined });
    expect(result.estimate?.netUsd).toBeLessThan(0);
    expect(upstream.counters().requests).toBe(0);
  });

  test('where the prompt is cached and what is behind would have to be written again', async () => {
    const { optimizer } = await startOptimizer();
    const options = { ...OPTIONS, expectedReuses: 1, maxTokens: 100 };
    const plain = await optimizer.summarizeContext(conversation(), options);
    const cached = await optimizer.summarizeContext([...conversation(), ...conversation().slice(1)], {
      ...options,
      keepLastTurns: 6,
      isCached: true,
    });
    expect(plain.estimate?.isWorth).toBe(true);
    expect(cached).toMatchObject({ kind: 'kept', reason: 'not-worth' });
  });

  test('where a model has no price, unless one is given', async () => {
    const { optimizer, farthing } = await startOptimizer();
    const house = { ...OPTIONS, model: 'house/gpt-5.6-luna' };
    expect(await optimizer.summarizeContext(TEXT, house)).toMatchObject({ kind: 'kept', reason: 'unpriced' });
    const prices = { 'house/gpt-5.6-luna': { input: '0.2', output: '1.2' } };
    const priced = new PromptOptimizer({ model: 'gpt-5.5', farthing, prices });
    expect(await priced.summarizeContext(TEXT, house)).toMatchObject({ kind: 'summary' });
  });

  test('where there is nothing old to sum up', async () => {
    const { optimizer } = await startOptimizer();
    for (const input of ['', conversation().slice(0, 5)]) {
      // oxlint-disable-next-line no-await-in-loop
      expect(await optimizer.summarizeContext(input, OPTIONS)).toMatchObject({
        kind: 'kept',
        reason: 'nothing-to-sum-up',
        prompt: input,
      });
    }
  });
});

describe('an extract stands in', () => {
  test('where the provider fails, and the failure is not kept', async () => {
    const { optimizer, upstream } = await startOptimizer();
    upstream.failNext({ kind: 'status', status: 500 });
    const result = await optimizer.summarizeContext(`Which harbour took in 553 ships?\n\n${TEXT}\n\nEnd.`, OPTIONS);
    expect(result).toMatchObject({ kind: 'extracted', reason: 'provider-failed', costUsd: undefined });
    expect(result.estimate?.isWorth).toBe(true);
    expect(result.prompt).toContain('Harbour 79 of Bristol took in 553 ships of wool.');
    expect(result.tokensAfter).toBeLessThanOrEqual(OPTIONS.maxTokens);
    expect(result.lost.numbers).not.toContain('553');
    const again = await optimizer.summarizeContext(`Which harbour took in 553 ships?\n\n${TEXT}\n\nEnd.`, OPTIONS);
    expect(again.kind).toBe('summary');
  });

  test('where a budget refuses the call', async () => {
    const stack = await startLibraryStack({
      apiKeys: KEYS,
      budgets: [{ name: 'none', limitUsd: '0.000001', window: 'day' }],
    });
    const optimizer = new PromptOptimizer({ model: 'gpt-5.5', farthing: stack.farthing });
    const result = await optimizer.summarizeContext(conversation(), OPTIONS);
    expect(result).toMatchObject({ kind: 'extracted', reason: 'budget-spent' });
    expect(result.prompt).toHaveLength(6);
    expect(stack.upstream.counters().requests).toBe(0);
  });

  test('where the answer was cut off, which was paid for all the same', async () => {
    const { optimizer } = await startOptimizer();
    const result = await optimizer.summarizeContext(TEXT, { ...OPTIONS, model: 'claude-haiku-4-5', maxTokens: 20 });
    expect(result).toMatchObject({ kind: 'extracted', reason: 'cut-off' });
    expect(Number(result.costUsd)).toBeGreaterThan(0);
  });
});

test('a caller that leaves gets no extract', async () => {
  const { optimizer } = await startOptimizer();
  const signal = AbortSignal.abort();
  await expect(optimizer.summarizeContext(TEXT, { ...OPTIONS, signal })).rejects.toThrow();
});

test('without an engine, or with options that are none, it is refused', async () => {
  const alone = new PromptOptimizer({ model: 'gpt-5.5' });
  await expect(alone.summarizeContext(TEXT, OPTIONS)).rejects.toMatchObject({ code: 'configuration' });
  const { optimizer } = await startOptimizer();
  for (const wrong of [{ model: '' }, { expectedReuses: -1 }, { maxTokens: 0 }, { keepLastTurns: Number.NaN }]) {
    // oxlint-disable-next-line no-await-in-loop
    await expect(optimizer.summarizeContext(TEXT, { ...OPTIONS, ...wrong })).rejects.toMatchObject({
      code: 'configuration',
    });
  }
});
