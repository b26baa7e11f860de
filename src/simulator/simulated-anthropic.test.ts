import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  QUESTION,
  WEATHER,
  startSimulatedClients,
  type SimulatedClients,
} from '../../test/support/simulated-clients.ts';

let provider: SimulatedClients['provider'];
let anthropic: SimulatedClients['anthropic'];

beforeEach(async () => {
  ({ provider, anthropic } = await startSimulatedClients());
});
afterEach(() => provider.close());

const BODY = { model: 'claude-haiku-4-5', max_tokens: 2000, messages: [QUESTION], temperature: 0 };

test('a message answers whole and streamed alike under the dated name of the model', async () => {
  const whole = await anthropic.messages.create(BODY);
  expect(whole).toMatchObject({ model: 'claude-haiku-4-5-20251001', stop_reason: 'end_turn' });
  const streamed = await anthropic.messages.stream(BODY).finalMessage();
  expect(streamed.content).toEqual(whole.content);
  expect(streamed.usage.output_tokens).toBe(whole.usage.output_tokens);
  const expected = 2n * (9n * 1000n + BigInt(whole.usage.output_tokens) * 5000n);
  expect(provider.invoice()).toMatchObject({ totalNanoUsd: expected, unstatedNanoUsd: 0n, requests: 2 });
});

test('tools, thinking and tool results', async () => {
  const tools = [{ name: 'weather', input_schema: WEATHER }];
  const called = await anthropic.messages.stream({ ...BODY, tools }).finalMessage();
  const use = called.content.find((block) => block.type === 'tool_use');
  if (use === undefined) throw new Error('no call');
  expect(called.stop_reason).toBe('tool_use');
  expect(use.input).toEqual({ city: expect.any(String), days: expect.any(Number) });
  const result = { type: 'tool_result' as const, tool_use_id: use.id, content: 'rain' };
  const messages = [
    QUESTION,
    { role: 'assistant' as const, content: called.content },
    { role: 'user' as const, content: [result] },
  ];
  expect((await anthropic.messages.create({ ...BODY, messages, tools })).stop_reason).toBe('end_turn');
  const thinking = { type: 'enabled' as const, budget_tokens: 1024 };
  const thought = await anthropic.messages
    .stream({ ...BODY, model: 'claude-sonnet-5', temperature: 1, thinking })
    .finalMessage();
  expect(thought.content.map((block) => block.type)).toEqual(['thinking', 'text']);
  expect(thought.usage.output_tokens_details?.thinking_tokens).toBeGreaterThan(0);
});

test('breakpoints: the write is stated by its life, the read at the next request', async () => {
  const system = [
    {
      type: 'text' as const,
      text: 'rule '.repeat(1200),
      cache_control: { type: 'ephemeral' as const, ttl: '1h' as const },
    },
  ];
  const body = { ...BODY, model: 'claude-sonnet-5', temperature: 1, system };
  const first = await anthropic.messages.create(body);
  expect(first.usage).toMatchObject({
    input_tokens: 9,
    cache_creation_input_tokens: 1504,
    cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 1504 },
  });
  const second = await anthropic.messages.create(body);
  expect(second.usage).toMatchObject({
    input_tokens: 9,
    cache_read_input_tokens: 1504,
    cache_creation_input_tokens: 0,
  });
  const output = BigInt(first.usage.output_tokens + second.usage.output_tokens) * 10_000n;
  expect(provider.invoice().totalNanoUsd).toBe(18n * 2000n + 1504n * 4000n + 1504n * 200n + output);
});

test('counting tokens is free and says what the prompt will be billed with', async () => {
  const counted = await anthropic.messages.countTokens({ model: 'claude-haiku-4-5', messages: [QUESTION] });
  expect(counted.input_tokens).toBe((await anthropic.messages.create(BODY)).usage.input_tokens);
  expect(provider.invoice().requests).toBe(1);
});

test('Anthropic wants max_tokens, at most four breakpoints and no temperature on Sonnet 5', async () => {
  const control = { type: 'ephemeral' as const };
  const content = Array.from({ length: 5 }, () => ({ type: 'text' as const, text: 'x', cache_control: control }));
  const body = { model: 'claude-sonnet-5', max_tokens: 10, messages: [QUESTION] };
  await expect(anthropic.messages.create({ ...body, messages: [{ role: 'user', content }] })).rejects.toMatchObject({
    status: 400,
  });
  await expect(anthropic.post('/v1/messages', { body: { ...body, temperature: 0 } })).rejects.toMatchObject({
    status: 400,
  });
  const { max_tokens: dropped, ...without } = body;
  expect(dropped).toBe(10);
  await expect(anthropic.post('/v1/messages', { body: without })).rejects.toMatchObject({ status: 400 });
});
