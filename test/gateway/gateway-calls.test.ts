import { connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ReplySink } from '../../src/ports/reply-sink.ts';
import { ask, callRecord, chat, type Fixture, KEY, keyRecord, startFixture } from './gateway-fixture.ts';

let gateway: Fixture;

beforeAll(async () => {
  gateway = await startFixture(
    'limits: { maxInFlight: 2, maxQueued: 0 }\nkeys: [{ name: demo, project: shop, key: fk-configured }]\npassThrough: []\n',
  );
});
afterAll(async () => gateway.close());
beforeEach(() => {
  gateway.engine.requests.length = 0;
});

describe('a key', () => {
  test.each([
    ['as OpenAI clients send it', { authorization: `Bearer ${KEY}` }],
    ['with another case', { authorization: `bearer ${KEY}` }],
    ['as Anthropic clients send it', { authorization: '', 'x-api-key': KEY }],
  ])('is taken %s', async (_how, headers) => {
    expect((await chat(gateway.url, { headers })).status).toBe(200);
    expect(gateway.engine.requests[0]?.caller).toMatchObject({ project: 'tests' });
  });

  test('of the configuration carries its project', async () => {
    await chat(gateway.url, { headers: { authorization: 'Bearer fk-configured' } });
    expect(gateway.engine.requests[0]?.caller).toMatchObject({ project: 'shop', keyId: 'config:demo' });
  });

  test('that is missing, unknown, revoked or expired gets 401; the last three in the same words, without the key', async () => {
    await gateway.keys.put(keyRecord('fk-revoked', { keyId: 'a', revokedAtMs: 1 }));
    await gateway.keys.put(keyRecord('fk-expired', { keyId: 'b', expiresAtMs: 1 }));
    const refuse = async (secret: string): Promise<string> => {
      const reply = await chat(gateway.url, { headers: { authorization: secret } });
      expect([reply.status, reply.headers['x-should-retry']]).toEqual([401, 'false']);
      return reply.body;
    };
    expect(await refuse('')).toContain('no API key');
    const [unknown = '', ...others] = await Promise.all(
      ['Bearer fk-unknown', 'Bearer fk-revoked', 'Bearer fk-expired'].map(refuse),
    );
    expect(others).toEqual([unknown, unknown]);
    expect(unknown).toContain('"type":"authentication_error"');
    expect(unknown).not.toContain('fk-');
  });

  test('that is wrong gets 401 in the shape of Anthropic on its paths', async () => {
    const headers = { 'x-api-key': 'fk-unknown', 'content-type': 'application/json' };
    const reply = await ask(gateway.url, { method: 'POST', path: '/v1/messages', headers, body: '{}' });
    expect(reply.status).toBe(401);
    expect(reply.json()).toMatchObject({ type: 'error', error: { type: 'authentication_error' } });
    expect(reply.headers['x-farthing-request-id']).toBe(reply.json()['request_id']);
  });

  test('never reaches the engine, nor do cookies; other headers do', async () => {
    const headers = {
      'x-api-key': KEY,
      cookie: 'a=b',
      'proxy-authorization': 'Basic x',
      'api-key': 'y',
      'x-farthing-tags': 'user=a',
    };
    await chat(gateway.url, { headers });
    const sent = gateway.engine.requests[0]?.headers ?? {};
    expect(Object.values(sent).join(' ')).not.toContain(KEY);
    expect([
      sent['authorization'],
      sent['x-api-key'],
      sent['cookie'],
      sent['api-key'],
      sent['proxy-authorization'],
    ]).toEqual(Array.from({ length: 5 }, () => undefined));
    expect(sent['x-farthing-tags']).toBe('user=a');
  });

  test('that was revoked is refused within a second', async () => {
    await gateway.keys.put(keyRecord('fk-short-lived', { keyId: 'c' }));
    const headers = { authorization: 'Bearer fk-short-lived' };
    expect((await chat(gateway.url, { headers })).status).toBe(200);
    await gateway.keys.put(keyRecord('fk-short-lived', { keyId: 'c', revokedAtMs: 1 }));
    const status = async (): Promise<number> => (await chat(gateway.url, { headers })).status;
    await expect.poll(status, { timeout: 1000, interval: 50 }).toBe(401);
  });

  test('cannot be checked while the store fails: 503, and the metrics say so', async () => {
    gateway.keys.trouble = 'fails';
    const reply = await chat(gateway.url, { headers: { authorization: 'Bearer fk-not-seen-before' } });
    gateway.keys.trouble = 'none';
    expect([reply.status, reply.headers['retry-after']]).toEqual([503, '1']);
    const { text } = await gateway.metrics.exposition();
    expect(text).toMatch(/farthing_store_faults_total\{store="keys",operation="find"\} [1-9]/);
  });
});

describe('a call', () => {
  test.each([
    ['/v1/chat/completions', 'chat'],
    ['/v1/responses', 'responses'],
    ['/v1/embeddings', 'embeddings'],
    ['/v1/messages', 'messages'],
    ['/v1/messages?beta=true', 'messages'],
    ['/v1/messages/count_tokens', 'count-tokens'],
  ])('of %s reaches the engine as %s, byte for byte', async (path, endpoint) => {
    const body = Buffer.from([0x7b, 0xff, 0x00, 0x7d]);
    expect((await chat(gateway.url, { path, body })).status).toBe(200);
    const [request] = gateway.engine.requests;
    expect([request?.endpoint, Buffer.from(request?.body ?? [])]).toEqual([endpoint, body]);
  });

  test('past the limit of calls under way gets 503 and when to come back', async () => {
    const finish: (() => void)[] = [];
    gateway.engine.answer = (_request, sink) =>
      new Promise<void>((resolve) => {
        finish.push(() => {
          ok(sink);
          resolve();
        });
      });
    const running = [chat(gateway.url), chat(gateway.url)];
    await expect.poll(() => finish.length).toBe(2);
    const refused = await chat(gateway.url);
    expect([refused.status, refused.headers['retry-after'], refused.headers['x-should-retry']]).toEqual([
      503,
      '1',
      undefined,
    ]);
    for (const end of finish) end();
    expect((await Promise.all(running)).map(({ status }) => status)).toEqual([200, 200]);
    gateway.engine.answer = (_request, sink) => ok(sink);
    expect((await chat(gateway.url)).status).toBe(200);
  });

  test('whose client leaves fires its signal, also when it is asked for only later', async () => {
    const seen: boolean[] = [];
    gateway.engine.answer = async (request, sink) => {
      sink.head({ status: 200, headers: {} });
      sink.write(Buffer.from('x'));
      if (seen.length === 0) {
        await new Promise<void>((resolve) => {
          request.signal.addEventListener('abort', () => resolve());
        });
      } else {
        await sink.drained();
        await expect.poll(() => gateway.server.inFlight()).toBe(1);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      seen.push(request.signal.aborted);
    };
    await leave(gateway.port);
    await expect.poll(() => seen.length).toBe(1);
    await leave(gateway.port);
    await expect.poll(() => seen).toEqual([true, true]);
    gateway.engine.answer = (_request, sink) => ok(sink);
  });

  test('that ends well does not fire its signal', async () => {
    let signal: AbortSignal | undefined;
    gateway.engine.answer = (request, sink) => {
      ({ signal } = request);
      ok(sink);
    };
    await chat(gateway.url);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(signal?.aborted).toBe(false);
  });

  test('whose engine breaks its word gets 500 in shape, a log line and a count, and says nothing of why', async () => {
    gateway.engine.answer = () => {
      throw new TypeError('canary in the text of an error');
    };
    const reply = await chat(gateway.url);
    gateway.engine.answer = (_request, sink) => ok(sink);
    expect([reply.status, reply.json()['error']]).toEqual([500, expect.objectContaining({ code: 'internal' })]);
    expect(reply.body + gateway.log.join('')).not.toContain('canary');
    expect(gateway.log.join('')).toContain('TypeError');
    expect((await gateway.metrics.exposition()).text).toContain('farthing_internal_faults_total 1');
  });
});

function ok(sink: ReplySink): void {
  sink.head({ status: 200, headers: { 'content-length': '2' } });
  sink.write(Buffer.from('{}'));
  sink.end();
}

/** Makes a call and goes away with the first byte of the answer. */
function leave(port: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      const head = `POST /v1/responses HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${KEY}\r\nContent-Type: application/json\r\n`;
      socket.write(`${head}Content-Length: 2\r\n\r\n{}`);
    });
    socket.on('data', () => socket.destroy());
    socket.on('close', () => resolve());
  });
}

describe('what is not a metered call', () => {
  const authorization = `Bearer ${KEY}`;
  const anthropic = { authorization, 'anthropic-version': '2023-06-01' };

  test.each([
    ['GET', '/v1/chat/completions', 405],
    ['DELETE', '/v1/messages', 405],
    ['POST', '/v1/audio/speech', 404],
    ['GET', '/v1/files', 404],
    ['POST', '/v1/chat/completions/', 404],
    ['POST', '/V1/CHAT/COMPLETIONS', 404],
    ['GET', '/v1', 404],
    ['GET', '/', 404],
    ['GET', '/favicon.ico', 404],
    ['GET', '/%ZZ', 400],
  ])('%s %s gets %i in the shape of OpenAI', async (method, path, status) => {
    const reply = await ask(gateway.url, { method, path, headers: { authorization } });
    expect(reply.status).toBe(status);
    expect(reply.json()).toMatchObject({ error: { message: expect.any(String), type: expect.any(String) } });
  });

  test.each([
    ['/v1/messages/batches', { authorization }],
    ['/v1/unknown', anthropic],
    ['/v1/models/nothing', anthropic],
  ])('%s gets 404 in the shape of Anthropic for its clients', async (path, headers) => {
    const reply = await ask(gateway.url, { path, headers });
    expect(reply.status).toBe(404);
    expect(reply.json()).toMatchObject({ type: 'error', error: { type: 'not_found_error' } });
  });

  test('models are listed: aliases and what the catalogue knows, in the shape that was asked in', async () => {
    const openai = (await ask(gateway.url, { path: '/v1/models', headers: { authorization } })).body;
    expect(openai).toContain('{"id":"house","object":"model"');
    expect(openai).toContain('"id":"gpt-5.4-mini"');
    const none = await ask(gateway.url, { path: '/v1/models', headers: anthropic });
    expect(none.json()).toMatchObject({ data: [], has_more: false }); // no provider speaks it
    const one = await ask(gateway.url, { path: '/v1/models/openai/gpt-5.4-mini', headers: { authorization } });
    expect(one.json()).toMatchObject({ id: 'openai/gpt-5.4-mini', object: 'model', owned_by: 'openai' });
  });

  test('a key sees only the models that it may ask for', async () => {
    await gateway.keys.put(keyRecord('fk-limited', { keyId: 'd', allowedModels: ['house'] }));
    const headers = { authorization: 'Bearer fk-limited' };
    const { body } = await ask(gateway.url, { path: '/v1/models', headers });
    expect(JSON.parse(body)).toMatchObject({ data: [{ id: 'house' }] });
    expect((await ask(gateway.url, { path: '/v1/models/gpt-5.4-mini', headers })).status).toBe(404);
  });

  test('the record of a call is there for its project and for nobody else', async () => {
    gateway.engine.records.set('call_1', callRecord({ project: 'tests' }));
    const path = '/v1/farthing/calls/call_1';
    const own = await ask(gateway.url, { path, headers: { authorization } });
    expect(own.json()).toMatchObject({ callId: 'call_1', outcome: 'complete' });
    const other = await ask(gateway.url, { path, headers: { authorization: 'Bearer fk-configured' } });
    const none = await ask(gateway.url, { path: `${path}0`, headers: { authorization } });
    expect([other.status, none.status, other.body]).toEqual([404, 404, none.body]);
  });

  test('readiness follows the ledger', async () => {
    expect((await ask(gateway.url, { path: '/readyz' })).json()).toEqual({ status: 'ready' });
    gateway.ledgerTrouble.error = new Error('canary of the disk');
    const reply = await ask(gateway.url, { path: '/readyz' });
    gateway.ledgerTrouble.error = undefined;
    expect([reply.status, reply.body]).toEqual([503, expect.not.stringContaining('canary')]);
    expect((await ask(gateway.url, { path: '/healthz' })).status).toBe(200);
  });
});
