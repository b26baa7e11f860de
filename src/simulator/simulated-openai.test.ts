import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  QUESTION,
  WEATHER,
  startSimulatedClients,
  type SimulatedClients,
} from '../../test/support/simulated-clients.ts';

let provider: SimulatedClients['provider'];
let openai: SimulatedClients['openai'];
let anthropic: SimulatedClients['anthropic'];

async function ask(more: { temperature?: number; seed?: number }): Promise<string | null | undefined> {
  const answer = await openai.chat.completions.create({ model: 'gpt-5.4-mini', messages: [QUESTION], ...more });
  return answer.choices[0]?.message.content;
}

beforeEach(async () => {
  ({ provider, openai, anthropic } = await startSimulatedClients());
});
afterEach(() => provider.close());

test('a whole chat answer has text and a usage that the invoice charges to the nano-dollar', async () => {
  const answer = await openai.chat.completions.create({
    model: 'gpt-5.4-mini',
    messages: [QUESTION],
    temperature: 0,
  });
  expect(answer.choices[0]?.message.content).not.toBe('');
  expect(answer.choices[0]?.finish_reason).toBe('stop');
  expect(answer.usage?.prompt_tokens).toBe(4 + 5); // role and 19 bytes
  const expected = 9n * 750n + BigInt(answer.usage?.completion_tokens ?? 0) * 4500n;
  expect(provider.invoice()).toMatchObject({ totalNanoUsd: expected, unstatedNanoUsd: 0n, requests: 1 });
});

test('a stream carries the words of the whole answer, and usage only when asked', async () => {
  const body = { model: 'gpt-5.4-mini', messages: [QUESTION], temperature: 0 };
  const whole = await openai.chat.completions.create(body);
  let text = '';
  for await (const chunk of await openai.chat.completions.create({ ...body, stream: true })) {
    expect(chunk.usage ?? null).toBeNull();
    text += chunk.choices[0]?.delta.content ?? '';
  }
  expect(text).toBe(whole.choices[0]?.message.content);
  expect(provider.invoice().unstatedRequests).toBe(1);
  const chunks = [];
  for await (const chunk of await openai.chat.completions.create({
    ...body,
    stream: true,
    stream_options: { include_usage: true },
  })) {
    chunks.push(chunk);
  }
  expect(chunks.at(-1)).toMatchObject({ choices: [], usage: whole.usage });
  expect(chunks.slice(0, -1).every((chunk) => chunk.usage === null)).toBe(true);
  expect(provider.invoice()).toMatchObject({ requests: 3, unstatedRequests: 1 });
});

test('temperature 0 and a seed repeat the answer, sampling varies it', async () => {
  expect(await ask({ temperature: 0 })).toBe(await ask({ temperature: 0 }));
  expect(await ask({ seed: 4 })).toBe(await ask({ seed: 4 }));
  expect(await ask({})).not.toBe(await ask({}));
});

test('a tool is called with arguments that fit its schema, and its result is answered in words', async () => {
  const tools = [{ type: 'function' as const, function: { name: 'weather', parameters: WEATHER } }];
  const first = await openai.chat.completions.create({ model: 'gpt-5.5', messages: [QUESTION], tools });
  const message = first.choices[0]?.message;
  const call = message?.tool_calls?.[0];
  if (message === undefined || call?.type !== 'function') throw new Error('no call');
  expect(first.choices[0]?.finish_reason).toBe('tool_calls');
  expect(JSON.parse(call.function.arguments)).toEqual({ city: expect.any(String), days: expect.any(Number) });
  expect(first.usage?.completion_tokens_details?.reasoning_tokens).toBeGreaterThan(0);
  const result = { role: 'tool' as const, tool_call_id: call.id, content: 'rain' };
  const second = await openai.chat.completions.create({
    model: 'gpt-5.5',
    messages: [QUESTION, message, result],
    tools,
  });
  expect(second.choices[0]?.finish_reason).toBe('stop');
  const streamed = openai.chat.completions.stream({
    model: 'gpt-5.4-mini',
    messages: [QUESTION],
    tools,
    temperature: 0,
  });
  const final = await streamed.finalChatCompletion();
  const streamedCall = final.choices[0]?.message.tool_calls?.[0];
  if (streamedCall?.type !== 'function') throw new Error('no call');
  expect(streamedCall.function.name).toBe('weather');
  expect(JSON.parse(streamedCall.function.arguments)).toEqual({
    city: expect.any(String),
    days: expect.any(Number),
  });
});

test('structured output fits its schema; a limit on tokens cuts with finish reason length', async () => {
  const format = { type: 'json_schema' as const, json_schema: { name: 'weather', schema: WEATHER } };
  const answer = await openai.chat.completions.create({
    model: 'gpt-5.4-mini',
    messages: [QUESTION],
    response_format: format,
  });
  expect(JSON.parse(answer.choices[0]?.message.content ?? '')).toEqual({
    city: expect.any(String),
    days: expect.any(Number),
  });
  const cut = await openai.chat.completions.create({
    model: 'gpt-5.4-mini',
    messages: [QUESTION],
    max_completion_tokens: 5,
  });
  expect(cut.choices[0]?.finish_reason).toBe('length');
  expect(cut.usage?.completion_tokens).toBeLessThanOrEqual(5);
});

test('Responses answer whole and streamed, with reasoning and tools', async () => {
  const whole = await openai.responses.create({ model: 'gpt-5.5', input: 'Where is my parcel?' });
  expect(whole.output_text).not.toBe('');
  expect(whole.output[0]?.type).toBe('reasoning');
  expect(whole.usage?.output_tokens_details.reasoning_tokens).toBeGreaterThan(0);
  const body = { model: 'gpt-5.4-mini', input: 'Where is my parcel?', temperature: 0 };
  const stream = openai.responses.stream(body);
  const final = await stream.finalResponse();
  expect(final.output_text).toBe((await openai.responses.create(body)).output_text);
  const tools = [{ type: 'function' as const, name: 'weather', parameters: WEATHER, strict: false }];
  const called = await openai.responses.stream({ ...body, tools }).finalResponse();
  expect(called.output[0]).toMatchObject({ type: 'function_call', name: 'weather', status: 'completed' });
  expect(provider.invoice()).toMatchObject({ requests: 4, unstatedRequests: 0 });
});

test('embeddings are the same for the same text, as floats and as base64, and cost input tokens', async () => {
  const one = await openai.embeddings.create({
    model: 'text-embedding-3-small',
    input: ['parcel', 'refund'],
    dimensions: 64,
  });
  const two = await openai.embeddings.create({
    model: 'text-embedding-3-small',
    input: 'refund',
    dimensions: 64,
    encoding_format: 'float',
  });
  expect(one.data[1]?.embedding).toHaveLength(64);
  for (const [index, value] of (two.data[0]?.embedding ?? []).entries())
    expect(one.data[1]?.embedding[index]).toBeCloseTo(value, 6);
  expect(one.usage).toEqual({ prompt_tokens: 4, total_tokens: 4 });
  expect(provider.invoice().totalNanoUsd).toBe(4n * 20n + 2n * 20n);
});

test('models are listed by vendor', async () => {
  const names = (await openai.models.list()).data.map((model) => model.id);
  expect(names).toContain('gpt-5.5');
  expect(names).not.toContain('claude-sonnet-5');
  expect(await openai.models.retrieve('gpt-5.5')).toMatchObject({ id: 'gpt-5.5' });
  expect((await anthropic.models.list()).data.map((model) => model.id)).toEqual([
    'claude-sonnet-5',
    'claude-haiku-4-5',
  ]);
});

test('a repeated long prompt is reported as cached and billed at the price of reading', async () => {
  const messages = [{ role: 'system' as const, content: 'rule '.repeat(1200) }, QUESTION];
  const body = { model: 'gpt-5.4-mini', messages, temperature: 0 };
  const first = await openai.chat.completions.create(body);
  const before = provider.invoice().totalNanoUsd;
  const second = await openai.chat.completions.create(body);
  expect(first.usage?.prompt_tokens_details?.cached_tokens).toBe(0);
  expect(second.usage?.prompt_tokens_details?.cached_tokens).toBe(1408);
  const { prompt_tokens: prompt = 0, completion_tokens: output = 0 } = second.usage ?? {};
  const expected = BigInt(prompt - 1408) * 750n + 1408n * 75n + BigInt(output) * 4500n;
  expect(provider.invoice().totalNanoUsd - before).toBe(expected);
});
