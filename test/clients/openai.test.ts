import OpenAI from 'openai';
import { describe, expect, test } from 'vitest';
import { type ClientPair, type Place, startClientPair } from '../support/client-stack.ts';
import { costOf, FACES } from '../support/gateway-stack.ts';
import { WEATHER } from '../support/simulated-clients.ts';

const MODEL = 'gpt-5.4-mini';
const QUESTION = { model: MODEL, messages: [{ role: 'user' as const, content: 'What is a farthing?' }] };
const TOOLS = [{ type: 'function' as const, function: { name: 'weather', parameters: WEATHER } }];
const LONG = {
  model: MODEL,
  messages: [{ role: 'user' as const, content: 'Explain money in great detail, at length.' }],
};
const JSON_FORMAT = {
  type: 'json_schema' as const,
  json_schema: { name: 'weather', strict: false, schema: WEATHER },
};

function openaiClient(place: Place): OpenAI {
  return new OpenAI({ apiKey: place.apiKey, baseURL: place.openaiBaseUrl, fetch: place.fetch, maxRetries: 0 });
}

async function textOf(stream: AsyncIterable<OpenAI.ChatCompletionChunk>): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
  return text;
}

describe.each(FACES)('openai through %s', (_name, startFace) => {
  const start = (options = {}): Promise<ClientPair<OpenAI>> => startClientPair(startFace, openaiClient, options);

  test('whole answers are those of the provider and cost what its invoice says', async () => {
    const { client, direct, face, upstream } = await start();
    const requests = [
      QUESTION,
      { ...QUESTION, tools: TOOLS, tool_choice: 'required' as const },
      { ...QUESTION, response_format: JSON_FORMAT },
      { ...QUESTION, n: 2 },
    ];
    for (const request of requests) {
      const through = await client.chat.completions.create(request);
      const without = await direct.chat.completions.create(request);
      expect(through.choices.map(meaning)).toEqual(without.choices.map(meaning));
      expect(through.usage).toEqual(without.usage);
    }
    const records = await face.records(requests.length);
    expect(costOf(records)).toBe(upstream.invoice().totalNanoUsd);
    expect(records.map(({ outcome }) => outcome)).toEqual(requests.map(() => 'complete'));
  });

  test('a structured answer parses, tool calls have arguments that fit', async () => {
    const { client } = await start();
    const structured = await client.chat.completions.create({ ...QUESTION, response_format: JSON_FORMAT });
    expect(JSON.parse(structured.choices[0]?.message.content ?? '')).toHaveProperty('city');
    const called = await client.chat.completions.create({ ...QUESTION, tools: TOOLS, tool_choice: 'required' });
    const call = called.choices[0]?.message.tool_calls?.[0];
    expect(call?.type === 'function' && JSON.parse(call.function.arguments)).toHaveProperty('city');
  });

  test('streams carry the same answer, with usage only for those who ask', async () => {
    const { client, direct, face, upstream } = await start();
    const through = await textOf(await client.chat.completions.create({ ...QUESTION, stream: true }));
    expect(through).toBe(await textOf(await direct.chat.completions.create({ ...QUESTION, stream: true })));
    const asked = client.chat.completions.stream({
      ...QUESTION,
      tools: TOOLS,
      stream_options: { include_usage: true },
    });
    expect((await asked.finalChatCompletion()).usage?.completion_tokens).toBeGreaterThan(0);
    const records = await face.records(2);
    expect(costOf(records)).toBe(upstream.invoice().totalNanoUsd);
    expect(records.every(({ isEstimate }) => !isEstimate)).toBe(true);
  });

  test('Responses, whole and streamed, with a tool', async () => {
    const { client, direct, face, upstream } = await start();
    const request = { model: MODEL, input: 'What is a farthing?' };
    const whole = await client.responses.create(request);
    expect(whole.output_text).toBe((await direct.responses.create(request)).output_text);
    const streamed = await client.responses.stream(request).finalResponse();
    expect(streamed.output_text).toBe((await direct.responses.stream(request).finalResponse()).output_text);
    const tools = [{ type: 'function' as const, name: 'weather', parameters: WEATHER, strict: false }];
    const called = await client.responses.create({ ...request, tools, tool_choice: 'required' });
    expect(called.output.map(({ type }) => type)).toContain('function_call');
    expect(costOf(await face.records(3))).toBe(upstream.invoice().totalNanoUsd);
  });

  test('embeddings, as floats and in base64', async () => {
    const { client, direct, face, upstream } = await start();
    const request = { model: 'text-embedding-3-small', input: ['one', 'two'] };
    const [through, floats] = [
      await client.embeddings.create(request), // the client asks for base64 by itself
      await client.embeddings.create({ ...request, encoding_format: 'float' as const }),
    ];
    const without = await direct.embeddings.create(request);
    expect(through.data).toEqual(without.data);
    expect(floats.data.map(({ index }) => index)).toEqual([0, 1]);
    expect(costOf(await face.records(2))).toBe(upstream.invoice().totalNanoUsd);
  });

  test('errors are those of the provider: its class, its words, its headers; refusals cost nothing', async () => {
    const { client, direct, face, upstream } = await start();
    const unknown = { ...QUESTION, model: 'gpt-no-such-model' };
    const [through, without] = [await errorOf(client, unknown), await errorOf(direct, unknown)];
    expect([through.status, through.code, through.message]).toEqual([without.status, without.code, without.message]);
    upstream.failNext({ kind: 'status', status: 429, retryAfterSeconds: 7 });
    const limited = await errorOf(client, QUESTION);
    expect(limited).toBeInstanceOf(OpenAI.RateLimitError);
    expect(limited.headers?.get('retry-after')).toBe('7');
    upstream.failNext({ kind: 'status', status: 500 });
    expect(await errorOf(client, QUESTION)).toBeInstanceOf(OpenAI.InternalServerError);
    upstream.failNext({ kind: 'reset' });
    expect((await errorOf(client, QUESTION)).status).toBe(502);
    const records = await face.records(4);
    expect(records.slice(0, 3).map(({ costNanoUsd }) => costNanoUsd)).toEqual([0, 0, 0]);
    // Nobody knows whether a provider bills what it never answered: charged as an estimate, and marked.
    expect(records[3]).toMatchObject({ isEstimate: true, outcome: 'broken' });
  });

  test('an error inside a stream reaches the client as one', async () => {
    const { client, upstream, face } = await start();
    for (const fault of ['in-band-error', 'cut'] as const) {
      upstream.failNext({ kind: fault, afterFrames: 3 });
      const stream = await client.chat.completions.create({ ...LONG, stream: true });
      await expect(textOf(stream)).rejects.toBeInstanceOf(OpenAI.APIError);
    }
    const records = await face.records(2);
    expect(records.map(({ outcome }) => outcome)).toEqual(['provider-error', 'broken']);
  });

  test('an abort cancels the provider within a second, whole and streamed', async () => {
    const { client, upstream, face } = await start({ latencyRatio: 1 });
    const whole = new AbortController();
    const waiting = client.chat.completions.create(LONG, { signal: whole.signal });
    await expect.poll(() => upstream.counters().inFlight).toBe(1);
    whole.abort();
    await expect(waiting).rejects.toBeInstanceOf(OpenAI.APIUserAbortError);
    await expect.poll(() => upstream.counters().clientsLeft, { timeout: 1000 }).toBe(1);
    const stream = await client.chat.completions.create({ ...LONG, stream: true });
    const read = stream[Symbol.asyncIterator]();
    await read.next();
    stream.controller.abort();
    await expect.poll(() => upstream.counters().clientsLeft, { timeout: 1000 }).toBe(2);
    const records = await face.records(2);
    expect(records.map(({ outcome }) => outcome)).toEqual(['client-left', 'client-left']);
  });

  test('a repeat is served from the cache, whole and streamed', async () => {
    const { client, upstream, face } = await start({ mode: 'all' });
    const first = await client.chat.completions.create(QUESTION);
    const repeated = await textOf(await client.chat.completions.create({ ...QUESTION, stream: true }));
    expect(repeated).toBe(first.choices[0]?.message.content);
    expect(upstream.counters().requests).toBe(1);
    const records = await face.records(2);
    expect(records.map(({ cacheStatus }) => cacheStatus)).toEqual(['miss', 'hit']);
    expect(costOf(records)).toBe(upstream.invoice().totalNanoUsd);
  });

  test('reply headers say what Farthing did', async () => {
    const { client, face } = await start();
    const { response } = await client.chat.completions.create(QUESTION).withResponse();
    const [record] = await face.records(1);
    expect(response.headers.get('x-farthing-request-id')).toBe(record?.callId);
    expect(response.headers.get('x-farthing-model')).toBe(`openai/${MODEL}`);
    expect(Number(response.headers.get('x-farthing-cost-usd')) * 1e9).toBeCloseTo(record?.costNanoUsd ?? -1, 3);
  });

  test('models are listed', async () => {
    const { client } = await start();
    const models = [];
    for await (const model of await client.models.list()) models.push(model.id);
    expect(models).toContain(MODEL);
  });
});

/** A choice without the ids that chance made. */
function meaning(choice: OpenAI.ChatCompletion.Choice): unknown {
  const calls = choice.message.tool_calls?.map((call) => ({ ...call, id: '' }));
  return { ...choice, message: { ...choice.message, tool_calls: calls } };
}

async function errorOf(
  client: OpenAI,
  request: OpenAI.ChatCompletionCreateParamsNonStreaming,
): Promise<InstanceType<typeof OpenAI.APIError>> {
  try {
    await client.chat.completions.create(request);
  } catch (error) {
    if (error instanceof OpenAI.APIError) return error;
    throw error;
  }
  throw new Error('the call did not fail');
}
