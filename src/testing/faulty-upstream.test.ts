import { request as httpRequest } from 'node:http';
import Anthropic from '@anthropic-ai/sdk';
import fc from 'fast-check';
import OpenAI from 'openai';
import { expect, onTestFinished, test } from 'vitest';
import { ask, askedRequest, FORMS } from '../../test/support/asked-calls.ts';
import { type FaultyUpstream, type FaultyUpstreamOptions, startFaultyUpstream } from './faulty-upstream.ts';
import { expectedAnswer, expectedUsage, expectedVector } from './upstream/expected-answer.ts';
import type { UpstreamFault } from './upstream/upstream-fault.ts';

async function start(options: FaultyUpstreamOptions = {}): Promise<FaultyUpstream> {
  const upstream = await startFaultyUpstream(options);
  onTestFinished(() => upstream.close());
  return upstream;
}

const CHAT = { endpoint: 'chat', prompt: 'hello' } as const;
const CHAT_STREAM = { ...CHAT, isStream: true } as const;

test.each(FORMS)('a good answer is right: $endpoint, stream $isStream', async (form) => {
  const upstream = await start();
  const seen = await ask(upstream.origin, { ...form, prompt: 'hello' });
  expect(seen.kind).toBe('right');
  expect(upstream.counters()).toMatchObject({ requests: 1, answered: 1, inFlight: 0, faults: {}, departures: [] });
  expect(upstream.asked('hello')).toBe(1);
});

test('the official clients read the expected answers and the exact usage', async () => {
  const upstream = await start({ answer: { frames: 5, frameBytes: 40 } });
  const text = expectedAnswer('hello', { frames: 5, frameBytes: 40 });
  const used = expectedUsage('hello', { frames: 5, frameBytes: 40 });
  const openai = new OpenAI({ baseURL: `${upstream.origin}/v1`, apiKey: 'test', maxRetries: 0 });
  const anthropic = new Anthropic({ baseURL: upstream.origin, apiKey: 'test', maxRetries: 0 });
  const messages = [{ role: 'user' as const, content: 'hello' }];

  const chat = await openai.chat.completions.create({ model: 'm', messages });
  expect(chat.choices[0]?.message.content).toBe(text);
  expect([chat.usage?.prompt_tokens, chat.usage?.completion_tokens]).toEqual([used.inputTokens, used.outputTokens]);
  const streamed = openai.chat.completions.stream({ model: 'm', messages, stream_options: { include_usage: true } });
  expect(await streamed.finalContent()).toBe(text);
  expect((await streamed.totalUsage()).total_tokens).toBe(used.inputTokens + used.outputTokens);
  expect((await openai.responses.create({ model: 'm', input: 'hello' })).output_text).toBe(text);
  const response = await openai.responses.stream({ model: 'm', input: 'hello' }).finalResponse();
  expect([response.output_text, response.usage?.output_tokens]).toEqual([text, used.outputTokens]);
  const message = anthropic.messages.stream({ model: 'm', max_tokens: 10, messages });
  expect(await message.finalText()).toBe(text);
  expect((await message.finalMessage()).usage).toMatchObject({ input_tokens: used.inputTokens });
  // The client asks for base64 by itself.
  const embedded = await openai.embeddings.create({ model: 'm', input: ['hello', 'two'] });
  expect(embedded.data.map(({ embedding }) => embedding)).toEqual([expectedVector('hello'), expectedVector('two')]);
});

interface Row {
  readonly fault: UpstreamFault;
  readonly whole: string;
  readonly stream: string;
}

const ROWS: readonly Row[] = [
  { fault: { kind: 'status', status: 429 }, whole: 'refused', stream: 'refused' },
  { fault: { kind: 'reset' }, whole: 'no-reply', stream: 'no-reply' },
  { fault: { kind: 'slow', delayMs: 20 }, whole: 'right', stream: 'right' },
  { fault: { kind: 'cut', after: { frames: 0 }, by: 'fin' }, whole: 'cut', stream: 'cut' },
  { fault: { kind: 'cut', after: { frames: 3 }, by: 'fin' }, whole: 'cut', stream: 'cut' },
  { fault: { kind: 'cut', after: { frames: 3 }, by: 'rst' }, whole: 'cut', stream: 'cut' },
  { fault: { kind: 'cut', after: { bytes: 150 }, by: 'rst' }, whole: 'cut', stream: 'cut' },
  { fault: { kind: 'cut', after: { frames: 3 }, by: 'end' }, whole: 'unreadable', stream: 'truncated' },
  { fault: { kind: 'cut', after: { frames: 3 }, by: 'close' }, whole: 'unreadable', stream: 'truncated' },
  { fault: { kind: 'trickle', everyMs: 1, bytes: 100 }, whole: 'right', stream: 'right' },
  { fault: { kind: 'malformed', afterFrames: 3, form: 'garbage' }, whole: 'unreadable', stream: 'unreadable' },
  { fault: { kind: 'malformed', afterFrames: 3, form: 'half' }, whole: 'unreadable', stream: 'unreadable' },
  { fault: { kind: 'in-band-error', afterFrames: 3 }, whole: 'error-event', stream: 'error-event' },
  { fault: { kind: 'wrong-length', differenceBytes: 10 }, whole: 'cut', stream: 'right' },
  { fault: { kind: 'wrong-length', differenceBytes: -10 }, whole: 'unreadable', stream: 'right' },
  { fault: { kind: 'huge-headers', sizeBytes: 64_000 }, whole: 'no-reply', stream: 'no-reply' },
  { fault: { kind: 'compressed' }, whole: 'right', stream: 'right' },
];

test.each(ROWS)('a client sees $fault as $whole or, in a stream, as $stream', async ({ fault, whole, stream }) => {
  const upstream = await start();
  upstream.script(fault, 2);
  expect((await ask(upstream.origin, CHAT)).kind).toBe(whole);
  expect((await ask(upstream.origin, CHAT_STREAM)).kind).toBe(stream);
  expect(upstream.counters().faults).toEqual({ [fault.kind]: 2 });
  expect((await ask(upstream.origin, CHAT)).kind).toBe('right');
});

test.each(FORMS.filter(({ isStream }) => isStream))(
  'a $endpoint stream without its last event is whole only where the finish reason says so',
  async (form) => {
    const upstream = await start();
    upstream.script({ kind: 'no-terminal', ending: 'end' });
    const seen = await ask(upstream.origin, { ...form, prompt: 'hello' });
    expect(seen.kind).toBe(form.endpoint === 'chat' ? 'right' : 'truncated');
  },
);

test('errors have the words of the protocol and the time to wait', async () => {
  const upstream = await start();
  upstream.script({ kind: 'status', status: 429, retryAfter: '3', retryAfterMs: 2500 });
  upstream.script({ kind: 'status', status: 400, error: 'context-length' }, 2);
  upstream.script({ kind: 'status', status: 529 });
  upstream.script({ kind: 'status', status: 502 });
  const get = async (endpoint: 'chat' | 'messages'): Promise<Response> => {
    const [path, init] = askedRequest({ endpoint, prompt: 'hello' });
    return fetch(`${upstream.origin}${path}`, init);
  };
  const limited = await get('chat');
  expect([limited.headers.get('retry-after'), limited.headers.get('retry-after-ms')]).toEqual(['3', '2500']);
  expect(await limited.json()).toMatchObject({ error: { code: 'rate_limit_exceeded' } });
  expect(await (await get('chat')).json()).toMatchObject({ error: { code: 'context_length_exceeded' } });
  const tooLong = { type: 'invalid_request_error', message: expect.stringContaining('prompt is too long') as string };
  expect(await (await get('messages')).json()).toMatchObject({ type: 'error', error: tooLong });
  expect(await (await get('messages')).json()).toMatchObject({ error: { type: 'overloaded_error' } });
  expect((await get('chat')).headers.get('content-type')).toBe('text/html');
});

test.each([
  { kind: 'hang' },
  { kind: 'stall', after: { frames: 3 } },
  { kind: 'stall', after: { frames: 3 }, pingEveryMs: 5 },
  { kind: 'no-terminal', ending: 'open' },
] as const)('a client that leaves $kind is noticed', async (fault) => {
  const upstream = await start();
  upstream.script(fault);
  const leaving = new AbortController();
  const asked = ask(upstream.origin, { ...CHAT_STREAM, signal: leaving.signal }).catch(() => 'left');
  await expect.poll(() => upstream.counters().inFlight).toBe(1);
  const leftAtMs = Date.now();
  leaving.abort();
  await asked;
  await expect.poll(() => upstream.counters().inFlight).toBe(0);
  const [departure] = upstream.counters().departures;
  expect(departure?.prompt).toBe('hello');
  expect(departure?.atMs).toBeGreaterThanOrEqual(leftAtMs - 1);
});

test('a silent stream can be kept alive by pings', async () => {
  const upstream = await start();
  upstream.script({ kind: 'stall', after: { frames: 2 }, pingEveryMs: 5 });
  const [path, init] = askedRequest({ endpoint: 'messages', prompt: 'hello', isStream: true });
  const text = await new Promise<string>((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const request = httpRequest(`${upstream.origin}${path}`, { method: 'POST', headers }, (response) => {
      let received = '';
      response.on('data', (chunk: Buffer) => {
        received += chunk.toString();
        if (received.split('event: ping').length > 3) {
          resolve(received);
          request.destroy();
        }
      });
    });
    request.on('error', reject);
    request.end(init.body);
  });
  expect(text).toContain('event: message_start');
  expect(text).not.toContain('text_delta');
});

test('a redirect says where to', async () => {
  const upstream = await start();
  upstream.script({ kind: 'redirect', status: 307, location: 'http://127.0.0.1:1/' });
  const [path, init] = askedRequest(CHAT);
  const reply = await fetch(`${upstream.origin}${path}`, { ...init, redirect: 'manual' });
  expect([reply.status, reply.headers.get('location')]).toEqual([307, 'http://127.0.0.1:1/']);
});

test('an outage goes before the script, the script before the prompt, the prompt before the mix', async () => {
  const upstream = await start({
    mix: [{ fault: { kind: 'status', status: 500 }, ratio: 1 }],
    faultOf: (prompt) => (prompt === 'limited' ? { kind: 'status', status: 529 } : undefined),
  });
  const statuses = async (count: number, prompt = 'hello'): Promise<(number | string)[]> => {
    const seen: (number | string)[] = [];
    for (let index = 0; index < count; index += 1) {
      const one = await ask(upstream.origin, { ...CHAT, prompt });
      seen.push(one.kind === 'refused' ? one.status : one.kind);
    }
    return seen;
  };
  upstream.script({ kind: 'status', status: 429 });
  upstream.script(undefined);
  upstream.setDown({ kind: 'status', status: 503 });
  expect(await statuses(2, 'limited')).toEqual([503, 503]);
  upstream.setDown(undefined);
  expect(await statuses(3, 'limited')).toEqual([429, 'right', 529]);
  expect(await statuses(1)).toEqual([500]);
});

test('the same seed gives the same faults, in the shares that were asked for', async () => {
  const mix = [
    { fault: { kind: 'status', status: 429 }, ratio: 0.2 },
    { fault: { kind: 'status', status: 500 }, ratio: 0.3 },
  ] as const;
  const run = async (seed: number): Promise<readonly unknown[]> => {
    const upstream = await start({ mix, seed });
    const seen: unknown[] = [];
    for (let index = 0; index < 150; index += 1) {
      const one = await ask(upstream.origin, CHAT);
      seen.push(one.kind === 'refused' ? one.status : one.kind);
    }
    return seen;
  };
  const [first, again, other] = [await run(7), await run(7), await run(8)];
  expect(again).toEqual(first);
  expect(other).not.toEqual(first);
  const count = (wanted: unknown): number => first.filter((one) => one === wanted).length;
  expect(count(429)).toBeGreaterThan(12);
  expect(count(429)).toBeLessThan(50);
  expect(count(500)).toBeGreaterThan(25);
  expect(count(500)).toBeLessThan(67);
});

test('shares of more than the whole are refused', async () => {
  const half = { fault: { kind: 'reset' }, ratio: 0.6 } as const;
  await expect(startFaultyUpstream({ mix: [half, half] })).rejects.toThrow(RangeError);
});

test('a text begun in the name of the assistant is continued, whether or not the user asks for it in words', async () => {
  const upstream = await start();
  const text = expectedAnswer('hello');
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: text.length }), fc.boolean(), fc.boolean(), async (...drawn) => {
      const [length, stream, inWords] = drawn;
      const messages = [
        { role: 'user', content: 'hello' },
        { role: 'assistant', content: text.slice(0, length) },
        ...(inWords ? [{ role: 'user', content: 'Go on.' }] : []),
      ];
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify({ model: 'm', messages, stream });
      const reply = await fetch(`${upstream.origin}/v1/chat/completions`, { method: 'POST', headers, body });
      const got = await reply.text();
      const deltas = [...got.matchAll(/"content":("(?:[^"\\]|\\.)*")/g)].map(([, quoted]) =>
        JSON.parse(quoted ?? '""'),
      );
      expect(deltas.join('')).toBe(text.slice(length));
    }),
    { numRuns: 40 },
  );
});

test('a reader that pauses holds a long answer up, and gets all of it', async () => {
  const answer = { frames: 4000, frameBytes: 1000 };
  const upstream = await start({ answer });
  const [path, init] = askedRequest(CHAT_STREAM);
  const reply = await fetch(`${upstream.origin}${path}`, init);
  await new Promise((resolve) => void setTimeout(resolve, 100));
  expect(upstream.counters().answered).toBe(0);
  let sizeBytes = 0;
  for await (const chunk of reply.body ?? []) sizeBytes += chunk.byteLength;
  expect(sizeBytes).toBeGreaterThan(4_000_000);
  expect(upstream.counters().answered).toBe(1);
});
