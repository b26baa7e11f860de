import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createRawServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createFarthing, type Farthing, type FarthingOptions } from '../../src/client/create-farthing.ts';
import type { CallRecord } from '../../src/core/model/charge.ts';
import { seededRandom } from '../../src/simulator/seeded-random.ts';
import { startLibraryStack } from '../support/library-stack.ts';
import { StrictSink } from '../support/strict-sink.ts';

const EMBED = 'text-embedding-3-small';

interface Upstream {
  readonly farthing: Farthing;
  readonly records: CallRecord[];
  readonly ask: (body: object, init?: RequestInit) => Promise<Response>;
}

/** A library engine in front of a server that answers what a test wants. */
async function behind(answer: RequestListener, options: FarthingOptions = {}): Promise<Upstream> {
  return behindServer(createServer(answer), options);
}

async function behindServer(
  server: Pick<Server, 'listen' | 'close' | 'address'>,
  options: FarthingOptions,
): Promise<Upstream> {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve()));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const records: CallRecord[] = [];
  const farthing = createFarthing({
    cache: { mode: 'all', ttlMs: 60_000 },
    ...options,
    providers: { openai: { protocol: 'openai', baseUrl: `${origin}/v1` }, ...options.providers },
    onCall: (record) => {
      records.push(record);
      options.onCall?.(record);
    },
  });
  onTestFinished(async () => {
    await farthing.close();
    server.close();
  });
  const ask = (body: object, init: RequestInit = {}): Promise<Response> =>
    farthing.fetch(`${origin}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer mine' },
      body: JSON.stringify({ model: 'gpt-5.4-mini', messages: [{ role: 'user', content: 'Hi' }], ...body }),
      ...init,
    });
  return { farthing, records, ask };
}

const ANSWER = JSON.stringify({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  model: 'gpt-5.4-mini',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hello' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 1000, completion_tokens: 100, total_tokens: 1100 },
});

test('an embeddings call of one text is answered alike however often it is asked', async () => {
  const { openai, upstream } = await startLibraryStack();
  const request = { model: EMBED, input: 'one text', encoding_format: 'float' as const };
  const first = await openai.embeddings.create(request);
  for (let round = 0; round < 3; round += 1) {
    // oxlint-disable-next-line no-await-in-loop -- each call meets what the one before left behind
    expect(await openai.embeddings.create(request)).toMatchObject({
      object: 'list',
      data: first.data,
      usage: first.usage,
    });
  }
  expect(upstream.counters().requests).toBe(1);
});

test('embeddings in flight are shared only among those who ask for the same encoding', async () => {
  const { openai } = await startLibraryStack({}, 0.05);
  const ask = (encoding: 'float' | 'base64'): Promise<unknown> =>
    openai.embeddings
      .create({ model: EMBED, input: ['shared text'], encoding_format: encoding })
      .then((reply) => reply.data[0]?.embedding);
  const [floats, base64] = await Promise.all([ask('float'), ask('base64')]);
  expect(Array.isArray(floats)).toBe(true);
  expect(typeof base64).toBe('string');
});

test("a model's name that HTTP headers cannot carry is answered, not left hanging", async () => {
  const { ask } = await behind((_request, response) => {
    response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":{"message":"no such model"}}');
  });
  const reply = await ask({ model: '模型-é-😀' }, { signal: AbortSignal.timeout(2000) });
  expect(reply.status).toBe(404);
  expect(reply.headers.get('x-farthing-model')).toBe(`openai/${encodeURIComponent('模型-é-😀')}`);
});

test("a provider's header that HTTP cannot carry on is left out", async () => {
  const server = createRawServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      socket.end(
        Buffer.from(
          `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-note: 中\r\ncontent-length: ${ANSWER.length}\r\nconnection: close\r\n\r\n${ANSWER}`,
        ),
      );
    });
  });
  const { ask } = await behindServer(server as unknown as Server, {});
  const reply = await ask({}, { signal: AbortSignal.timeout(2000) });
  expect(reply.status).toBe(200);
  expect(await reply.json()).toMatchObject({ id: 'chatcmpl-1' });
});

test("the caller's own credentials go to the provider that they were meant for, and to no other", async () => {
  const seen: (string | undefined)[] = [];
  const other = createServer((request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(200, { 'content-type': 'application/json' }).end(ANSWER);
  });
  await new Promise<void>((resolve) => void other.listen(0, '127.0.0.1', () => resolve()));
  onTestFinished(() => void other.close());
  const otherOrigin = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
  const { ask } = await behind(
    (request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(200, { 'content-type': 'application/json' }).end(ANSWER);
    },
    {
      providers: { elsewhere: { protocol: 'openai', baseUrl: `${otherOrigin}/v1` } },
      models: { fast: { targets: ['elsewhere/gpt-5.4-mini'] } },
    },
  );
  await (await ask({ model: 'fast' })).text();
  await (await ask({})).text();
  expect(seen).toEqual([undefined, 'Bearer mine']);
});

test('an answer without usage is an estimate whose savings are nothing in every part', async () => {
  const { usage: _usage, ...bare } = JSON.parse(ANSWER) as Record<string, unknown>;
  const { ask, records } = await behind((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(bare));
  });
  await (await ask({})).text();
  await expect.poll(() => records.length).toBe(1);
  expect(records[0]).toMatchObject({ isEstimate: true, savedNanoUsd: 0 });
  expect(new Set(Object.values(records[0]?.savedParts ?? {}))).toEqual(new Set([0]));
});

test('a provider that never stops is cut off at the bound', async () => {
  let isGone = false;
  const { ask, records } = await behind((request, response) => {
    request.resume();
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const chunk = Buffer.alloc(256 * 1024, 'x');
    const pour = (): void => {
      if (isGone) return;
      if (response.write(chunk)) setImmediate(pour);
      else response.once('drain', pour);
    };
    response.on('close', () => (isGone = true));
    pour();
  });
  const reply = await ask({ stream: true });
  await reply.text().catch(() => undefined);
  await expect.poll(() => records[0]?.outcome).toBe('broken');
  await expect.poll(() => isGone, { timeout: 2000 }).toBe(true);
});

test('a reply that came compressed against our wish is an error, not a garbled answer', async () => {
  const { gzipSync } = await import('node:zlib');
  const { ask } = await behind((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(gzipSync(ANSWER));
  });
  const reply = await ask({});
  expect(reply.status).toBe(502);
});

test('an observer that throws breaks no call and no process', async () => {
  const { ask } = await behind(
    (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(ANSWER);
    },
    {
      onCall: () => {
        throw new Error('the observer is broken');
      },
    },
  );
  expect((await ask({})).status).toBe(200);
  expect((await ask({})).status).toBe(200);
});

test('absurd usage is an amount that is not known, and the answer still comes', async () => {
  const absurd = {
    ...(JSON.parse(ANSWER) as object),
    usage: { prompt_tokens: 1, completion_tokens: Number.MAX_SAFE_INTEGER },
  };
  const { ask, records } = await behind((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(absurd));
  });
  const reply = await ask(
    { model: 'gpt-5.5', max_tokens: Number.MAX_SAFE_INTEGER, n: 128 },
    { signal: AbortSignal.timeout(2000) },
  );
  expect(reply.status).toBe(200);
  expect(reply.headers.get('x-farthing-cost-usd')).toBe('unknown');
  await expect.poll(() => records.length).toBe(1);
  expect(records[0]).toMatchObject({ outcome: 'complete', attempts: 1, costNanoUsd: undefined });
});

test('an answer that came to its end is whole, also when the connection breaks behind it', async () => {
  const { ask, records } = await behind((request, response) => {
    request.resume();
    const { choices: _choices, usage, ...rest } = JSON.parse(ANSWER) as Record<string, unknown>;
    const chunk = (fields: object): string => `data: ${JSON.stringify({ ...rest, ...fields })}\n\n`;
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(chunk({ choices: [{ index: 0, delta: { content: 'Hello' }, finish_reason: 'stop' }] }));
    response.write(chunk({ choices: [], usage }));
    response.write('data: [DONE]\n\n', () => setTimeout(() => response.destroy(), 5));
  });
  const text = await (await ask({ stream: true })).text();
  expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
  await expect.poll(() => records.length).toBe(1);
  expect(records[0]).toMatchObject({ outcome: 'complete', isEstimate: false });
  expect((await ask({ stream: true })).headers.get('cache-status')).toContain('hit');
});

test('a call whose client is gone before it arrives asks nobody and costs nothing', async () => {
  const records: CallRecord[] = [];
  let connections = 0;
  const server = createServer();
  server.on('connection', () => (connections += 1));
  const { farthing } = await behindServer(server, { onCall: (record) => records.push(record) });
  const sink = new StrictSink(seededRandom(1), 0);
  await farthing.handle(
    {
      endpoint: 'chat',
      body: Buffer.from('{"model":"gpt-5.4-mini","messages":[{"role":"user","content":"Hi"}]}'),
      headers: {},
      signal: AbortSignal.abort(),
    },
    sink,
  );
  expect(records[0]).toMatchObject({ outcome: 'client-left', costNanoUsd: 0 });
  expect(connections).toBe(0);
});

test('a provider that keeps the connection open behind its last event does not keep the client waiting', async () => {
  let isGone = false;
  const { ask, records } = await behind((request, response) => {
    request.resume();
    response.on('close', () => (isGone = true));
    const { choices: _choices, ...rest } = JSON.parse(ANSWER) as Record<string, unknown>;
    const choices = [{ index: 0, delta: { content: 'Hello' }, finish_reason: 'stop' }];
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(`data: ${JSON.stringify({ ...rest, choices })}\n\ndata: [DONE]\n\n`);
  });
  const text = await (await ask({ stream: true }, { signal: AbortSignal.timeout(5000) })).text();
  expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
  await expect.poll(() => records[0]?.outcome).toBe('complete');
  await expect.poll(() => isGone, { timeout: 2000 }).toBe(true);
});

test.each([
  ['a redirect, which nobody must follow', 302, { location: 'http://127.0.0.1:1/elsewhere' }],
  ['a compressed refusal', 401, { 'content-encoding': 'br' }],
])('%s is an error that costs nothing', async (_name, status, headers) => {
  const { ask, records } = await behind((request, response) => {
    request.resume();
    response.writeHead(status, headers).end('moved');
  });
  const reply = await ask({}, { redirect: 'manual' });
  expect(reply.status).toBe(502);
  expect(reply.headers.get('location')).toBeNull();
  expect(await reply.json()).toMatchObject({ error: { message: expect.any(String) as string } });
  await expect.poll(() => records.length).toBe(1);
  expect(records[0]).toMatchObject({ costNanoUsd: 0, isEstimate: false, attempts: 1 });
});
