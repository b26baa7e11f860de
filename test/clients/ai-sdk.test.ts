import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, embedMany, generateText, jsonSchema, type LanguageModel, Output, streamText, tool } from 'ai';
import { describe, expect, test } from 'vitest';
import { collect } from '../../src/testing/collect.ts';
import { type ClientPair, type Place, startClientPair } from '../support/client-stack.ts';
import { costOf, FACES } from '../support/gateway-stack.ts';
import { WEATHER } from '../support/simulated-clients.ts';

const PROMPT = 'What is a farthing?';

/** Every provider package of the AI SDK that speaks one of our protocols, and both OpenAI endpoints. */
const MODELS: readonly (readonly [name: string, model: (place: Place) => LanguageModel])[] = [
  ['@ai-sdk/openai chat', (place) => openai(place).chat('gpt-5.4-mini')],
  ['@ai-sdk/openai responses', (place) => openai(place).responses('gpt-5.4-mini')],
  [
    '@ai-sdk/openai-compatible',
    ({ openaiBaseUrl, apiKey, fetch }) =>
      createOpenAICompatible({
        name: 'farthing',
        baseURL: openaiBaseUrl,
        apiKey,
        fetch,
        includeUsage: true,
        supportsStructuredOutputs: true,
      })('gpt-5.4-mini'),
  ],
  [
    '@ai-sdk/anthropic',
    ({ anthropicBaseUrl, apiKey, fetch }) =>
      createAnthropic({ baseURL: `${anthropicBaseUrl}/v1`, apiKey, fetch })('claude-haiku-4-5'),
  ],
];

function openai({ openaiBaseUrl, apiKey, fetch }: Place): ReturnType<typeof createOpenAI> {
  return createOpenAI({ baseURL: openaiBaseUrl, apiKey, fetch });
}

const weather = tool({
  description: 'Tells the weather',
  inputSchema: jsonSchema<{ city: string }>(WEATHER),
  execute: ({ city }) => `sunny in ${city}`,
});

describe.each(FACES)('the AI SDK through %s', (_face, startFace) => {
  describe.each(MODELS)('%s', (_name, makeModel) => {
    const start = (options = {}): Promise<ClientPair<LanguageModel>> => startClientPair(startFace, makeModel, options);

    test('texts, whole and streamed, are those of the provider and cost what its invoice says', async () => {
      const { client, direct, face, upstream } = await start();
      const whole = await generateText({ model: client, prompt: PROMPT, maxRetries: 0 });
      const without = await generateText({ model: direct, prompt: PROMPT, maxRetries: 0 });
      expect(whole.text).toBe(without.text);
      expect(whole.usage).toEqual(without.usage);
      const streamed = streamText({ model: client, prompt: PROMPT, maxRetries: 0 });
      expect(await streamed.text).toBe(await streamText({ model: direct, prompt: PROMPT, maxRetries: 0 }).text);
      expect((await streamed.usage).outputTokens).toBeGreaterThan(0);
      expect(costOf(await face.records(2))).toBe(upstream.invoice().totalNanoUsd);
    });

    test('tools are called and objects are made', async () => {
      const { client, face, upstream } = await start();
      const called = await generateText({
        model: client,
        prompt: PROMPT,
        tools: { weather },
        toolChoice: 'required',
        maxRetries: 0,
      });
      expect(called.toolCalls[0]).toMatchObject({ toolName: 'weather', input: { city: expect.any(String) } });
      const made = await generateText({
        model: client,
        prompt: PROMPT,
        output: Output.object({ schema: jsonSchema<{ city: string }>(WEATHER) }),
        maxRetries: 0,
      });
      expect(made.output.city).toEqual(expect.any(String));
      expect(costOf(await face.records(2))).toBe(upstream.invoice().totalNanoUsd);
    });

    test('errors keep their status, and what may be retried says so', async () => {
      const { client, upstream } = await start();
      for (const [status, isRetryable] of [
        [429, true],
        [500, true],
        [400, false],
      ] as const) {
        upstream.failNext({ kind: 'status', status });
        const failed = generateText({ model: client, prompt: PROMPT, maxRetries: 0 });
        const error: unknown = await failed.then(
          () => undefined,
          (reason: unknown) => reason,
        );
        expect(APICallError.isInstance(error) && [error.statusCode, error.isRetryable]).toEqual([status, isRetryable]);
      }
    });

    test('an abort cancels the provider within a second', async () => {
      const { client, upstream } = await start({ latencyRatio: 1 });
      const leave = new AbortController();
      const { fullStream } = streamText({
        model: client,
        prompt: 'Explain money in great detail, at length.',
        abortSignal: leave.signal,
        maxRetries: 0,
        onError: () => undefined,
      });
      const reading = collect(fullStream).catch(() => undefined);
      await expect.poll(() => upstream.counters().inFlight).toBe(1);
      leave.abort();
      await expect.poll(() => upstream.counters().clientsLeft, { timeout: 1000 }).toBe(1);
      await reading;
    });
  });

  test('embeddings are those of the provider', async () => {
    const { client, direct, face, upstream } = await startClientPair(startFace, (place) =>
      openai(place).embedding('text-embedding-3-small'),
    );
    const values = ['one', 'two', 'three'];
    const through = await embedMany({ model: client, values, maxRetries: 0 });
    expect(through.embeddings).toEqual((await embedMany({ model: direct, values, maxRetries: 0 })).embeddings);
    expect(costOf(await face.records(1))).toBe(upstream.invoice().totalNanoUsd);
  });
});
