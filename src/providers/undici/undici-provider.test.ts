import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { FarthingError } from '../../core/errors.ts';
import { systemRandom } from '../../engine/system-ports.ts';
import type { ProviderRequest } from '../../ports/provider.ts';
import { undiciProvider, type UndiciProviderOptions } from './undici-provider.ts';

interface Seen {
  status?: number;
  body: string;
  error?: { readonly code: string; readonly retryable: boolean };
  wasSent?: boolean;
}

async function serve(listener: RequestListener): Promise<string> {
  const server: Server = createServer(listener);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function ask(
  options: Partial<UndiciProviderOptions> & { readonly baseUrl: string },
  request: Partial<ProviderRequest> = {},
): Promise<Seen> {
  const provider = undiciProvider({
    name: 'p',
    protocol: 'openai',
    apiKeys: [{ key: 'secret' }],
    random: systemRandom,
    ...options,
  });
  onTestFinished(() => provider.close());
  const seen: Seen = { body: '' };
  return new Promise((resolve) => {
    provider.send(
      {
        path: '/chat/completions',
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: 'Bearer caller' },
        body: new TextEncoder().encode('{}'),
        signal: new AbortController().signal,
        idleTimeoutMs: 5000,
        headTimeoutMs: 5000,
        ...request,
      },
      {
        onHead: (status) => {
          seen.status = status;
        },
        onData: (chunk) => {
          seen.body += new TextDecoder().decode(chunk);
          return true;
        },
        onEnd: () => resolve(seen),
        onError: (error, wasSent) =>
          resolve({ ...seen, error: error as unknown as NonNullable<Seen['error']>, wasSent }),
      },
    );
  });
}

test('base path, query, own headers and the key of the protocol are put on', async () => {
  const origin = await serve((request, response) => {
    response.end(JSON.stringify({ url: request.url, headers: request.headers }));
  });
  const openai = JSON.parse(
    (await ask({ baseUrl: `${origin}/v1/`, query: { 'api-version': '1' }, headers: { 'x-own': 'y' } })).body,
  );
  expect(openai.url).toBe('/v1/chat/completions?api-version=1');
  expect(openai.headers).toMatchObject({ authorization: 'Bearer secret', 'x-own': 'y' });
  const anthropic = JSON.parse((await ask({ baseUrl: origin, protocol: 'anthropic' })).body);
  expect(anthropic.headers).toMatchObject({ 'x-api-key': 'secret', 'anthropic-version': '2023-06-01' });
  expect(anthropic.headers.authorization).toBeUndefined();
});

test('a body that is iterated is sent as it comes; its own fault is told, and nothing whole was sent', async () => {
  const bodies: string[] = [];
  const origin = await serve((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      bodies.push(body);
      response.end(request.headers['transfer-encoding']);
    });
  });
  const pieces = async function* (fault?: Error): AsyncGenerator<Uint8Array> {
    yield Buffer.from('a');
    if (fault !== undefined) throw fault;
    yield Buffer.from('b');
  };
  expect((await ask({ baseUrl: origin }, { body: pieces() })).body).toBe('chunked');
  const fault = new FarthingError('payload-too-large', 'too much');
  expect(await ask({ baseUrl: origin }, { body: pieces(fault) })).toMatchObject({ error: fault, wasSent: true });
  expect(await ask({ baseUrl: origin }, { body: pieces(new TypeError('ill')) })).toMatchObject({
    error: { code: 'provider-broken' },
  });
  expect(bodies).toEqual(['ab']);
});

test("without a key of its own the caller's authorization passes", async () => {
  const origin = await serve((request, response) => response.end(request.headers.authorization));
  expect((await ask({ baseUrl: origin, apiKeys: [] })).body).toBe('Bearer caller');
});

test('a redirect is never followed', async () => {
  const origin = await serve((request, response) => {
    response.writeHead(request.url === '/elsewhere' ? 200 : 307, { location: '/elsewhere' }).end();
  });
  expect((await ask({ baseUrl: origin })).status).toBe(307);
});

test('nobody there: unreachable, retryable, and nothing was sent', async () => {
  const seen = await ask({ baseUrl: 'http://127.0.0.1:1' });
  expect(seen.error).toMatchObject({ code: 'provider-unreachable', retryable: true });
});

test('a silent provider is given up after the head timeout', async () => {
  const origin = await serve(() => undefined);
  const seen = await ask({ baseUrl: origin }, { headTimeoutMs: 100 });
  expect(seen).toMatchObject({ error: { code: 'provider-timeout' }, wasSent: true });
});

test('a stream that falls silent is given up after the idle timeout', async () => {
  const origin = await serve((_, response) => {
    response.write('data: a\n\n');
  });
  const seen = await ask({ baseUrl: origin }, { idleTimeoutMs: 100 });
  expect(seen).toMatchObject({ body: 'data: a\n\n', error: { code: 'provider-timeout' }, wasSent: true });
});

test('a reset is a broken connection', async () => {
  const origin = await serve((request) => request.socket.destroy());
  expect(await ask({ baseUrl: origin })).toMatchObject({
    error: { code: 'provider-broken', retryable: true },
    wasSent: true,
  });
});

test('an abort closes the connection at once; before the request has left, nothing was sent', async () => {
  let closed: (() => void) | undefined;
  const isClosed = new Promise<void>((resolve) => {
    closed = resolve;
  });
  const origin = await serve((request) => request.socket.on('close', () => closed?.()));
  const leave = new AbortController();
  const asked = ask({ baseUrl: origin }, { signal: leave.signal });
  setTimeout(() => leave.abort(), 50);
  expect(await asked).toMatchObject({ error: { code: 'client-left' }, wasSent: true });
  await isClosed;
  expect(await ask({ baseUrl: origin }, { signal: AbortSignal.abort() })).toMatchObject({
    error: { code: 'client-left' },
    wasSent: false,
  });
});

test.each(['ftp://x', 'not an address', 'http://user:secret@x'])(
  'the base %s is refused when the provider is made',
  (baseUrl) => {
    expect(() => undiciProvider({ name: 'p', protocol: 'openai', baseUrl, apiKeys: [], random: systemRandom })).toThrow(
      /baseUrl/,
    );
  },
);
