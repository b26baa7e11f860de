import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import OpenAI from 'openai';
import { expect, onTestFinished, test } from 'vitest';
import type { ReplySink } from '../../src/ports/reply-sink.ts';
import { ADMIN_KEY, ask, chat, type Fixture, KEY, keyRecord, type Reply, startFixture } from './gateway-fixture.ts';

/** A gateway whose calls end when the test says so. */
interface Stage {
  readonly gateway: Fixture;
  /** Calls that run, in the order in which they began, by their body's `n`. */
  readonly begun: number[];
  /** Ends the oldest call under way. */
  endOne(): void;
  /** From now on calls end by themselves, those under way at once. */
  endAll(): void;
}

async function start(yaml: string): Promise<Stage> {
  const gateway = await startFixture(yaml);
  onTestFinished(() => gateway.close());
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  let isOpen = false;
  gateway.engine.answer = async (request, sink) => {
    const body: { readonly n?: number } = JSON.parse(Buffer.from(request.body).toString());
    begun.push(body.n ?? 0);
    if (!isOpen) await new Promise<void>((resolve) => void ends.push(resolve));
    ok(sink);
  };
  const endAll = (): void => {
    isOpen = true;
    for (const end of ends.splice(0)) end();
  };
  return { gateway, begun, endOne: () => ends.shift()?.(), endAll };
}

function ok(sink: ReplySink): void {
  sink.head({ status: 200, headers: { 'content-type': 'application/json', 'content-length': '2' } });
  sink.write(Buffer.from('{}'));
  sink.end();
}

/** Call number `n`. */
function call({ url }: Fixture, n: number, headers: Readonly<Record<string, string>> = {}): Promise<Reply> {
  return chat(url, { body: JSON.stringify({ model: 'm', n }), headers });
}

const BATCH = { 'x-farthing-priority': 'batch' };

async function metric({ metrics }: Fixture, line: string): Promise<number> {
  const { text } = await metrics.exposition();
  const found = text.split('\n').find((candidate) => candidate.startsWith(`${line} `));
  return Number(found?.slice(line.length + 1) ?? 0);
}

async function untilQueued(gateway: Fixture, count: number): Promise<void> {
  await expect.poll(() => metric(gateway, 'farthing_calls_queued'), { timeout: 5000, interval: 10 }).toBe(count);
}

function statuses(replies: readonly Reply[]): readonly number[] {
  return replies.map(({ status }) => status);
}

test('of a burst some run, some wait and the rest gets 503 at once; then all is as if nothing had happened', async () => {
  const { gateway, begun, endOne, endAll } = await start('limits: { maxInFlight: 2, maxQueued: 3, queueWait: 60s }\n');
  const burst = Array.from({ length: 10 }, (_, n) => call(gateway, n));
  const refused: Reply[] = [];
  for (const one of burst) void one.then((reply) => refused.push(reply));
  await expect.poll(() => refused.length).toBe(5);
  expect(statuses(refused)).toEqual([503, 503, 503, 503, 503]);
  for (const { headers, body } of refused) {
    expect(headers['retry-after']).toMatch(/^[1-9]\d?$/);
    expect(headers['x-should-retry']).toBeUndefined();
    expect(body).toContain('too many calls at a time');
  }
  await untilQueued(gateway, 3);
  expect([begun.length, gateway.server.inFlight()]).toEqual([2, 2]);
  endOne();
  await expect.poll(() => begun.length).toBe(3);
  expect(gateway.server.inFlight()).toBe(2);
  endAll();
  const answered = statuses(await Promise.all(burst)).filter((status) => status === 200);
  expect(answered).toHaveLength(5);
  expect(statuses(await Promise.all([call(gateway, 11), call(gateway, 12, BATCH)]))).toEqual([200, 200]);
  expect(gateway.server.inFlight()).toBe(0);
  expect(await metric(gateway, 'farthing_calls_shed_total{reason="queue-full",priority="interactive"}')).toBe(5);
  expect(await metric(gateway, 'farthing_queue_wait_seconds_count{priority="interactive"}')).toBe(3);
  expect(gateway.log.filter((line) => line.includes('all slots are taken'))).toHaveLength(1);
});

test('interactive calls begin before those of a batch, whether the call or its key says so', async () => {
  const yaml = 'limits: { maxInFlight: 1, queueWait: 60s }\nkeys: [{ name: night, key: fk-night, priority: batch }]\n';
  const { gateway, begun, endAll } = await start(yaml);
  await gateway.keys.put(keyRecord('fk-stored', { keyId: 'key_b', priority: 'batch' }));
  const calls = [call(gateway, 0)];
  await expect.poll(() => begun.length).toBe(1);
  const waiting: readonly Readonly<Record<string, string>>[] = [
    BATCH,
    { authorization: 'Bearer fk-night' },
    { authorization: 'Bearer fk-stored', 'x-farthing-priority': 'interactive' },
    {},
    { 'x-farthing-priority': 'interactive' },
  ];
  for (const [index, headers] of waiting.entries()) {
    calls.push(call(gateway, index + 1, headers));
    await untilQueued(gateway, index + 1);
  }
  endAll();
  expect(statuses(await Promise.all(calls))).toEqual([200, 200, 200, 200, 200, 200]);
  expect(begun).toEqual([0, 4, 5, 1, 2, 3]);
});

test('in a full queue an interactive call takes the place of the youngest call of a batch', async () => {
  const { gateway, begun, endAll } = await start('limits: { maxInFlight: 1, maxQueued: 2, queueWait: 60s }\n');
  const first = call(gateway, 0);
  await expect.poll(() => begun.length).toBe(1);
  const older = call(gateway, 1, BATCH);
  await untilQueued(gateway, 1);
  const younger = call(gateway, 2, BATCH);
  await untilQueued(gateway, 2);
  const interactive = call(gateway, 3);
  expect((await younger).status).toBe(503);
  endAll();
  expect(statuses(await Promise.all([first, older, interactive]))).toEqual([200, 200, 200]);
  expect(begun).toEqual([0, 3, 1]);
});

test.each([
  ['/v1/chat/completions', { error: { param: 'x-farthing-priority', type: 'invalid_request_error' } }],
  ['/v1/messages', { type: 'error', error: { type: 'invalid_request_error' } }],
])('a priority that is none gets 400 on %s in the shape of its protocol, and names the header', async (path, shape) => {
  const { gateway } = await start('');
  const reply = await chat(gateway.url, { path, headers: { 'x-farthing-priority': 'high' } });
  expect([reply.status, reply.json()]).toMatchObject([400, shape]);
  expect(reply.body).toContain('x-farthing-priority is interactive or batch');
  expect(gateway.engine.requests).toEqual([]);
});

test('a call whose turn does not come in time gets 503', async () => {
  const { gateway, begun, endAll } = await start('limits: { maxInFlight: 1, queueWait: 50ms }\n');
  const first = call(gateway, 0);
  await expect.poll(() => begun.length).toBe(1);
  const late = await call(gateway, 1);
  expect([late.status, late.headers['retry-after']]).toEqual([503, expect.stringMatching(/^[1-9]\d?$/)]);
  endAll();
  expect((await first).status).toBe(200);
  expect(begun).toEqual([0]);
  expect(await metric(gateway, 'farthing_calls_shed_total{reason="queue-timeout",priority="interactive"}')).toBe(1);
});

/** Sends the beginning of a call: its head, and of its body what is given. */
function open(
  gateway: Fixture,
  bodyStart: string,
  sizeBytes: number,
  secret = KEY,
  path = '/v1/chat/completions',
): Promise<Socket> {
  const head = `POST ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${secret}\r\nContent-Type: application/json\r\n`;
  return new Promise((resolve, reject) => {
    const socket = connect(gateway.port, '127.0.0.1', () => {
      socket.write(`${head}Content-Length: ${sizeBytes}\r\n\r\n${bodyStart}`);
      resolve(socket);
    });
    socket.on('error', reject);
  });
}

test('a client that leaves the queue frees its place at once, and its call never begins', async () => {
  const { gateway, begun, endAll } = await start('limits: { maxInFlight: 1, maxQueued: 1, queueWait: 60s }\n');
  const first = call(gateway, 0);
  await expect.poll(() => begun.length).toBe(1);
  const socket = await open(gateway, '{"n":1}', 7);
  await untilQueued(gateway, 1);
  socket.destroy();
  await untilQueued(gateway, 0);
  const next = call(gateway, 2);
  await untilQueued(gateway, 1);
  endAll();
  expect(statuses(await Promise.all([first, next]))).toEqual([200, 200]);
  expect(begun).toEqual([0, 2]);
  expect(await metric(gateway, 'farthing_calls_shed_total{reason="queue-timeout",priority="interactive"}')).toBe(0);
});

test('a refusal does not wait for the body', async () => {
  const { gateway, begun, endAll } = await start('limits: { maxInFlight: 1, maxQueued: 0 }\n');
  const first = call(gateway, 0);
  await expect.poll(() => begun.length).toBe(1);
  const socket = await open(gateway, '{', 5_000_000);
  const [answer] = await new Promise<readonly Buffer[]>(
    (resolve) => void socket.once('data', (chunk) => resolve([chunk])),
  );
  expect(answer?.toString()).toMatch(/^HTTP\/1\.1 503 /);
  socket.destroy();
  endAll();
  expect((await first).status).toBe(200);
});

test('a key that is revoked while its call waits is refused', async () => {
  const { gateway, begun, endAll } = await start(
    'providers: { nobody: { protocol: openai, baseUrl: "http://127.0.0.1:1/v1", apiKey: sk-p } }\n' +
      'passThrough: [{ path: "/v1/images/*", provider: nobody }]\nlimits: { maxInFlight: 1, queueWait: 60s }\n',
  );
  await gateway.keys.put(keyRecord('fk-leaver', { keyId: 'key_l' }));
  const first = call(gateway, 0);
  await expect.poll(() => begun.length).toBe(1);
  const waiting = call(gateway, 1, { authorization: 'Bearer fk-leaver' });
  await untilQueued(gateway, 1);
  const headers = { authorization: 'Bearer fk-leaver' };
  const passed = chat(gateway.url, { path: '/v1/images/generations', headers });
  await untilQueued(gateway, 2);
  await gateway.keys.put(keyRecord('fk-leaver', { keyId: 'key_l', revokedAtMs: 1 }));
  const models = async (): Promise<number> => (await ask(gateway.url, { path: '/v1/models', headers })).status;
  await expect.poll(models, { timeout: 5000, interval: 50 }).toBe(401);
  endAll();
  expect(statuses(await Promise.all([first, waiting, passed]))).toEqual([200, 401, 401]);
  expect(gateway.server.inFlight()).toBe(0);
});

test('a client that leaves while its key is looked up holds no slot', async () => {
  const { gateway, endAll } = await start('limits: { maxInFlight: 1, maxQueued: 0 }\n');
  endAll();
  let lookUp: () => void = () => undefined;
  const asked = new Promise<void>((isAsked) => {
    gateway.keys.findBySecretHash = async () => {
      isAsked();
      await new Promise<void>((resolve) => (lookUp = resolve));
      return keyRecord('fk-slow');
    };
  });
  const socket = await open(gateway, '{', 100, 'fk-slow');
  await asked;
  socket.destroy();
  await new Promise((resolve) => setTimeout(resolve, 50));
  lookUp();
  await nextTurn();
  expect(gateway.server.inFlight()).toBe(0);
});

test('embeddings and what is passed through take slots and turns like all calls', async () => {
  const upstream = createServer((_request, response) => response.end('image'));
  await new Promise<void>((resolve) => void upstream.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void upstream.close());
  const address = upstream.address();
  const base = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/v1`;
  const { gateway, begun, endAll } = await start(
    `providers: { openai: { protocol: openai, baseUrl: "${base}", apiKey: sk-p } }\n` +
      'passThrough: [{ path: "/v1/images/*", provider: openai }]\nlimits: { maxInFlight: 1, maxQueued: 2, queueWait: 60s }\n',
  );
  const first = chat(gateway.url, { path: '/v1/embeddings', body: '{"n":0}' });
  await expect.poll(() => begun.length).toBe(1);
  const image = (): Promise<Reply> => chat(gateway.url, { path: '/v1/images/generations', body: '{}', headers: BATCH });
  const waiting = [image()];
  await untilQueued(gateway, 1);
  waiting.push(chat(gateway.url, { path: '/v1/embeddings', body: '{"n":1}' }));
  await untilQueued(gateway, 2);
  expect((await image()).status).toBe(503);
  const wrong = await chat(gateway.url, { path: '/v1/images/x', headers: { 'x-farthing-priority': '' } });
  expect(wrong.status).toBe(400);
  endAll();
  const replies = await Promise.all([first, ...waiting]);
  expect(replies.map(({ status, body }) => [status, body])).toEqual([
    [200, '{}'],
    [200, 'image'],
    [200, '{}'],
  ]);
  expect([begun, gateway.server.inFlight()]).toEqual([[0, 1], 0]);
});

test('a client that leaves the queue with a request to pass through leaves nothing behind', async () => {
  const { gateway, begun, endAll } = await start(
    'passThrough: [{ path: "/v1/images/*", provider: openai }]\nlimits: { maxInFlight: 1, queueWait: 60s }\n',
  );
  const first = call(gateway, 0);
  await expect.poll(() => begun.length).toBe(1);
  const socket = await open(gateway, '{}', 2, KEY, '/v1/images/generations');
  await untilQueued(gateway, 1);
  socket.destroy();
  await untilQueued(gateway, 0);
  endAll();
  expect(statuses([await first, await call(gateway, 1)])).toEqual([200, 200]);
  expect([gateway.server.inFlight(), await metric(gateway, 'farthing_internal_faults_total')]).toEqual([0, 0]);
});

/** Nobody else of this process gets a turn for so long, several times. */
async function hogLoop(times: number, lengthMs: number): Promise<void> {
  for (let time = 0; time < times; time += 1) {
    const end = performance.now() + lengthMs;
    while (performance.now() < end);
    await nextTurn();
  }
}

test('a loop that stays late sheds new calls, not those under way, health, metrics and administration, and recovers by itself', async () => {
  const { gateway, begun, endAll } = await start('limits: { maxLoopLag: 400ms }\n');
  const running = call(gateway, 0);
  await expect.poll(() => begun.length).toBe(1);
  await hogLoop(5, 900);
  const [shed, ready, health, metrics, stats] = await Promise.all([
    call(gateway, 1),
    ask(gateway.url, { path: '/readyz' }),
    ask(gateway.url, { path: '/healthz' }),
    ask(gateway.url, { path: '/metrics' }),
    ask(gateway.url, { path: '/admin/v1/stats', headers: { 'x-api-key': ADMIN_KEY } }),
  ]);
  expect([shed.status, shed.headers['retry-after'], shed.body]).toEqual([503, '2', expect.stringContaining('behind')]);
  expect(statuses([ready, health, metrics, stats])).toEqual([503, 200, 200, 200]);
  expect(metrics.body).toMatch(/farthing_loop_lag_seconds (?:0\.[4-9]|[1-9])/);
  endAll();
  expect((await running).status).toBe(200);
  await expect.poll(async () => (await call(gateway, 2)).status, { timeout: 15_000, interval: 100 }).toBe(200);
  expect((await ask(gateway.url, { path: '/readyz' })).status).toBe(200);
  expect(begun).toEqual([0, 2]);
  expect(gateway.log.join('')).toContain('calls are no longer shed');
});

test('short memory sheds calls of a batch first, then all new calls, and ends when there is room again', async () => {
  const { gateway, endAll } = await start('limits: { maxLoopLag: 60s }\n');
  endAll();
  const both = async (): Promise<readonly number[]> =>
    statuses(await Promise.all([call(gateway, 0), call(gateway, 1, BATCH)]));
  expect(await both()).toEqual([200, 200]);
  gateway.memory.ratio = 0.85;
  await expect.poll(both, { timeout: 10_000, interval: 50 }).toEqual([200, 503]);
  expect((await ask(gateway.url, { path: '/readyz' })).status).toBe(200);
  gateway.memory.ratio = 0.92;
  await expect.poll(both, { timeout: 10_000, interval: 50 }).toEqual([503, 503]);
  const refused = await call(gateway, 2);
  expect([refused.headers['retry-after'], refused.body]).toEqual(['5', expect.stringContaining('short of memory')]);
  expect((await ask(gateway.url, { path: '/readyz' })).status).toBe(503);
  gateway.memory.ratio = 0.5;
  await expect.poll(both, { timeout: 10_000, interval: 50 }).toEqual([200, 200]);
  expect((await ask(gateway.url, { path: '/readyz' })).status).toBe(200);
});

test('a gateway that stops empties its queue with 503 and ends the calls under way', async () => {
  const { gateway, begun, endAll } = await start('limits: { maxInFlight: 1, queueWait: 60s }\n');
  const first = call(gateway, 0);
  await expect.poll(() => begun.length).toBe(1);
  const waiting = [call(gateway, 1), call(gateway, 2, BATCH)];
  await untilQueued(gateway, 2);
  const closed = gateway.server.close(10_000);
  const replies = await Promise.all(waiting);
  expect(statuses(replies)).toEqual([503, 503]);
  for (const { body } of replies) expect(body).toContain('the gateway is stopping');
  endAll();
  expect((await first).status).toBe(200);
  await closed;
  expect(await metric(gateway, 'farthing_calls_shed_total{reason="draining",priority="batch"}')).toBe(1);
});

test('the official client comes again as it is told and gets its answer', async () => {
  const { gateway, begun, endAll } = await start('limits: { maxInFlight: 1, maxQueued: 0 }\n');
  const first = call(gateway, 0);
  await expect.poll(() => begun.length).toBe(1);
  const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: KEY, maxRetries: 5 });
  const answer = client.chat.completions.create({ model: 'm', messages: [] });
  const shed = 'farthing_calls_shed_total{reason="queue-full",priority="interactive"}';
  await expect.poll(() => metric(gateway, shed), { timeout: 5000 }).toBeGreaterThan(0);
  endAll();
  expect([(await first).status, await answer]).toEqual([200, {}]);
});
