import { createServer, type IncomingMessage, type Server } from 'node:http';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { ask, type Ask, type Fixture, KEY, type Reply, startFixture } from './gateway-fixture.ts';

interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

let upstream: Server;
let gateway: Fixture;
let seen: Seen[] = [];
let cut = false;

beforeAll(async () => {
  upstream = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method, url, headers } = request;
      seen.push({ method, url, headers, body: Buffer.concat(chunks).toString('latin1') });
      response.writeHead(201, {
        'x-upstream': 'yes',
        'access-control-allow-origin': '*',
        'set-cookie': 'a=b',
        location: 'http://evil.example.com',
      });
      if (cut) response.write('half', () => response.destroy());
      else response.end('done');
    });
  });
  await new Promise<void>((resolve) => {
    upstream.listen(0, '127.0.0.1', () => resolve());
  });
  const address = upstream.address();
  const base = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  gateway = await startFixture(`
providers:
  openai: { protocol: openai, baseUrl: "${base}/openai/v1", apiKey: sk-provider, query: { api-version: "7" }, headers: { x-own: set } }
  anthropic: { protocol: anthropic, baseUrl: "${base}/anthropic", apiKey: sk-other }
  idle: { protocol: openai, baseUrl: "${base}/idle/v1", apiKey: "" }
passThrough:
  - { path: "/v1/audio/*", provider: openai }
  - { path: "/v1/moderations", provider: anthropic }
  - { path: "/v1/chat/*", provider: openai }
  - { path: "/v1/images/*", provider: idle }
`);
});
afterAll(async () => {
  await gateway.close();
  upstream.closeAllConnections();
  upstream.close();
});
beforeEach(() => {
  seen = [];
  cut = false;
});

function send(request: Ask): Promise<Reply> {
  return ask(gateway.url, { ...request, headers: { authorization: `Bearer ${KEY}`, ...request.headers } });
}

test('what is listed goes to its provider as it is, under the provider’s credentials', async () => {
  const body = Buffer.from(
    '--x\r\nContent-Disposition: form-data; name="file"\r\n\r\n\u00ff\u0000\r\n--x--\r\n',
    'latin1',
  );
  const headers = { 'content-type': 'multipart/form-data; boundary=x', 'x-farthing-tags': 'user=a', cookie: 'c=d' };
  const reply = await send({ method: 'POST', path: '/v1/audio/transcriptions?a=1', headers, body });
  expect([reply.status, reply.body, reply.headers['x-upstream']]).toEqual([201, 'done', 'yes']);
  const [got] = seen;
  expect([got?.method, got?.url]).toEqual(['POST', '/openai/v1/audio/transcriptions?a=1&api-version=7']);
  expect(Buffer.from(got?.body ?? '', 'latin1')).toEqual(body);
  expect(got?.headers).toMatchObject({
    authorization: 'Bearer sk-provider',
    'x-own': 'set',
    'content-type': headers['content-type'],
  });
  expect(JSON.stringify(got)).not.toMatch(/x-farthing-tags|cookie|fk-a-key/);
});

test('headers that describe the body, the wish and the client go on, and no others', async () => {
  const passed = {
    'content-type': 'text/x',
    'openai-beta': 'a',
    'x-stainless-lang': 'js',
    range: 'bytes=0-1',
    'user-agent': 'u',
  };
  const kept = [
    'openai-organization',
    'openai-project',
    'x-forwarded-for',
    'x-original-url',
    'x-http-method-override',
    'x-unknown',
    'referer',
  ];
  const other = Object.fromEntries(kept.map((name) => [name, 'z']));
  await send({ method: 'POST', path: '/v1/audio/speech', headers: { ...passed, ...other }, body: 'x' });
  expect(seen[0]?.headers).toMatchObject(passed);
  expect(kept.filter((name) => seen[0]?.headers[name] !== undefined)).toEqual([]);
});

test('an Anthropic provider keeps the whole path and gets its own header', async () => {
  await send({ path: '/v1/moderations' });
  expect([seen[0]?.url, seen[0]?.headers['x-api-key'], seen[0]?.headers.authorization]).toEqual([
    '/anthropic/v1/moderations',
    'sk-other',
    undefined,
  ]);
});

test('nothing of the reply opens the gateway to web pages, or sends the client elsewhere', async () => {
  const { headers } = await send({ path: '/v1/moderations' });
  const { 'access-control-allow-origin': origin, 'set-cookie': cookie, location } = headers;
  expect([origin, cookie, location]).toEqual([undefined, undefined, undefined]);
});

test('a large body is streamed, past the limit of metered calls', async () => {
  const body = Buffer.alloc(12_000_000, 'x');
  expect((await send({ method: 'PUT', path: '/v1/audio/large', body })).status).toBe(201);
  expect(seen[0]?.body.length).toBe(12_000_000);
});

test('it is counted as unmetered, and never as a call', async () => {
  await send({ path: '/v1/moderations' });
  const { text } = await gateway.metrics.exposition();
  expect(text).toMatch(/farthing_unmetered_requests_total\{provider="anthropic",status="2xx"\} [1-9]/);
  expect(gateway.engine.requests).toEqual([]);
});

test.each([
  '/v1/moderations/other',
  '/v1/moderationsx',
  '/v1/audio/../chat/completions',
  '/v1/audio/%2e%2e/chat/completions',
  '/v1/audio/..%2fchat',
  '/v1/audio//evil',
  '/v1/audio/a\\b',
  '/v1/audio/./b',
  '/v1/audio/..;/chat',
  '/v1/audio/..%3b/chat',
  '/v1/audio/%252e%252e/chat',
  '/v1/audio/a%0d%0ab',
  '/v1/chat/completions/',
  '/v1/%63hat/completions',
  '/v1/chat/%43ompletions',
  '/v1/chat/completions%20',
  '/v1/chat/completions;a=b',
  '/v1/%EF%BD%83hat/completions',
  '/v1/CHAT/../chat/completions',
  '/v1/images/x',
])('%s is not passed', async (path) => {
  expect((await send({ method: 'POST', path })).status).toBe(404);
  expect(seen).toEqual([]);
});

test('it needs a key', async () => {
  expect((await send({ path: '/v1/moderations', headers: { authorization: 'Bearer no' } })).status).toBe(401);
  expect(seen).toEqual([]);
});

test('a reply that the provider cuts is cut for the client too', async () => {
  cut = true;
  await expect(send({ path: '/v1/moderations' })).rejects.toThrow(/aborted|hang up|ECONNRESET/);
});

test('a provider that cannot be reached is a 502 in shape', async () => {
  const dead = await startFixture(`
providers:
  dead: { protocol: openai, baseUrl: "http://127.0.0.1:1/v1", apiKey: sk-x }
passThrough: [{ path: "/v1/*", provider: dead }]
`);
  const reply = await ask(dead.url, { path: '/v1/moderations', headers: { authorization: `Bearer ${KEY}` } });
  await dead.close();
  expect(reply.status).toBe(502);
  expect(reply.json()).toMatchObject({ error: { code: 'provider_unreachable' } });
});
