import { afterEach, beforeEach, expect, test } from 'vitest';
import { QUESTION, startSimulatedClients, type SimulatedClients } from '../../test/support/simulated-clients.ts';

let provider: SimulatedClients['provider'];
let openai: SimulatedClients['openai'];

async function restart(options: Parameters<typeof startSimulatedClients>[0]): Promise<void> {
  await provider.close();
  ({ provider, openai } = await startSimulatedClients(options));
}

beforeEach(async () => {
  ({ provider, openai } = await startSimulatedClients());
});
afterEach(() => provider.close());

test.each([
  [{ model: 'gpt-5.4-mini' }, 400, 'messages'],
  [{ model: 'gpt-5.4-mini', messages: [] }, 400, 'messages'],
  [{ model: 'gpt-5.4-mini', messages: [{ role: 'wizard', content: 'x' }] }, 400, 'messages[0].role'],
  [{ model: 'gpt-5.5', messages: [QUESTION], temperature: 0.2 }, 400, 'temperature'],
  [{ model: 'gpt-5.4-mini', messages: [QUESTION], stream: 'yes' }, 400, 'stream'],
  [{ model: 'gpt-4-nobody', messages: [QUESTION] }, 404, 'model'],
])('%j is refused with %i naming %s, and nothing is billed', async (body, status, param) => {
  const reply = await fetch(`${provider.origin}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: 'Bearer k', 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(reply.status).toBe(status);
  expect(await reply.json()).toMatchObject({ error: { param, message: expect.any(String) } });
  expect(provider.invoice().totalNanoUsd).toBe(0n);
});

test('no key is 401, bad JSON is 400, an unknown path is 404, in the shape of the protocol', async () => {
  const url = `${provider.origin}/v1/messages`;
  expect((await fetch(url, { method: 'POST', body: '{}' })).status).toBe(401);
  const headers = { 'x-api-key': 'k', 'anthropic-version': '2023-06-01' };
  const broken = await fetch(url, { method: 'POST', headers, body: '{"model":' });
  expect(broken.status).toBe(400);
  expect(await broken.json()).toMatchObject({ type: 'error', error: { type: 'invalid_request_error' } });
  expect((await fetch(`${provider.origin}/v1/unknown`, { headers: { authorization: 'Bearer k' } })).status).toBe(404);
});

test('a client that leaves is seen, and billed for what was generated until then', async () => {
  await restart({ latencyRatio: 0.2 });
  const messages = [{ role: 'user' as const, content: 'Explain the refund in detail.' }];
  const stream = await openai.chat.completions.create({
    model: 'gpt-5.4-mini',
    messages,
    stream: true,
    temperature: 0,
  });
  let chunks = 0;
  for await (const chunk of stream) {
    chunks += chunk.choices.length;
    if (chunks === 5) break; // the client closes the connection
  }
  await expect.poll(() => provider.counters().clientsLeft).toBe(1);
  expect(provider.journal().at(-1)?.outcome).toBe('client-left');
  expect(provider.invoice()).toMatchObject({ requests: 1, unstatedRequests: 1 });
  expect(provider.counters()).toMatchObject({ requests: 1, inFlight: 0 });
  const partNanoUsd = provider.invoice().totalNanoUsd;
  const whole = await openai.chat.completions.create({ model: 'gpt-5.4-mini', messages, temperature: 0 });
  expect(provider.invoice().totalNanoUsd - partNanoUsd).toBeGreaterThan(partNanoUsd);
  expect(whole.usage?.completion_tokens).toBeGreaterThan(60);
});

test('the journal is bounded and keeps the newest', async () => {
  await restart({ journalSize: 2 });
  for (const content of ['one', 'two', 'three']) {
    // oxlint-disable-next-line no-await-in-loop -- their order is what is tested
    await openai.chat.completions.create({ model: 'gpt-5.4-mini', messages: [{ role: 'user', content }] });
  }
  expect(provider.journal().map((entry) => JSON.parse(entry.bodyText).messages[0].content)).toEqual(['two', 'three']);
});
