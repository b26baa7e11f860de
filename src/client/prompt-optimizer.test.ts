import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadTokenizer } from '../tokenizers/load-tokenizer.ts';
import { PromptOptimizer, type PromptOptimizerOptions } from './prompt-optimizer.ts';

const optimizer = new PromptOptimizer({ model: 'gpt-4o' });

const RECORDS = JSON.stringify(
  Array.from({ length: 12 }, (_, id) => ({ id, name: `user ${id}`, isActive: id % 2 === 0 })),
  undefined,
  2,
);
const WEATHER = Array.from({ length: 60 }, (_, index) =>
  index === 37
    ? 'The mint of Bristol struck the farthing in 1613.'
    : `Report ${index} tells of the weather over the sea.`,
).join(' ');

/** A conversation with tool calls; the result of each is long. */
function agentTurns(rounds: number): Record<string, unknown>[] {
  return Array.from({ length: rounds }, (_, round) => [
    { role: 'user', content: `Question ${round}: what about harbour ${round}?` },
    {
      role: 'assistant',
      content: null,
      tool_calls: [
        { id: `call_${round}`, type: 'function', function: { name: 'look', arguments: `{"harbour":${round}}` } },
      ],
    },
    { role: 'tool', tool_call_id: `call_${round}`, content: `Harbour ${round}. ${WEATHER}` },
    { role: 'assistant', content: `Answer ${round}: it is open.` },
  ]).flat();
}

const SYSTEM = { role: 'system', content: 'You are a harbour master.' };

describe('countTokens', () => {
  test('a text is counted as it stands, by the vocabulary of its model', async () => {
    const tokenizer = await loadTokenizer('o200k_base');
    expect(await optimizer.countTokens(WEATHER)).toEqual({
      tokens: tokenizer.count(WEATHER),
      isExact: true,
      isPartial: false,
    });
  });

  test('messages, and a request with them, are counted as they are billed', async () => {
    const messages = [{ role: 'user', content: 'What is the capital of France?' }];
    expect(await optimizer.countTokens(messages)).toMatchObject({ tokens: 14, isExact: true });
    expect(await optimizer.countTokens({ model: 'gpt-4o', messages })).toMatchObject({ tokens: 14, isExact: true });
    expect(await optimizer.countTokens({ model: 'gpt-4o', input: messages })).toMatchObject({ tokens: 14 });
  });

  test('without a public vocabulary a count is an estimate, with the error to expect', async () => {
    const count = await optimizer.countTokens(WEATHER, { model: 'claude-sonnet-5' });
    expect(count.isExact).toBe(false);
    expect(count.expectedErrorRatio).toBeGreaterThan(0);
    expect(count.tokens).toBeGreaterThan((await optimizer.countTokens(WEATHER)).tokens);
  });

  test('a request is counted for the model that it names, unless another one is asked for', async () => {
    const request = {
      model: 'claude-sonnet-5',
      max_tokens: 9,
      system: 'Be brief.',
      messages: [{ role: 'user', content: 'Hi' }],
    };
    expect((await optimizer.countTokens(request)).isExact).toBe(false);
    expect((await optimizer.countTokens(request)).tokens).toBe(
      (await optimizer.countTokens(request, { model: 'claude-sonnet-5' })).tokens,
    );
  });

  test('half of a surrogate pair counts as what is sent for it', async () => {
    expect(await optimizer.countTokens([{ role: 'user', content: 'a\ud800b' }])).toEqual(
      await optimizer.countTokens([{ role: 'user', content: 'a\ufffdb' }]),
    );
  });

  test.each([[5], [undefined], [{ any: 'thing' }], [[5]], [[]]])('what is no prompt is refused: %j', async (input) => {
    await expect(optimizer.countTokens(input as object)).rejects.toMatchObject({ code: 'invalid-request' });
  });
});

describe('truncateToTokens', () => {
  test('a text fits, and says what went', async () => {
    const { prompt, tokensBefore, tokensAfter, fits, diff } = await optimizer.truncateToTokens(WEATHER, 100);
    expect(fits).toBe(true);
    expect(tokensAfter).toBe((await optimizer.countTokens(prompt)).tokens);
    expect(tokensAfter).toBeLessThanOrEqual(100);
    expect(tokensBefore).toBe((await optimizer.countTokens(WEATHER)).tokens);
    const parts = diff()[0]?.parts ?? [];
    expect(
      parts
        .filter(({ kind }) => kind !== 'added')
        .map(({ text }) => text)
        .join(''),
    ).toBe(WEATHER);
    expect(
      parts
        .filter(({ kind }) => kind !== 'removed')
        .map(({ text }) => text)
        .join(''),
    ).toBe(prompt);
  });

  test('the part that a question is about is kept', async () => {
    const query = 'Which mint struck the farthing?';
    const { prompt } = await optimizer.truncateToTokens(WEATHER, 60, { keep: 'relevant', query });
    expect(prompt).toContain('The mint of Bristol');
  });

  test.each([['gpt-4o'], ['claude-sonnet-5']])(
    'messages fit as %s counts them, with system, first and last turn, and no call without its result',
    async (model) => {
      const messages: Record<string, unknown>[] = [SYSTEM, ...agentTurns(8)];
      const { prompt, tokensAfter, fits, steps } = await optimizer.truncateToTokens(messages, 1500, { model });
      expect(fits).toBe(true);
      expect(tokensAfter).toBe((await optimizer.countTokens(prompt, { model })).tokens);
      expect(tokensAfter).toBeLessThanOrEqual(1500);
      expect(prompt[0]).toEqual(SYSTEM);
      expect(prompt).toContainEqual(messages[1]);
      expect(prompt.at(-1)).toEqual(messages.at(-1));
      const called = prompt.flatMap(({ tool_calls: calls }) => ((calls ?? []) as { id: string }[]).map(({ id }) => id));
      expect(prompt.flatMap((message) => ('tool_call_id' in message ? [message['tool_call_id']] : []))).toEqual(called);
      expect(steps.every(({ at }) => at.startsWith('messages['))).toBe(true);
    },
  );

  test('what must stay and does not fit is said', async () => {
    const { fits, tokensAfter } = await optimizer.truncateToTokens([SYSTEM, ...agentTurns(1)], 5);
    expect(fits).toBe(false);
    expect(tokensAfter).toBeGreaterThan(5);
  });

  test('what fits comes back equal', async () => {
    const messages = agentTurns(1);
    expect(await optimizer.truncateToTokens(messages, 10_000)).toMatchObject({
      prompt: messages,
      steps: [],
      fits: true,
    });
  });

  test('a limit that is none is refused', async () => {
    for (const limit of [0, -1, Number.NaN, Infinity]) {
      await expect(optimizer.truncateToTokens('text', limit)).rejects.toMatchObject({ code: 'configuration' });
    }
  });
});

describe('compressPrompt', () => {
  test('a text is compressed at its level; the steps say what went and sum up to what was saved', async () => {
    const text = `The users:\n\n${RECORDS}\n`;
    const lossless = await optimizer.compressPrompt(text);
    const structural = await optimizer.compressPrompt(text, { level: 'structural' });
    expect(lossless.prompt).toBe(`The users:\n\n${JSON.stringify(JSON.parse(RECORDS))}\n`);
    expect(structural.tokensAfter).toBeLessThan(lossless.tokensAfter);
    for (const { prompt, tokensBefore, tokensAfter, steps, isExact } of [lossless, structural]) {
      expect(isExact).toBe(true);
      expect(tokensAfter).toBe((await optimizer.countTokens(prompt)).tokens);
      expect(steps.reduce((sum, { savedTokens }) => sum + savedTokens, 0)).toBe(tokensBefore - tokensAfter);
    }
    expect(lossless.steps[0]).toMatchObject({ at: '', transform: 'json-minify@1' });
  });

  test('of messages the results of tools and the words of users change, all else is as it was', async () => {
    const messages = agentTurns(1).with(2, { role: 'tool', tool_call_id: 'call_0', content: RECORDS });
    const { prompt, steps, diff, tokensAfter, tokensBefore } = await optimizer.compressPrompt(messages);
    expect(prompt).toEqual(messages.with(2, { ...messages[2], content: JSON.stringify(JSON.parse(RECORDS)) }));
    expect(steps.map(({ at }) => at)).toEqual(['messages[2].content']);
    expect(diff().map(({ at }) => at)).toEqual(['messages[2].content']);
    expect(tokensAfter).toBe((await optimizer.countTokens(prompt)).tokens);
    expect(tokensAfter).toBeLessThan(tokensBefore);
  });

  test('a request comes back as a request, of any protocol', async () => {
    const input = [{ type: 'function_call_output', call_id: 'c', output: RECORDS }];
    const items = await optimizer.compressPrompt({ model: 'gpt-4o', input, store: false });
    expect(items.prompt.input[0]?.output).toBe(JSON.stringify(JSON.parse(RECORDS)));
    expect(items.prompt.store).toBe(false);
    const content = [{ type: 'tool_result', tool_use_id: 't', content: RECORDS }];
    const blocks = await optimizer.compressPrompt([{ role: 'user', content }], { model: 'claude-sonnet-5' });
    expect(blocks.prompt[0]?.content[0]?.content).toBe(JSON.stringify(JSON.parse(RECORDS)));
  });

  test('level extractive goes by the question of the user before a tool’s result', async () => {
    const messages = [{ role: 'user', content: 'Which mint struck the farthing?' }, ...agentTurns(1).slice(1, 3)];
    const { prompt, tokensBefore, tokensAfter } = await optimizer.compressPrompt(messages, {
      level: 'extractive',
      keepRatio: 0.3,
    });
    expect(prompt[2]?.['content']).toContain('The mint of Bristol');
    expect(tokensAfter).toBeLessThan(0.4 * tokensBefore);
    expect(prompt.slice(0, 2)).toEqual(messages.slice(0, 2));
  });

  test('level extractive brings a whole conversation to a budget of tokens', async () => {
    const messages = agentTurns(3);
    const { prompt, tokensAfter } = await optimizer.compressPrompt(messages, {
      level: 'extractive',
      budgetTokens: 900,
    });
    expect(tokensAfter).toBeLessThanOrEqual(900);
    expect(tokensAfter).toBeGreaterThan(500);
    expect(prompt).toHaveLength(messages.length);
  });

  test('level extractive without a question leaves nothing out, and says why', async () => {
    const { prompt, skipped, steps } = await optimizer.compressPrompt(WEATHER, { level: 'extractive' });
    expect({ prompt, skipped, steps }).toEqual({
      prompt: WEATHER,
      skipped: [{ at: '', reason: 'no-question' }],
      steps: [],
    });
    const small = await optimizer.compressPrompt(agentTurns(3), { level: 'extractive', budgetTokens: 10 });
    expect(small.skipped).toContainEqual({ at: 'messages[2].content', reason: 'budget-too-small' });
  });

  test('HTML becomes Markdown from level structural on', async () => {
    const html = `<html><body><nav>Menu</nav><h1>Coins</h1><p>The <b>farthing</b> is a <a href="/coin">coin</a>.</p></body></html>`;
    const { prompt } = await optimizer.compressPrompt(html, { level: 'structural' });
    expect(prompt).toBe('# Coins\n\nThe **farthing** is a [coin](/coin).');
  });

  test('never longer, never another shape, and the result gives itself', async () => {
    const text = fc.string({
      unit: fc.constantFrom('{', '}', '"a":1,', '\n', ' ', 'Please note that ', 'word. ', '\u{200B}'),
    });
    await fc.assert(
      fc.asyncProperty(text, fc.constantFrom('lossless', 'structural', 'light'), async (content, level) => {
        const messages = [{ role: 'user', content: `${content}${content}${content}${'.'.repeat(200)}` }];
        const once = await optimizer.compressPrompt(messages, { level });
        expect(once.tokensAfter).toBeLessThanOrEqual(once.tokensBefore);
        expect(once.prompt).toHaveLength(1);
        expect((await optimizer.compressPrompt(once.prompt, { level })).prompt).toEqual(once.prompt);
      }),
      { numRuns: 30 },
    );
  });

  test('options that do not go together are refused', async () => {
    const refused = [
      { level: 'much' },
      { level: 'light', query: 'what?' },
      { level: 'lossless', keepRatio: 0.5 },
      { level: 'extractive', keepRatio: 1 },
      { level: 'extractive', budgetTokens: 0 },
      { level: 'extractive', keepRatio: 0.5, budgetTokens: 10 },
    ];
    for (const options of refused) {
      await expect(optimizer.compressPrompt('text', options as never)).rejects.toMatchObject({ code: 'configuration' });
    }
  });
});

describe('optimizeSystemPrompt', () => {
  test('what is said twice goes, what contradicts itself is reported and stays', async () => {
    const prompt = 'Always answer in English.\nBe brief.\nAlways answer in English.\nNever answer in English.\n';
    const { text, contradictions, tokensBefore, tokensAfter, isExact, steps } =
      await optimizer.optimizeSystemPrompt(prompt);
    expect(text.match(/Always answer in English/g)).toHaveLength(1);
    expect(text).toContain('Never answer in English.');
    expect(contradictions.map(({ kind }) => kind)).toContain('polarity');
    expect(tokensAfter).toBe((await optimizer.countTokens(text)).tokens);
    expect(tokensAfter).toBeLessThan(tokensBefore);
    expect(isExact).toBe(true);
    expect(steps.flatMap(({ changes }) => changes.map(({ removed }) => removed)).join('')).toContain('Always answer');
  });
});

test('a mistake in the options throws when the optimizer is made', () => {
  const refused = [{ model: '' }, { model: 5 }, { model: 'gpt-5', prices: { 'openai/gpt-5': { input: 'dear' } } }];
  for (const options of refused) {
    expect(() => new PromptOptimizer(options as PromptOptimizerOptions)).toThrow(
      expect.objectContaining({ code: 'configuration' }),
    );
  }
});
