import Anthropic from '@anthropic-ai/sdk';
import { expect, onTestFinished, test } from 'vitest';
import { prose } from '../../src/simulator/prose.ts';
import { seededRandom } from '../../src/simulator/seeded-random.ts';
import { startSimulatedProvider } from '../../src/simulator/simulated-provider.ts';
import { startGatewayFace } from '../support/gateway-stack.ts';
import { SIMULATED_PRICES } from '../support/simulated-prices.ts';

test('a conversation stays with the key and the target that have it warm, others are spread, and a target that is down is left', async () => {
  const [upstream, other] = await Promise.all(
    [1, 2].map(() => startSimulatedProvider({ prices: SIMULATED_PRICES, latencyRatio: 0 })),
  );
  if (upstream === undefined || other === undefined) throw new Error('no upstream');
  onTestFinished(async () => void (await Promise.all([upstream.close(), other.close()])));
  const provider = (baseUrl: string): object => ({
    protocol: 'anthropic',
    vendor: 'anthropic',
    baseUrl,
    apiKeys: [{ key: 'account-a' }, { key: 'account-b' }],
  });
  const face = await startGatewayFace({
    origin: upstream.origin,
    config: {
      providers: { one: provider(upstream.origin), two: provider(other.origin) },
      models: { pair: { targets: ['one/claude-sonnet-5', 'two/claude-sonnet-5'], balance: 'weighted' } },
      optimize: { promptCache: 'auto' },
      resilience: { retries: 1 },
    },
  });
  const anthropic = new Anthropic({ apiKey: face.apiKey, baseURL: face.anthropicBaseUrl, maxRetries: 0 });
  const places: string[] = [];
  const place = (count: readonly [number, number]): string => {
    const [before, after] = count;
    const entry = upstream.journal().length > before ? upstream.journal().at(-1) : other.journal().at(-1);
    const at = upstream.journal().length > before ? 'one' : other.journal().length > after ? 'two' : 'none';
    return `${at} ${JSON.stringify(entry?.headers['x-api-key'])}`;
  };
  for (let conversation = 0; conversation < 8; conversation += 1) {
    const messages: Anthropic.MessageParam[] = [
      { role: 'user', content: `${conversation} ${prose(seededRandom(conversation), 12_000)}` },
    ];
    const visited: string[] = [];
    let warmFrom = Infinity;
    for (let turn = 0; turn < 6; turn += 1) {
      const count = [upstream.journal().length, other.journal().length] as const;
      // oxlint-disable-next-line no-await-in-loop
      const { usage } = await anthropic.messages.create({ model: 'pair', max_tokens: 10, messages });
      visited.push(place(count));
      const cached = (usage.cache_read_input_tokens ?? 0) + (usage.cache_creation_input_tokens ?? 0);
      if (cached > 0) warmFrom = Math.min(warmFrom, turn);
      messages.push({ role: 'assistant', content: 'Good.' }, { role: 'user', content: `And ${turn}?` });
    }
    expect(warmFrom).toBeLessThan(5);
    expect(new Set(visited.slice(warmFrom)).size).toBe(1);
    places.push(visited[0] ?? '');
    if (conversation < 7) continue;
    const [warm, cold] = visited.at(-1)?.startsWith('one') === true ? [upstream, other] : [other, upstream];
    warm.failNext({ kind: 'status', status: 529 }, 4);
    const before = cold.journal().length;
    // oxlint-disable-next-line no-await-in-loop
    await anthropic.messages.create({ model: 'pair', max_tokens: 10, messages });
    expect(cold.journal().length).toBeGreaterThan(before);
  }
  expect(new Set(places).size).toBeGreaterThan(2);
});
