import Anthropic from '@anthropic-ai/sdk';
import { describe, expect, test } from 'vitest';
import { type ClientPair, type Place, startClientPair } from '../support/client-stack.ts';
import { costOf, FACES } from '../support/gateway-stack.ts';
import { WEATHER } from '../support/simulated-clients.ts';

const QUESTION = {
  model: 'claude-haiku-4-5',
  max_tokens: 300,
  messages: [{ role: 'user' as const, content: 'What is a farthing?' }],
};
const LONG = {
  ...QUESTION,
  max_tokens: 2000,
  messages: [{ role: 'user' as const, content: 'Explain money in great detail, at length.' }],
};
const TOOLS = [{ name: 'weather', description: 'Tells the weather', input_schema: WEATHER }];

function anthropicClient(place: Place): Anthropic {
  return new Anthropic({ apiKey: place.apiKey, baseURL: place.anthropicBaseUrl, fetch: place.fetch, maxRetries: 0 });
}

describe.each(FACES)('@anthropic-ai/sdk through %s', (_name, startFace) => {
  const start = (options = {}): Promise<ClientPair<Anthropic>> => startClientPair(startFace, anthropicClient, options);

  test('whole and streamed answers are those of the provider and cost what its invoice says', async () => {
    const { client, direct, face, upstream } = await start();
    const whole = await client.messages.create(QUESTION);
    const without = await direct.messages.create(QUESTION);
    expect([whole.content, whole.usage, whole.stop_reason]).toEqual([
      without.content,
      without.usage,
      without.stop_reason,
    ]);
    const streamed = await client.messages.stream(QUESTION).finalMessage();
    expect(streamed.content).toEqual((await direct.messages.stream(QUESTION).finalMessage()).content);
    const records = await face.records(2);
    expect(costOf(records)).toBe(upstream.invoice().totalNanoUsd);
    expect(records.every(({ isEstimate }) => !isEstimate)).toBe(true);
  });

  test('tools are called with arguments that fit, whole and streamed', async () => {
    const { client, face, upstream } = await start();
    const request = { ...QUESTION, tools: TOOLS, tool_choice: { type: 'any' as const } };
    for (const message of [
      await client.messages.create(request),
      await client.messages.stream(request).finalMessage(),
    ]) {
      const call = message.content.find((block) => block.type === 'tool_use');
      expect(call).toMatchObject({ name: 'weather', input: { city: expect.any(String) } });
      expect(message.stop_reason).toBe('tool_use');
    }
    expect(costOf(await face.records(2))).toBe(upstream.invoice().totalNanoUsd);
  });

  test('a cached prompt is priced by its own buckets: written once, then read', async () => {
    const { client, face, upstream } = await start();
    const system = [
      { type: 'text' as const, text: 'word '.repeat(6000), cache_control: { type: 'ephemeral' as const } },
    ];
    const first = await client.messages.create({ ...QUESTION, system });
    const second = await client.messages.create({ ...QUESTION, system });
    expect(first.usage.cache_creation_input_tokens).toBeGreaterThan(1000);
    expect(second.usage.cache_read_input_tokens).toBe(first.usage.cache_creation_input_tokens);
    const records = await face.records(2);
    expect(records.map(({ usage }) => [usage.cacheWrite5m > 0, usage.cacheRead > 0])).toEqual([
      [true, false],
      [false, true],
    ]);
    expect(costOf(records)).toBe(upstream.invoice().totalNanoUsd);
  });

  test('tokens are counted for nothing', async () => {
    const { client, direct, face } = await start();
    const { max_tokens: _limit, ...request } = QUESTION;
    expect(await client.messages.countTokens(request)).toEqual(await direct.messages.countTokens(request));
    expect(costOf(await face.records(1))).toBe(0n);
  });

  test('errors are those of the provider: its class, its words, its headers; they cost nothing', async () => {
    const { client, direct, face, upstream } = await start();
    const wrong = { ...QUESTION, model: 'claude-no-such-model' };
    const [through, without] = [await errorOf(client, wrong), await errorOf(direct, wrong)];
    expect([through.status, typeOf(through)]).toEqual([404, typeOf(without)]);
    upstream.failNext({ kind: 'status', status: 429, retryAfterSeconds: 7 });
    const limited = await errorOf(client, QUESTION);
    expect(limited).toBeInstanceOf(Anthropic.RateLimitError);
    expect(limited.headers?.get('retry-after')).toBe('7');
    upstream.failNext({ kind: 'status', status: 529 });
    const overloaded = await errorOf(client, QUESTION);
    expect([overloaded.status, typeOf(overloaded)]).toEqual([529, 'overloaded_error']);
    expect(costOf(await face.records(3))).toBe(0n);
  });

  test('an error inside a stream reaches the client as one', async () => {
    const { client, upstream, face } = await start();
    for (const fault of ['in-band-error', 'cut'] as const) {
      upstream.failNext({ kind: fault, afterFrames: 4 });
      await expect(client.messages.stream(LONG).finalMessage()).rejects.toBeInstanceOf(Anthropic.APIError);
    }
    expect((await face.records(2)).map(({ outcome }) => outcome)).toEqual(['provider-error', 'broken']);
  });

  test('an abort cancels the provider within a second', async () => {
    const { client, upstream, face } = await start({ latencyRatio: 1 });
    const whole = new AbortController();
    const waiting = client.messages.create(LONG, { signal: whole.signal });
    await expect.poll(() => upstream.counters().inFlight).toBe(1);
    whole.abort();
    await expect(waiting).rejects.toBeInstanceOf(Anthropic.APIUserAbortError);
    await expect.poll(() => upstream.counters().clientsLeft, { timeout: 1000 }).toBe(1);
    const stream = await client.messages.create({ ...LONG, stream: true });
    await stream[Symbol.asyncIterator]().next();
    stream.controller.abort();
    await expect.poll(() => upstream.counters().clientsLeft, { timeout: 1000 }).toBe(2);
    expect((await face.records(2)).map(({ outcome }) => outcome)).toEqual(['client-left', 'client-left']);
  });

  test('a repeat is served from the cache, streamed and whole', async () => {
    const { client, upstream, face } = await start({ mode: 'all' });
    const first = await client.messages.stream(QUESTION).finalMessage();
    const second = await client.messages.create(QUESTION);
    expect(second.content).toEqual(first.content);
    expect(upstream.counters().requests).toBe(1);
    const records = await face.records(2);
    expect(records.map(({ cacheStatus }) => cacheStatus)).toEqual(['miss', 'hit']);
    expect(costOf(records)).toBe(upstream.invoice().totalNanoUsd);
  });
});

type ApiError = InstanceType<typeof Anthropic.APIError>;

function typeOf(error: ApiError): unknown {
  const body: unknown = error.error;
  return (body as { readonly error?: { readonly type?: unknown } } | undefined)?.error?.type;
}

async function errorOf(client: Anthropic, request: Anthropic.MessageCreateParamsNonStreaming): Promise<ApiError> {
  try {
    await client.messages.create(request);
  } catch (error) {
    if (error instanceof Anthropic.APIError) return error;
    throw error;
  }
  throw new Error('the call did not fail');
}
