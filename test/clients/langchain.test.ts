import { HumanMessage } from '@langchain/core/messages';
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { describe, expect, test } from 'vitest';
import { type ClientPair, type Place, startClientPair } from '../support/client-stack.ts';
import { costOf, FACES } from '../support/gateway-stack.ts';
import { WEATHER } from '../support/simulated-clients.ts';

const MODEL = 'gpt-5.4-mini';
const QUESTION = [new HumanMessage('What is a farthing?')];
const TOOL = { type: 'function' as const, function: { name: 'weather', parameters: WEATHER } };

function chat({ apiKey, openaiBaseUrl: baseURL, fetch }: Place): ChatOpenAI {
  return new ChatOpenAI({ model: MODEL, apiKey, maxRetries: 0, configuration: { baseURL, fetch } });
}

function embeddings({ apiKey, openaiBaseUrl: baseURL, fetch }: Place): OpenAIEmbeddings {
  const model = 'text-embedding-3-small';
  return new OpenAIEmbeddings({ model, apiKey, maxRetries: 0, configuration: { baseURL, fetch } });
}

describe.each(FACES)('@langchain/openai through %s', (_name, startFace) => {
  const start = (options = {}): Promise<ClientPair<ChatOpenAI>> => startClientPair(startFace, chat, options);

  test('answers, whole and streamed, are those of the provider and cost what its invoice says', async () => {
    const { client, direct, face, upstream } = await start();
    const whole = await client.invoke(QUESTION);
    const without = await direct.invoke(QUESTION);
    expect(whole.content).toBe(without.content);
    expect(whole.usage_metadata).toEqual(without.usage_metadata);
    let [through, text] = ['', ''];
    for await (const chunk of await client.stream(QUESTION)) through += chunk.text;
    for await (const chunk of await direct.stream(QUESTION)) text += chunk.text;
    expect(through).toBe(text);
    expect(costOf(await face.records(2))).toBe(upstream.invoice().totalNanoUsd);
  });

  test('tools are called and structured output parses', async () => {
    const { client, face, upstream } = await start();
    const called = await client.bindTools([TOOL], { tool_choice: 'required' }).invoke(QUESTION);
    expect(called.tool_calls?.[0]).toMatchObject({ name: 'weather', args: { city: expect.any(String) } });
    const structured = client.withStructuredOutput<{ city: string }>({ title: 'weather', ...WEATHER });
    expect(await structured.invoke(QUESTION)).toMatchObject({ city: expect.any(String) });
    expect(costOf(await face.records(2))).toBe(upstream.invoice().totalNanoUsd);
  });

  test('errors keep their status', async () => {
    const { client, upstream } = await start();
    for (const status of [429, 500, 400] as const) {
      upstream.failNext({ kind: 'status', status });
      await expect(client.invoke(QUESTION)).rejects.toMatchObject({ status });
    }
  });

  test('an abort cancels the provider within a second', async () => {
    const { client, upstream } = await start({ latencyRatio: 1 });
    const leave = new AbortController();
    const waiting = client.invoke([new HumanMessage('Explain money in great detail.')], { signal: leave.signal });
    const failed = expect(waiting).rejects.toThrow();
    await expect.poll(() => upstream.counters().inFlight).toBe(1);
    leave.abort();
    await failed;
    await expect.poll(() => upstream.counters().clientsLeft, { timeout: 1000 }).toBe(1);
  });

  test('embeddings are those of the provider', async () => {
    const { client, direct, face, upstream } = await startClientPair(startFace, embeddings);
    expect(await client.embedDocuments(['one', 'two'])).toEqual(await direct.embedDocuments(['one', 'two']));
    expect(costOf(await face.records(1))).toBe(upstream.invoice().totalNanoUsd);
  });
});
