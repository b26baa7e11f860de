import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { expect, onTestFinished, test } from 'vitest';
import { createFarthing, type FarthingOptions } from '../../src/client/create-farthing.ts';
import { prose } from '../../src/simulator/prose.ts';
import { seededRandom } from '../../src/simulator/seeded-random.ts';
import { startSimulatedProvider } from '../../src/simulator/simulated-provider.ts';
import { startLibraryStack } from '../support/library-stack.ts';
import { SIMULATED_PRICES } from '../support/simulated-prices.ts';

const ROWS = JSON.stringify(
  Array.from({ length: 40 }, (_, row) => ({ row, name: `name ${row}` })),
  undefined,
  4,
);
const MESSAGES: OpenAI.Chat.ChatCompletionMessageParam[] = [
  { role: 'user', content: `${prose(seededRandom(1), 8000)}\n\n${ROWS}\n\nWhich row?` },
];

const ask = ({ openai }: { readonly openai: OpenAI }): Promise<unknown> =>
  openai.chat.completions.create({ model: 'gpt-5.4-mini', messages: MESSAGES });

test('an answer made from an optimised prompt is served at its level only; what is said of the prompt cache changes no key', async () => {
  const storage = await mkdtemp(join(tmpdir(), 'farthing-keys-'));
  const upstream = await startSimulatedProvider({ prices: SIMULATED_PRICES, latencyRatio: 0 });
  onTestFinished(async () => {
    await upstream.close();
    await rm(storage, { recursive: true, force: true });
  });
  const baseURL = `${upstream.origin}/v1`;
  const requestsWith = async (optimize: FarthingOptions['optimize']): Promise<number> => {
    const before = upstream.counters().requests;
    const farthing = createFarthing({
      storage,
      cache: { mode: 'all', ttlMs: 60_000 },
      providers: { openai: { protocol: 'openai', baseUrl: baseURL } },
      ...(optimize === undefined ? {} : { optimize }),
    });
    const openai = new OpenAI({ apiKey: 'test', baseURL, fetch: farthing.fetch, maxRetries: 0 });
    // The second one hits by its raw bytes.
    await ask({ openai });
    await ask({ openai });
    await farthing.close();
    return upstream.counters().requests - before;
  };
  expect(await requestsWith(undefined)).toBe(1);
  expect(await requestsWith({ level: 'lossless' })).toBe(1);
  expect(await requestsWith({ level: 'structural' })).toBe(1);
  expect(await requestsWith({ level: 'lossless', promptCache: 'auto' })).toBe(0);
});

test('identical calls at once make one attempt, optimised and planned', async () => {
  const stack = await startLibraryStack({ optimize: { level: 'structural', promptCache: 'auto' } }, 0.05);
  await Promise.all(Array.from({ length: 10 }, () => ask(stack)));
  expect(stack.upstream.counters().requests).toBe(1);
  await expect.poll(() => stack.records.length).toBe(10);
});

test('a stream that breaks off is gone on with, and every charge is on the bill', async () => {
  const { openai, upstream, records, events } = await startLibraryStack({
    optimize: { level: 'structural', promptCache: 'auto' },
    cache: false,
    resilience: { retries: 1, midStream: 'continue' },
  });
  upstream.failNext({ kind: 'cut', afterFrames: 6 });
  let text = '';
  let finish: string | null = null;
  for await (const { choices } of await openai.chat.completions.create({
    model: 'gpt-5.4-mini',
    messages: MESSAGES,
    stream: true,
  })) {
    text += choices[0]?.delta.content ?? '';
    finish = choices[0]?.finish_reason ?? finish;
  }
  expect(text.length).toBeGreaterThan(20);
  expect(finish).toBe('stop');
  await expect.poll(() => records.length).toBe(1);
  expect(records.at(-1)?.attempts).toBe(2);
  const sent = upstream.journal().map(({ bodyText }) => bodyText);
  expect(sent).toHaveLength(2);
  for (const body of sent) expect(body.length).toBeLessThan(JSON.stringify(MESSAGES).length);
  const { savedParts, savedNanoUsd } = records.at(-1) ?? {};
  expect(Object.values(savedParts ?? {}).reduce((sum, part) => sum + part, 0)).toBe(savedNanoUsd);
  expect(events.filter(({ kind }) => kind === 'internal-fault')).toEqual([]);
});

test('counting and embedding send what the caller wrote', async () => {
  const { openai, anthropic, upstream } = await startLibraryStack({
    optimize: { level: 'extractive', promptCache: 'auto', historyMaxTokens: 100, unusedTools: ['*'] },
    cache: false,
  });
  const content = `${prose(seededRandom(2), 9000)}\n\n\n\n${ROWS}\n\nWhich?`;
  const messages = [{ role: 'user' as const, content }];
  await anthropic.messages.countTokens({ model: 'claude-sonnet-5', messages });
  expect(JSON.parse(upstream.journal().at(-1)?.bodyText ?? '{}')).toEqual({ model: 'claude-sonnet-5', messages });
  await openai.embeddings.create({ model: 'text-embedding-3-small', input: content, encoding_format: 'float' });
  expect((JSON.parse(upstream.journal().at(-1)?.bodyText ?? '{}') as { input: unknown }).input).toEqual(content);
});
