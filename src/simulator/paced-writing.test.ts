import { afterEach, expect, test, vi } from 'vitest';
import { startSimulatedProvider, type SimulatedProvider } from './simulated-provider.ts';

const MODEL = 'gpt-5.4-mini';
const PRICES = { [MODEL]: { input: 750_000, cacheRead: 75_000, output: 4_500_000 } };
let provider: SimulatedProvider | undefined;

afterEach(() => provider?.close());

test('a provider whose process was busy for a while hears of a client that left in the meantime before it catches up', async () => {
  provider = await startSimulatedProvider({ prices: PRICES, latencyRatio: 1 / 40 });
  const leaving = new AbortController();
  const reply = await fetch(`${provider.origin}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: 'Bearer sk-test', 'content-type': 'application/json' },
    body: JSON.stringify({
      model: MODEL,
      stream: true,
      stream_options: { include_usage: true },
      messages: [{ role: 'user', content: 'Explain in detail.' }],
    }),
    signal: leaving.signal,
  });
  await reply.body?.getReader().read();
  setTimeout(() => leaving.abort(), 1);
  const busyUntilMs = performance.now() + 1000; // by then the whole answer is due
  while (performance.now() < busyUntilMs);
  await vi.waitFor(() => expect(provider?.counters().inFlight).toBe(0));
  expect(provider.counters().clientsLeft).toBe(1);
  expect(provider.invoice()).toMatchObject({ requests: 1, unstatedRequests: 1 });
});
