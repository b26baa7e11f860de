import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { expect, onTestFinished, test } from 'vitest';
import { createFarthing, type FarthingOptions } from '../../src/client/create-farthing.ts';
import type { CallRecord } from '../../src/core/model/charge.ts';
import { prose } from '../../src/simulator/prose.ts';
import { seededRandom } from '../../src/simulator/seeded-random.ts';
import { startLibraryStack } from '../support/library-stack.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../support/recording-upstream.ts';

const SYSTEM = `You are a clerk. ${prose(seededRandom(3), 16_000)}`;

/** Words that our marks are made of; a caller's own are told apart by what the test sends. */
const MARKS = ['cache_control', 'prompt_cache_key', 'prompt_cache_options', 'prompt_cache_breakpoint'];

interface Refusing {
  readonly upstream: RecordingUpstream;
  readonly openai: OpenAI;
  readonly anthropic: Anthropic;
  readonly records: CallRecord[];
}

/** An upstream that refuses what the test says, and the library before it. */
async function startRefusing(
  refusal: (body: string) => string | undefined,
  options: FarthingOptions = {},
): Promise<Refusing> {
  const upstream = await startRecordingUpstream();
  upstream.answer = ({ target, body }, response) => {
    const message = refusal(body.toString());
    response.writeHead(message === undefined ? 200 : 400, { 'content-type': 'application/json' });
    response.end(
      message === undefined
        ? reply(target, body.toString())
        : JSON.stringify({ type: 'error', error: { type: 'invalid_request_error', message } }),
    );
  };
  const records: CallRecord[] = [];
  const farthing = createFarthing({
    cache: false,
    resilience: { retries: 0 },
    optimize: { promptCache: 'auto' },
    ...options,
    providers: {
      openai: { protocol: 'openai', baseUrl: `${upstream.origin}/openai/v1` },
      anthropic: { protocol: 'anthropic', baseUrl: `${upstream.origin}/anthropic` },
    },
    onCall: (record) => records.push(record),
  });
  onTestFinished(async () => {
    await farthing.close();
    await upstream.close();
  });
  const { fetch } = farthing;
  return {
    upstream,
    records,
    openai: new OpenAI({ apiKey: 'test', baseURL: `${upstream.origin}/openai/v1`, fetch, maxRetries: 0 }),
    anthropic: new Anthropic({ apiKey: 'test', baseURL: `${upstream.origin}/anthropic`, fetch, maxRetries: 0 }),
  };
}

/** Bills a token for four bytes; what is marked was in the cache. */
function reply(target: string, body: string): string {
  const tokens = Math.ceil(body.length / 4);
  if (target.includes('/messages')) {
    const content = [{ type: 'text', text: 'hi' }];
    const isMarked = body.includes('cache_control');
    const usage = isMarked
      ? { input_tokens: 50, cache_read_input_tokens: tokens - 50, output_tokens: 1 }
      : { input_tokens: tokens, output_tokens: 1 };
    return JSON.stringify({
      id: 'm',
      type: 'message',
      role: 'assistant',
      model: 'm',
      content,
      stop_reason: 'end_turn',
      usage,
    });
  }
  const choices = [{ index: 0, message: { role: 'assistant', content: 'hi' }, finish_reason: 'stop' }];
  const usage = { prompt_tokens: tokens, completion_tokens: 1, total_tokens: tokens + 1 };
  return JSON.stringify({ id: 'c', model: 'm', choices, usage });
}

function askClaude({ anthropic }: Refusing, number: number, mark?: 'own'): Promise<unknown> {
  const cache = mark === undefined ? {} : { cache_control: { type: 'ephemeral' as const } };
  return anthropic.messages.create({
    model: 'claude-sonnet-5',
    max_tokens: 10,
    system: [{ type: 'text', text: SYSTEM, ...cache }],
    messages: [{ role: 'user', content: `Question ${number}` }],
  });
}

function askGpt({ openai }: Refusing, number: number, more: object = {}): Promise<unknown> {
  const messages = [
    { role: 'system' as const, content: SYSTEM },
    { role: 'user' as const, content: `Question ${number}` },
  ];
  return openai.chat.completions.create({ model: 'gpt-5.6-luna', messages, ...more });
}

const bodies = ({ upstream }: Refusing): string[] => upstream.seen.map(({ body }) => body.toString());

test.each([
  ['cache_control', askClaude],
  ['prompt_cache_options', askGpt],
  ['prompt_cache_key', askGpt],
] as const)(
  'where a target refuses %s the call is answered all the same, and later ones go without',
  async (name, ask) => {
    const stage = await startRefusing((body) =>
      body.includes(name) ? `${name}: Extra inputs are not permitted` : undefined,
    );
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    for (let call = 0; call < 12; call += 1) await ask(stage, call);
    const marked = bodies(stage).filter((body) => body.includes(name));
    expect(marked).toHaveLength(1);
    expect(stage.upstream.seen).toHaveLength(13);
    expect(stage.records.map(({ attempts }) => attempts).filter((attempts) => attempts > 1)).toEqual([2]);
    for (const body of bodies(stage).slice(-5)) for (const mark of MARKS) expect(body).not.toContain(mark);
  },
);

test('what a caller marks itself and the provider refuses is its own error, once, and ends no caching for others', async () => {
  const refuse = (body: string): string | undefined =>
    body.includes('Question 99') ? 'system.0.cache_control: no' : undefined;
  const stage = await startRefusing(refuse);
  await expect(askClaude(stage, 99, 'own')).rejects.toThrow('cache_control');
  expect(stage.upstream.seen).toHaveLength(1);
  // oxlint-disable-next-line no-await-in-loop
  for (let call = 0; call < 12; call += 1) await askClaude(stage, call);
  expect(
    bodies(stage)
      .slice(1)
      .some((body) => body.includes('cache_control')),
  ).toBe(true);
});

test('a refused prompt_cache_retention of the caller is not taken for a refusal of our key', async () => {
  const stage = await startRefusing((body) =>
    body.includes('retention') ? 'Unknown parameter: prompt_cache_retention' : undefined,
  );
  await expect(askGpt(stage, 1, { prompt_cache_retention: '24h' })).rejects.toThrow('retention');
  expect(stage.upstream.seen).toHaveLength(1);
  await askGpt(stage, 2);
  expect(bodies(stage).at(-1)).toContain('prompt_cache_options');
});

test('an odd request whose marks are refused goes without, and all others keep theirs', async () => {
  const odd = (body: string): string | undefined =>
    body.includes('"Odd') && body.includes('cache_control') ? 'cache_control cannot be set here' : undefined;
  const stage = await startRefusing(odd);
  // oxlint-disable-next-line no-await-in-loop
  for (let call = 0; call < 12; call += 1) await askClaude(stage, call);
  await stage.anthropic.messages.create({
    model: 'claude-sonnet-5',
    max_tokens: 10,
    system: SYSTEM,
    messages: [{ role: 'user', content: 'Odd' }],
  });
  expect(bodies(stage).at(-1)).not.toContain('cache_control');
  await askClaude(stage, 13);
  expect(bodies(stage).at(-1)).toContain('cache_control');
});

test('a key is set at OpenAI only where the caller has none, and options never beside a retention', async () => {
  const stage = await startRefusing(() => undefined);
  await askGpt(stage, 1, { prompt_cache_key: 'mine' });
  await askGpt(stage, 2, { prompt_cache_retention: '24h' });
  await askGpt(stage, 3, { prompt_cache_options: { mode: 'implicit' } });
  await askClaude(stage, 4);
  const [own, retained, optioned, claude] = bodies(stage).map((body) => JSON.parse(body) as Record<string, unknown>);
  expect(own?.['prompt_cache_key']).toBe('mine');
  expect(retained?.['prompt_cache_retention']).toBe('24h');
  expect(retained).not.toHaveProperty('prompt_cache_options');
  expect(JSON.stringify(retained)).not.toContain('prompt_cache_breakpoint');
  expect(optioned?.['prompt_cache_options']).toEqual({ mode: 'implicit' });
  expect(claude).not.toHaveProperty('prompt_cache_key');
});

test('of 50 calls at once on one unwritten prefix one writes it, and the others read it or go unmarked', async () => {
  const { anthropic, records, upstream } = await startLibraryStack(
    { optimize: { promptCache: 'auto', prefixWaitMs: 2000 }, cache: false },
    0.05,
  );
  const ask = (system: string, number: number): Promise<unknown> =>
    anthropic.messages.create({
      model: 'claude-sonnet-5',
      max_tokens: 4,
      system,
      messages: [{ role: 'user', content: `Question ${number}` }],
    });
  // Prefixes of this target come again: that has to be seen first.
  // oxlint-disable-next-line no-await-in-loop
  for (let call = 0; call < 12; call += 1) await ask(SYSTEM, call);
  const before = records.length;
  const fresh = `Another one. ${prose(seededRandom(5), 20_000)}`;
  await Promise.all(Array.from({ length: 50 }, (_, call) => ask(fresh, call)));
  const crowd = records.slice(before).map(({ usage }) => usage);
  const writers = crowd.filter(({ cacheWrite5m, cacheWrite1h }) => cacheWrite5m + cacheWrite1h > 3000);
  expect(writers).toHaveLength(1);
  expect(crowd.filter(({ cacheRead }) => cacheRead > 3000).length).toBeGreaterThan(40);
  const cost = records.reduce((sum, record) => sum + BigInt(record.costNanoUsd ?? 0), 0n);
  expect(cost).toBe(upstream.invoice().totalNanoUsd);
});

test.each([
  ['fails', { kind: 'status', status: 500 }],
  ['is cut off', { kind: 'reset' }],
  ['hangs', { kind: 'slow', delayMs: 700 }],
] as const)('a writer that %s holds nobody up for longer than the wait', async (_what, fault) => {
  const { anthropic, records, upstream } = await startLibraryStack(
    { optimize: { promptCache: 'auto', prefixWaitMs: 150 }, cache: false },
    0.02,
  );
  const ask = (system: string, number: number): Promise<unknown> =>
    anthropic.messages.create({
      model: 'claude-sonnet-5',
      max_tokens: 4,
      system,
      messages: [{ role: 'user', content: `Question ${number}` }],
    });
  // oxlint-disable-next-line no-await-in-loop
  for (let call = 0; call < 12; call += 1) await ask(SYSTEM, call);
  upstream.failNext(fault);
  const fresh = `Another one. ${prose(seededRandom(6), 20_000)}`;
  const ends = await Promise.allSettled(Array.from({ length: 20 }, (_, call) => ask(fresh, call)));
  expect(ends.filter(({ status }) => status === 'rejected').length).toBeLessThanOrEqual(1);
  await ask(fresh, 99);
  await ask(fresh, 100);
  expect(records.at(-1)?.usage.cacheRead).toBeGreaterThan(3000);
});
