import { APIError } from 'openai';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { QUESTION, startSimulatedClients, type SimulatedClients } from '../../test/support/simulated-clients.ts';

let provider: SimulatedClients['provider'];
let openai: SimulatedClients['openai'];
let anthropic: SimulatedClients['anthropic'];

async function restart(options: Parameters<typeof startSimulatedClients>[0]): Promise<void> {
  await provider.close();
  ({ provider, openai, anthropic } = await startSimulatedClients(options));
}

beforeEach(async () => {
  ({ provider, openai, anthropic } = await startSimulatedClients());
});
afterEach(() => provider.close());

const BODY = { model: 'gpt-5.4-mini', messages: [QUESTION], temperature: 0 };

test('statuses come in order, then all is well, and errors cost nothing', async () => {
  provider.failNext({ kind: 'status', status: 429, retryAfterSeconds: 7 });
  provider.failNext({ kind: 'status', status: 500 }, 2);
  const limited = await openai.chat.completions.create(BODY).catch((error: unknown) => error);
  expect(limited).toMatchObject({ status: 429, code: 'rate_limit_exceeded' });
  expect(limited instanceof APIError ? limited.headers?.get('retry-after') : undefined).toBe('7');
  await expect(openai.chat.completions.create(BODY)).rejects.toMatchObject({ status: 500 });
  await expect(openai.chat.completions.create(BODY)).rejects.toMatchObject({ status: 500 });
  expect(provider.invoice().requests).toBe(0);
  await expect(openai.chat.completions.create(BODY)).resolves.toMatchObject({ object: 'chat.completion' });
  provider.failNext({ kind: 'status', status: 529 });
  const message = { model: 'claude-haiku-4-5', max_tokens: 9, messages: [QUESTION] };
  await expect(anthropic.messages.create(message)).rejects.toMatchObject({
    status: 529,
    error: { error: { type: 'overloaded_error' } },
  });
});

test('a cut stream breaks off, is billed for what was generated and shown as unstated', async () => {
  provider.failNext({ kind: 'cut', afterFrames: 4 });
  const stream = await openai.chat.completions.create({
    ...BODY,
    stream: true,
    stream_options: { include_usage: true },
  });
  let chunks = 0;
  const reading = (async () => {
    for await (const chunk of stream) chunks += chunk.choices.length;
  })();
  await expect(reading).rejects.toThrow('terminated');
  expect(chunks).toBe(4);
  const { totalNanoUsd, unstatedNanoUsd, unstatedRequests } = provider.invoice();
  expect(unstatedRequests).toBe(1);
  expect(unstatedNanoUsd).toBe(totalNanoUsd);
  expect(totalNanoUsd).toBeGreaterThan(9n * 750n);
  expect(provider.journal().at(-1)?.outcome).toBe('fault');
});

test('an error inside a 200 stream reaches the client as an error', async () => {
  provider.failNext({ kind: 'in-band-error', afterFrames: 3 });
  const body = { model: 'claude-haiku-4-5', max_tokens: 900, messages: [QUESTION] };
  await expect(anthropic.messages.stream(body).finalMessage()).rejects.toThrow('Overloaded');
  provider.failNext({ kind: 'in-band-error', afterFrames: 3 });
  const reading = (async () => {
    for await (const chunk of await openai.chat.completions.create({ ...BODY, stream: true }))
      expect(chunk.object).toBe('chat.completion.chunk');
  })();
  await expect(reading).rejects.toThrow('The server had an error');
});

test('a reset closes the connection and a slow reply is late', async () => {
  provider.failNext({ kind: 'reset' });
  await expect(openai.chat.completions.create(BODY)).rejects.toThrow('Connection error');
  provider.failNext({ kind: 'slow', delayMs: 120 });
  const startMs = performance.now();
  await openai.chat.completions.create(BODY);
  expect(performance.now() - startMs).toBeGreaterThanOrEqual(115);
});

test('with a fault ratio of 1 every request fails once and then succeeds', async () => {
  await restart({ faultRatio: 1 });
  await expect(openai.chat.completions.create(BODY)).rejects.toMatchObject({ status: 500 });
  await expect(openai.chat.completions.create(BODY)).resolves.toBeDefined();
});
