import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FarthingError } from '../../src/core/errors.ts';
import { nanoUsd } from '../../src/core/money.ts';
import { usageOf } from '../../src/core/model/usage.ts';
import {
  ADMIN_KEY,
  ask,
  callRecord,
  chat,
  type Fixture,
  keyRecord,
  type Reply,
  startFixture,
} from './gateway-fixture.ts';

let gateway: Fixture;

beforeAll(async () => {
  gateway = await startFixture();
});
afterAll(async () => gateway.close());

function admin(method: string, path: string, body?: unknown): Promise<Reply> {
  const type = body === undefined ? {} : { 'content-type': 'application/json' };
  return ask(gateway.url, {
    method,
    path: `/admin/v1${path}`,
    headers: { 'x-api-key': ADMIN_KEY, ...type },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
}

const refusal = async (reply: Promise<Reply>): Promise<unknown[]> => {
  const { status, body } = await reply;
  const { error }: { readonly error?: { readonly param?: unknown } } = JSON.parse(body);
  return [status, error?.param];
};

describe('keys', () => {
  test('are created, work, are listed without their secret, and stop when revoked', async () => {
    const made = await admin('POST', '/keys', {
      name: 'search',
      project: 'shop',
      pinnedTags: { feature: 'search' },
      allowedModels: ['house'],
    });
    expect(made.status).toBe(201);
    const { key, secret } = made.json() as { key: { keyId: string }; secret: string };
    expect(secret).toMatch(/^fk-/);
    const headers = { authorization: `Bearer ${secret}` };
    expect((await chat(gateway.url, { headers })).status).toBe(200);
    expect(gateway.engine.requests.at(-1)?.caller).toMatchObject({
      project: 'shop',
      pinnedTags: { feature: 'search' },
      allowedModels: ['house'],
    });
    const listed = await admin('GET', '/keys');
    expect(listed.body).toContain(key.keyId);
    expect(listed.body).not.toContain('ecret');
    expect((await admin('DELETE', `/keys/${key.keyId}`)).status).toBe(200);
    const status = async (): Promise<number> => (await chat(gateway.url, { headers })).status;
    await expect.poll(status, { timeout: 1000, interval: 50 }).toBe(401);
    expect(gateway.log.join('')).not.toContain(secret);
  });

  test('may be made for calls of a batch', async () => {
    const made = await admin('POST', '/keys', { name: 'night', priority: 'batch' });
    expect([made.status, made.json()]).toMatchObject([201, { key: { priority: 'batch' } }]);
    const headers = { authorization: `Bearer ${String(made.json()['secret'])}` };
    expect((await chat(gateway.url, { headers })).status).toBe(200);
    expect(gateway.engine.requests.at(-1)?.caller.priority).toBe('batch');
  });

  test('are rotated: both work for the time of grace', async () => {
    await gateway.keys.put(keyRecord('fk-old', { keyId: 'key_old', requiredTags: ['user'] }));
    const rotated = await admin('POST', '/keys/key_old/rotate', { graceMs: 60_000 });
    expect(rotated.status).toBe(201);
    const { secret } = rotated.json() as { secret: string };
    const statuses = await Promise.all(
      ['fk-old', secret].map(
        async (key) => (await chat(gateway.url, { headers: { authorization: `Bearer ${key}` } })).status,
      ),
    );
    expect(statuses).toEqual([200, 200]);
    expect(rotated.json()).toMatchObject({ key: { requiredTags: ['user'] }, retired: { keyId: 'key_old' } });
  });

  test.each([
    [{}, 'name'],
    [{ name: '' }, 'name'],
    [{ name: 'x'.repeat(129) }, 'name'],
    [{ name: 'a', project: 7 }, 'project'],
    [{ name: 'a', expiresAt: 'soon' }, 'expiresAt'],
    [{ name: 'a', expiresAt: -1 }, 'expiresAt'],
    [{ name: 'a', allowedModels: 'gpt' }, 'allowedModels'],
    [{ name: 'a', allowedModels: ['a b'] }, 'allowedModels'],
    [{ name: 'a', pinnedTags: { User: 'x' } }, 'pinnedTags'],
    [{ name: 'a', requiredTags: ['user', 1] }, 'requiredTags'],
    [{ name: 'a', priority: 'high' }, 'priority'],
    [{ name: 'a', secret: 'mine' }, 'secret'],
    [[], 'body'],
  ])('are refused for %o, naming the field', async (body, param) => {
    expect(await refusal(admin('POST', '/keys', body))).toEqual([400, param]);
  });

  test.each(['{', '{"name":"a","__proto__":{}}', ''])('are refused for the body %s', async (body) => {
    expect((await refusal(admin('POST', '/keys', body)))[0]).toBe(400);
  });

  test('that do not exist cannot be revoked or rotated', async () => {
    expect((await admin('DELETE', '/keys/key_nobody')).status).toBe(404);
    expect((await admin('POST', '/keys/key_nobody/rotate', {})).status).toBe(404);
  });
});

describe('the cache', () => {
  test('says what it holds', async () => {
    expect((await admin('GET', '/cache')).json()).toEqual({
      mode: 'deterministic',
      memory: { entries: 3, sizeBytes: 4096 },
    });
  });

  test('is deleted from by key, project, tag, and wholly only when that is said', async () => {
    const key = 'a'.repeat(64);
    gateway.cache.removals.length = 0;
    expect((await admin('DELETE', `/cache/${key}`)).json()).toEqual({ removed: 1 });
    expect((await admin('DELETE', `/cache/${'b'.repeat(64)}`)).status).toBe(404);
    expect((await admin('DELETE', '/cache?project=shop')).json()).toEqual({ removed: 7 });
    expect((await admin('DELETE', '/cache?project=shop&tag=user:a:b')).status).toBe(200);
    expect((await admin('DELETE', '/cache?all=true')).status).toBe(200);
    expect(gateway.cache.removals.slice(2)).toEqual([
      { project: 'shop' },
      { project: 'shop', tag: { name: 'user', value: 'a:b' } },
      {},
    ]);
  });

  test.each(['/cache', '/cache?all=yes', '/cache?tag=user', '/cache?everything=true', '/cache/xyz'])(
    'is not deleted from by %s',
    async (path) => {
      gateway.cache.removals.length = 0;
      expect((await admin('DELETE', path)).status).toBe(400);
      expect(gateway.cache.removals).toEqual([]);
    },
  );
});

describe('the ledger', () => {
  test('is read by page and reported on; big sums are written out', async () => {
    gateway.ledger.record(callRecord({ callId: 'call_a', atMs: 1000 }));
    gateway.ledger.record(callRecord({ callId: 'call_b', atMs: 2000, project: 'shop' }));
    await gateway.ledger.flush();
    const newest = await admin('GET', '/ledger/calls?limit=1');
    expect(newest.json()).toMatchObject({ calls: [{ callId: 'call_b' }] });
    expect((await admin('GET', '/ledger/calls?project=tests')).json()).toMatchObject({ calls: [{ callId: 'call_a' }] });
    expect((await admin('GET', '/ledger/charges?from=2026-01-01')).json()).toEqual({ charges: [] });
    const report = await admin('GET', '/ledger/report?by=project');
    expect(report.body).toContain('"costNanoUsd":"0"');
  });

  test.each([
    ['/ledger/calls?limit=0', 'limit'],
    ['/ledger/calls?limit=1001', 'limit'],
    ['/ledger/calls?limit=1&limit=2', 'limit'],
    ['/ledger/calls?order=up', 'order'],
    ['/ledger/charges?from=yesterday', 'from'],
    ['/ledger/charges?projekt=a', 'projekt'],
    ['/ledger/report?by=prompt', 'by'],
    ['/ledger/report?by=tag:', 'by'],
  ])('refuses %s, naming what is wrong', async (path, param) => {
    expect(await refusal(admin('GET', path))).toEqual([400, param]);
  });
});

describe('the rest', () => {
  test('configuration is shown as explained, without secrets', async () => {
    expect((await admin('GET', '/config')).json()).toEqual({
      values: [{ path: 'version', value: '1', origin: { kind: 'default' } }],
    });
  });

  test('a reload is done, or refused with the reason', async () => {
    expect((await admin('POST', '/reload')).json()).toEqual({ reloaded: true });
    gateway.reloads.error = new FarthingError('configuration', 'farthing.yaml:3:1 cash: is not known', { status: 409 });
    const refused = await admin('POST', '/reload');
    gateway.reloads.error = undefined;
    expect([refused.status, refused.body, gateway.reloads.count]).toEqual([
      409,
      expect.stringContaining('farthing.yaml:3:1'),
      1,
    ]);
  });

  test('a body over 1 MB and one that is no JSON are refused', async () => {
    expect((await admin('POST', '/keys', { name: 'x'.repeat(1_000_000) })).status).toBe(413);
    const reply = await ask(gateway.url, {
      method: 'POST',
      path: '/admin/v1/keys',
      headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'text/plain' },
      body: '{}',
    });
    expect(reply.status).toBe(415);
  });

  test('stats add calls up', async () => {
    gateway.metrics.emit({
      kind: 'call-finished',
      record: callRecord({ costNanoUsd: nanoUsd(5), usage: usageOf({ input: 3 }) }),
    });
    expect((await admin('GET', '/stats')).json()).toMatchObject({
      inFlight: 0,
      isDraining: false,
      calls: [{ endpoint: 'chat', provider: 'openai', calls: 1, costNanoUsd: 5, usage: { input: 3 } }],
    });
  });
});

test('without an admin key there is no admin API', async () => {
  const bare = await startFixture('admin:\n');
  const reply = await ask(bare.url, { path: '/admin/v1/keys', headers: { authorization: `Bearer ${ADMIN_KEY}` } });
  await bare.close();
  expect([reply.status, reply.body]).toEqual([403, expect.stringContaining('admin.key')]);
});

test('beyond loopback the metrics take the admin key; health stays open', async () => {
  const open = await startFixture('listen: 0.0.0.0:0\n');
  const url = open.url.replace('0.0.0.0', '127.0.0.1');
  const statuses = [
    await ask(url, { path: '/metrics' }),
    await ask(url, { path: '/metrics', headers: { authorization: `Bearer ${ADMIN_KEY}` } }),
    await ask(url, { path: '/healthz', headers: { host: '10.1.2.3:4141' } }),
    await ask(url, { path: '/healthz', headers: { host: 'rebound.example.com' } }),
  ].map(({ status }) => status);
  await open.close();
  expect(statuses).toEqual([401, 200, 200, 403]);
});
