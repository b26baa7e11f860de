import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { expect, onTestFinished, test } from 'vitest';
import { createFarthing, type FarthingOptions } from '../../src/client/create-farthing.ts';
import type { CallRecord } from '../../src/core/model/charge.ts';
import { prose } from '../../src/simulator/prose.ts';
import { seededRandom } from '../../src/simulator/seeded-random.ts';
import { type SimulatedProvider, startSimulatedProvider } from '../../src/simulator/simulated-provider.ts';
import { SIMULATED_PRICES } from '../support/simulated-prices.ts';

type Messages = { role: 'user' | 'assistant'; content: string }[];

interface Engine {
  readonly anthropic: Anthropic;
  readonly openai: OpenAI;
  readonly records: CallRecord[];
  close(): Promise<void>;
}

async function startUpstream(): Promise<SimulatedProvider> {
  const upstream = await startSimulatedProvider({ prices: SIMULATED_PRICES, latencyRatio: 0 });
  onTestFinished(() => upstream.close());
  return upstream;
}

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'farthing-pins-'));
  onTestFinished(() => rm(made, { recursive: true, force: true }));
  return made;
}

function startEngine({ origin }: SimulatedProvider, options: FarthingOptions): Engine {
  const records: CallRecord[] = [];
  const farthing = createFarthing({
    cache: false,
    resilience: { retries: 0 },
    ...options,
    providers: {
      openai: { protocol: 'openai', baseUrl: `${origin}/v1` },
      one: { protocol: 'anthropic', vendor: 'anthropic', baseUrl: origin, apiKey: 'one' },
      two: { protocol: 'anthropic', vendor: 'anthropic', baseUrl: origin, apiKey: 'two' },
      anthropic: { protocol: 'anthropic', baseUrl: origin },
    },
    onCall: (record) => records.push(record),
  });
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (isOpen) await farthing.close();
    isOpen = false;
  };
  onTestFinished(close);
  const { fetch } = farthing;
  return {
    openai: new OpenAI({ apiKey: 'test', baseURL: `${origin}/v1`, fetch, maxRetries: 0 }),
    anthropic: new Anthropic({ apiKey: 'test', baseURL: origin, fetch, maxRetries: 0 }),
    records,
    close,
  };
}

const table = (name: string): string =>
  JSON.stringify(
    Array.from({ length: 80 }, (_, row) => ({ row, name: `${name} ${row}` })),
    undefined,
    4,
  );

async function turn({ anthropic }: Engine, messages: Messages, content: string, headers = {}): Promise<void> {
  messages.push({ role: 'user', content });
  const model = 'claude-sonnet-5';
  const reply = await anthropic.messages.create({ model, max_tokens: 20, messages }, { headers });
  messages.push({ role: 'assistant', content: reply.content[0]?.type === 'text' ? reply.content[0].text : '' });
}

/** The texts of the messages of the last request. */
function lastTexts(upstream: SimulatedProvider): string[] {
  const body = JSON.parse(upstream.journal().at(-1)?.bodyText ?? '{}') as { messages: { content: unknown }[] };
  return body.messages.map(({ content }) =>
    typeof content === 'string' ? content : (content as { text: string }[]).map(({ text }) => text).join(''),
  );
}

test('an optimiser that is switched on leaves what is cached as it came, over restarts and turn after turn', async () => {
  const [upstream, storage] = [await startUpstream(), await folder()];
  const messages: Messages = [];
  const before = startEngine(upstream, { storage, optimize: { promptCache: 'auto' } });
  await turn(before, messages, `${prose(seededRandom(1), 40_000)}\n\n${table('early')}\n\nFirst?`);
  await turn(before, messages, 'Second?');
  await turn(before, messages, 'Third?');
  expect(before.records.at(-1)?.usage.cacheRead).toBeGreaterThan(5000);
  await before.close();
  const after = startEngine(upstream, { storage, optimize: { level: 'lossless', promptCache: 'auto' } });
  await turn(after, messages, 'Fourth, which has nothing to save?');
  expect(after.records.at(-1)?.usage.cacheRead).toBeGreaterThan(5000);
  await turn(after, messages, `${table('late')}\n\nFifth?`);
  const texts = lastTexts(upstream);
  expect(texts[0]).toBe(messages[0]?.content);
  expect(texts.at(-1)).not.toBe(messages.at(-2)?.content);
  expect(after.records.at(-1)?.usage.cacheRead).toBeGreaterThan(5000);
  await after.close();
  const again = startEngine(upstream, { storage, optimize: { level: 'lossless', promptCache: 'auto' } });
  await turn(again, messages, 'Sixth?');
  expect(lastTexts(upstream)[0]).toBe(messages[0]?.content);
  expect(again.records.at(-1)?.usage.cacheRead).toBeGreaterThan(5000);
});

test('two engines with one store agree on what a conversation is held to', async () => {
  const [upstream, storage] = [await startUpstream(), await folder()];
  const messages: Messages = [];
  const plain = startEngine(upstream, { storage, optimize: { promptCache: 'auto' } });
  await turn(plain, messages, `${prose(seededRandom(2), 40_000)}\n\n${table('early')}\n\nFirst?`);
  await turn(plain, messages, 'Second?');
  await turn(plain, messages, 'Third?');
  const optimize = { level: 'lossless', promptCache: 'auto' } as const;
  const engines = [startEngine(upstream, { storage, optimize }), startEngine(upstream, { storage, optimize })];
  for (const [index, content] of ['Fourth?', `${table('late')}\n\nFifth?`, 'Sixth?', 'Seventh?'].entries()) {
    // oxlint-disable-next-line no-await-in-loop -- by turns
    await turn(engines[index % 2] as Engine, messages, content);
    expect(lastTexts(upstream)[0]).toBe(messages[0]?.content);
  }
});

test('x-farthing-session names the conversation: the same text under another name is another one', async () => {
  const upstream = await startUpstream();
  const models = { pair: { targets: ['one/claude-sonnet-5', 'two/claude-sonnet-5'], balance: 'weighted' } } as const;
  const engine = startEngine(upstream, { models, optimize: { promptCache: 'auto' } });
  const targetsOf = async (session: string): Promise<(string | undefined)[]> => {
    const messages: Messages = [];
    for (let count = 0; count < 6; count += 1) {
      messages.push({ role: 'user', content: count === 0 ? prose(seededRandom(9), 12_000) : `And ${count}?` });
      // oxlint-disable-next-line no-await-in-loop
      await engine.anthropic.messages.create(
        { model: 'pair', max_tokens: 10, messages },
        { headers: { 'x-farthing-session': session } },
      );
      messages.push({ role: 'assistant', content: 'Good.' });
    }
    return engine.records.slice(-6).map(({ target }) => target);
  };
  const seen = new Set<string | undefined>();
  for (let session = 0; session < 12; session += 1) {
    // oxlint-disable-next-line no-await-in-loop
    const targets = await targetsOf(`s${session}`);
    seen.add(targets[0]);
    // Once it is warm it stays; the first turns may be cold.
    const warmAt = engine.records.slice(-6).findIndex(({ usage }) => usage.cacheRead + usage.cacheWrite5m > 0);
    if (warmAt >= 0) expect(new Set(targets.slice(warmAt)).size).toBe(1);
  }
  // Others are spread all the same.
  expect(seen.size).toBe(2);
});

test.each([
  [1500, 14],
  [4000, 6],
])(
  'a growing conversation with tools cut at %i tokens is never refused, at both protocols',
  async (historyMaxTokens, mostChanges) => {
    const upstream = await startUpstream();
    const engine = startEngine(upstream, { optimize: { level: 'lossless', promptCache: 'auto', historyMaxTokens } });
    const random = seededRandom(historyMaxTokens);
    const chat: OpenAI.Chat.ChatCompletionMessageParam[] = [{ role: 'system', content: 'You are a clerk.' }];
    const claude: Anthropic.MessageParam[] = [];
    let id = 0;
    let changes = 0;
    let last = '';
    for (let count = 0; count < 14; count += 1) {
      const ask = `${count}: ${prose(random, 200 + random.fraction() * 900)}`;
      chat.push({ role: 'user', content: ask });
      claude.push({ role: 'user', content: ask });
      for (let loop = 0; loop < random.fraction() * 3; loop += 1) {
        id += 1;
        const name = `call_${id % 3}`;
        chat.push(
          {
            role: 'assistant',
            content: null,
            tool_calls: [{ id: name, type: 'function', function: { name: 'look', arguments: '{}' } }],
          },
          { role: 'tool', tool_call_id: name, content: table('x').slice(0, 700) },
        );
        claude.push(
          { role: 'assistant', content: [{ type: 'tool_use', id: name, name: 'look', input: {} }] },
          { role: 'user', content: [{ type: 'tool_result', tool_use_id: name, content: table('x').slice(0, 700) }] },
        );
      }
      // oxlint-disable-next-line no-await-in-loop
      await engine.openai.chat.completions.create({ model: 'gpt-5.4-mini', messages: chat, max_completion_tokens: 10 });
      check(upstream, 'chat');
      // oxlint-disable-next-line no-await-in-loop
      await engine.anthropic.messages.create({ model: 'claude-sonnet-5', max_tokens: 10, messages: claude });
      const sent = check(upstream, 'messages');
      const start = JSON.stringify(sent.slice(0, 2)).replaceAll(/"cache_control":\{[^}]*\},?|,(?=\})/g, '');
      if (start !== last) changes += 1;
      last = start;
      chat.push({ role: 'assistant', content: 'Done.' });
      claude.push({ role: 'assistant', content: 'Done.' });
    }
    expect(changes).toBeLessThan(mostChanges);
  },
);

/** No results without their calls, none of the other way round, and the user speaks first at Anthropic. */
function check(upstream: SimulatedProvider, protocol: 'chat' | 'messages'): { role: string; content: unknown }[] {
  interface Sent {
    role: string;
    content: unknown;
    tool_calls?: { id: string }[];
    tool_call_id?: string;
  }
  const { messages } = JSON.parse(upstream.journal().at(-1)?.bodyText ?? '{}') as { messages: Sent[] };
  let open = new Set<string>();
  for (const { role, content, tool_calls: calls, tool_call_id: answered } of messages) {
    const blocks = Array.isArray(content) ? (content as { type: string; id?: string; tool_use_id?: string }[]) : [];
    for (const result of [answered, ...blocks.map(({ tool_use_id: used }) => used)].filter(
      (each) => each !== undefined,
    ))
      expect(open.delete(result)).toBe(true);
    if (role === 'assistant') {
      expect(open.size).toBe(0);
      open = new Set([
        ...(calls ?? []).map((call) => call.id),
        ...blocks.flatMap((block) => (block.type === 'tool_use' && block.id !== undefined ? [block.id] : [])),
      ]);
    }
  }
  if (protocol === 'messages') expect(messages[0]?.role).toBe('user');
  return messages;
}
