import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ENDPOINTS } from '../../src/core/model/protocol.ts';
import type { HttpRoute } from '../../src/gateway/http-route.ts';
import { ADMIN_KEY, ask, chat, type Fixture, KEY, keyRecord, raw, startFixture } from './gateway-fixture.ts';

let gateway: Fixture;

beforeAll(async () => {
  gateway = await startFixture(
    'limits: { maxBody: 10KB, headersTimeout: 500ms, requestTimeout: 1s }\nallowedHosts: [llm.example.org]\n',
  );
});
afterAll(async () => gateway.close());

/** Every route, but for methods that Node's client cannot send or that the guard refuses as such. */
function routes(): readonly HttpRoute[] {
  const refused = new Set(['CONNECT', 'TRACE', 'OPTIONS']);
  return gateway.server.routes.filter(({ method }) => !refused.has(method));
}

/** Asks every route and gives those that answer anything but `status`. */
async function exceptions(
  status: number,
  headers: Record<string, string>,
  some = routes(),
): Promise<readonly string[]> {
  const answers = some.map(async ({ method, path }) => {
    const reply = await ask(gateway.url, { method, path: concrete(path), headers: { ...JSON_TYPE, ...headers } });
    return reply.status === status ? [] : [`${method} ${path} ${reply.status}`];
  });
  return (await Promise.all(answers)).flat();
}

const concrete = (path: string): string => path.replace('*', 'audio/speech').replaceAll(/:\w+/g, 'x');

const JSON_TYPE = { 'content-type': 'application/json' };

describe('every route', () => {
  test('is walked: metered, admin, models, calls, health', () => {
    expect(routes().length).toBeGreaterThan(25);
    expect(new Set(routes().map(({ access }) => access))).toEqual(new Set(['open', 'operator', 'key', 'admin']));
  });

  test('refuses a foreign Host, whatever key comes with it', async () => {
    expect(await exceptions(403, { host: 'evil.example.com', authorization: `Bearer ${ADMIN_KEY}` })).toEqual([]);
  });

  test.each([{ origin: 'http://evil.example.com' }, { origin: 'null' }, { 'sec-fetch-site': 'same-site' }])(
    'refuses requests of web pages: %o',
    async (page) => {
      expect(await exceptions(403, { ...page, authorization: `Bearer ${KEY}` })).toEqual([]);
    },
  );

  test('demands a key, but for the three that say they are open', async () => {
    const open = await exceptions(401, {});
    expect(open.toSorted()).toEqual(['GET /healthz 200', 'GET /metrics 200', 'GET /readyz 200']);
  });

  test('says what it may cost: metered endpoints are charged, the rest of /v1 is unmetered, everything else asks no provider', () => {
    const charged = Object.values(ENDPOINTS).map(({ clientPath }) => `POST ${clientPath}`);
    const named = (metering: string): readonly string[] =>
      routes().flatMap((route) => (route.metering === metering ? [`${route.method} ${route.path}`] : []));
    expect(named('charged').toSorted()).toEqual(charged.toSorted());
    expect(named('unmetered').every((name) => name.endsWith(' /v1/*'))).toBe(true);
    expect(named('unmetered').length + named('none').length).toBe(routes().length - charged.length);
  });

  test('refuses a wrong key, and one that was revoked or has expired', async () => {
    await gateway.keys.put(keyRecord('fk-revoked', { keyId: 'revoked', revokedAtMs: 1 }));
    await gateway.keys.put(keyRecord('fk-expired', { keyId: 'expired', expiresAtMs: 1 }));
    const open = ['GET /healthz 200', 'GET /metrics 200', 'GET /readyz 200'];
    for (const secret of ['wrong', 'fk-revoked', 'fk-expired', `${KEY}x`, KEY.slice(0, -1), '']) {
      // oxlint-disable-next-line no-await-in-loop -- the names of the exceptions are compared by key
      expect((await exceptions(401, { authorization: `Bearer ${secret}` })).toSorted()).toEqual(open);
    }
  });

  test('of callers keeps the admin key out: it is for the admin API alone', async () => {
    const callers = routes().filter(({ access }) => access === 'key');
    expect(await exceptions(401, { authorization: `Bearer ${ADMIN_KEY}` }, callers)).toEqual([]);
  });

  test('of the admin API keeps callers out', async () => {
    const admin = routes().filter(({ access }) => access === 'admin');
    expect(await exceptions(401, { authorization: `Bearer ${KEY}` }, admin)).toEqual([]);
  });

  test.each([
    ['oversized', 99_999_999_999],
    ['slow', 50],
  ])('lets go of a body that is %s, and takes nothing of it', async (_what, length) => {
    const before = gateway.engine.requests.length;
    const answers = routes().map(async ({ method, path, access }) => {
      const key = `Authorization: Bearer ${access === 'admin' ? ADMIN_KEY : KEY}`;
      const lines = `Host: localhost\r\n${key}\r\nContent-Type: application/json\r\nContent-Length: ${length}`;
      const answer = await raw(gateway.port, `${method} ${concrete(path)} HTTP/1.1\r\n${lines}\r\n\r\n{"model"`);
      const isRefused = /^HTTP\/1.1 4\d\d /.test(answer);
      return isRefused || method === 'GET' ? [] : [`${method} ${path} ${answer.slice(0, 15)}`];
    });
    expect((await Promise.all(answers)).flat()).toEqual([]);
    expect(gateway.engine.requests.length).toBe(before);
    await expect.poll(() => gateway.server.inFlight()).toBe(0);
  });

  test('answers nothing that opens it to other origins', async () => {
    const replies = [
      await chat(gateway.url),
      await ask(gateway.url, { path: '/healthz' }),
      await ask(gateway.url, { method: 'OPTIONS' }),
    ];
    const names = replies.flatMap(({ headers }) => Object.keys(headers));
    expect(names.filter((name) => name.startsWith('access-control-'))).toEqual([]);
    expect(replies[2]?.status).toBe(405);
  });
});

describe('the Host', () => {
  test.each(['localhost', 'LOCALHOST:9', '127.0.0.1:80', '[::1]:4141', 'llm.example.org', '127.0.0.2'])(
    '%s is served',
    async (host) => {
      expect((await chat(gateway.url, { headers: { host } })).status).toBe(200);
    },
  );

  test.each(['localhost.evil.com', 'evil.com:4141', '10.0.0.1', 'llm.example.org.evil.com', '.'])(
    '"%s" is not',
    async (host) => {
      expect((await chat(gateway.url, { headers: { host } })).status).toBe(403);
    },
  );

  test('is named exactly once', async () => {
    const twice = await raw(
      gateway.port,
      'GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.com\r\nConnection: close\r\n\r\n',
    );
    const never = await raw(gateway.port, 'GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n');
    expect(twice).toMatch(/^HTTP\/1.1 400 /);
    expect(never).toMatch(/^HTTP\/1.1 400 /);
  });

  test('of an absolute request target is not believed', async () => {
    const answer = await raw(
      gateway.port,
      'GET http://localhost/healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
  });
});

describe('a body', () => {
  test.each([
    ['text/plain', 415],
    ['application/x-www-form-urlencoded', 415],
    ['multipart/form-data; boundary=x', 415],
    ['application/json; charset=latin1', 415],
    ['application/jsonp', 415],
    ['application/json; charset=utf-8', 200],
    ['Application/JSON; charset="UTF-8"', 200],
  ])('of type %s gets %i', async (type, status) => {
    expect((await chat(gateway.url, { headers: { 'content-type': type } })).status).toBe(status);
  });

  test('without a type is refused', async () => {
    const reply = await ask(gateway.url, {
      method: 'POST',
      path: '/v1/responses',
      headers: { authorization: `Bearer ${KEY}` },
      body: '{}',
    });
    expect(reply.status).toBe(415);
  });

  test.each(['gzip', 'br', 'deflate', 'zstd', 'gzip, identity'])('in the coding %s is refused', async (coding) => {
    const reply = await chat(gateway.url, { headers: { 'content-encoding': coding } });
    expect([reply.status, reply.body]).toEqual([415, expect.stringContaining('content-encoding')]);
  });

  test('of exactly the limit is taken, one byte more is refused, by length and by count', async () => {
    const exact = 'x'.repeat(10_000);
    expect((await chat(gateway.url, { body: exact })).json()['bytes']).toBe(10_000);
    const over = await chat(gateway.url, { body: `${exact}x` });
    expect([over.status, over.headers['x-should-retry']]).toEqual([413, 'false']);
    const uncounted = await chat(gateway.url, { body: `${exact}x`, headers: { 'transfer-encoding': 'chunked' } });
    expect(uncounted.status).toBe(413);
  });

  test('that is announced as enormous is refused before it is read', async () => {
    const head = `POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nx-api-key: ${KEY}\r\nContent-Type: application/json\r\n`;
    const answer = await raw(gateway.port, `${head}Content-Length: 99999999999\r\n\r\n{`);
    expect(answer).toMatch(/^HTTP\/1.1 413 /);
    expect(answer).toContain('request_too_large');
  });

  test('never reaches the engine when it was refused', async () => {
    const before = gateway.engine.requests.length;
    await chat(gateway.url, { headers: { 'content-type': 'text/plain' } });
    await chat(gateway.url, { body: 'x'.repeat(10_001) });
    await chat(gateway.url, { headers: { authorization: 'Bearer wrong' } });
    expect(gateway.engine.requests.length).toBe(before);
  });
});

describe('slow and broken clients', () => {
  const head = `POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${KEY}\r\nContent-Type: application/json\r\n`;

  test('a head that does not end is given up with 408', async () => {
    expect(await raw(gateway.port, 'POST /v1/chat/completions HTTP/1.1\r\nHost: loc')).toMatch(
      /^HTTP\/1.1 408 [\s\S]*"error"/,
    );
  });

  test('a body that does not end is given up with 408', async () => {
    expect(await raw(gateway.port, `${head}Content-Length: 50\r\n\r\n{"model"`)).toMatch(/^HTTP\/1.1 408 /);
  });

  test.each([
    ['no HTTP at all', 'hello\r\n\r\n', 400],
    ['a version that does not exist', 'GET / HTTP/9.9\r\nHost: localhost\r\n\r\n', 400],
    ['two lengths', `${head}Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}`, 400],
    ['a length and chunks', `${head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
    ['a bare line feed in the head', 'GET /healthz HTTP/1.1\nHost: localhost\n\n', 400],
    ['a chunk length that is none', `${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n`, 400],
    ['headers over 16 KB', `GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: ${'a'.repeat(17_000)}\r\n\r\n`, 431],
    ['an address over 4 KB', `GET /${'a'.repeat(4096)} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`, 414],
  ])('%s gets a 4xx in shape', async (_what, text, status) => {
    const answer = await raw(gateway.port, text);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} [\\s\\S]*\\{"error":\\{"message"`));
  });

  test('a client that leaves in the middle of its body costs nothing', async () => {
    const before = gateway.engine.requests.length;
    await new Promise<void>((resolve) => {
      const socket = connect(gateway.port, '127.0.0.1', () => {
        socket.write(`${head}Content-Length: 50\r\n\r\n{"model"`, () => setTimeout(() => socket.destroy(), 50));
      });
      socket.on('close', () => resolve());
    });
    await expect.poll(() => gateway.server.inFlight()).toBe(0);
    expect(gateway.engine.requests.length).toBe(before);
  });
});
