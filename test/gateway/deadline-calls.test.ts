import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  ADMIN_KEY,
  type DeadlineStage,
  endWaiting,
  OTHER_KEY,
  QUICK,
  startDeadlineStage,
  sumOf,
} from '../support/deadline-stage.ts';
import { accepted, answered, fieldsOf, PATIENCE, post, postStream } from '../support/deferred-asks.ts';
import { answering, webhookReceiver } from '../support/webhook-receiver.ts';

/** Batches of this one are back at once; of that one they are formed in minutes; of the last they never come back. */
let stage: DeadlineStage;
let patient: DeadlineStage;
let forlorn: DeadlineStage;
let receiver: Awaited<ReturnType<typeof webhookReceiver>>;

beforeAll(async () => {
  receiver = await webhookReceiver(answering(204));
  const webhooks = { urls: [new URL('/', receiver.url).href], secret: '0123456789abcdef' };
  [stage, patient, forlorn] = await Promise.all([
    startDeadlineStage({ batch: { gather: '100ms', webhooks } }),
    startDeadlineStage({ batch: { gather: '5m' } }),
    startDeadlineStage({}, { ...QUICK, neverRatio: 1 }),
  ]);
});

afterAll(async () => {
  receiver.close();
  await Promise.all([stage.close(), patient.close(), forlorn.close()]);
});

test('a call that may wait is taken with a word of where its answer will be', async () => {
  const response = await post(patient, 'count to three', { 'x-farthing-deadline': '6h' });
  const told = await fieldsOf(response);
  const callId = String(told['id']);
  expect(response.status).toBe(202);
  expect(told).toMatchObject({ object: 'farthing.deferred_call', status: 'queued' });
  expect(response.headers.get('location')).toBe(`/v1/farthing/calls/${callId}`);
  expect(response.headers.get('x-farthing-request-id')).toBe(callId);
  expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(response.headers.get('x-farthing-cost-usd')).toBeNull();

  const open = await patient.ask(`/v1/farthing/calls/${callId}`);
  expect(open.status).toBe(202);
  expect(Number(open.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(await fieldsOf(open)).toEqual({
    callId,
    status: 'queued',
    acceptedAt: expect.stringMatching(/Z$/),
    deadlineAt: expect.stringMatching(/Z$/),
    reservedUsd: expect.stringMatching(/^0\.\d+$/),
  });
  const early = await patient.ask(`/v1/farthing/calls/${callId}/response`);
  expect([early.status, early.headers.has('retry-after')]).toEqual([409, true]);
});

test('a call of another project does not exist', async () => {
  const callId = await accepted(patient, 'mine alone');
  const path = `/v1/farthing/calls/${callId}`;
  const replies = await Promise.all([
    patient.ask(path, { key: OTHER_KEY }),
    patient.ask(`${path}/response`, { key: OTHER_KEY }),
    patient.ask(path, { key: OTHER_KEY, method: 'DELETE' }),
  ]);
  expect(replies.map(({ status }) => status)).toEqual([404, 404, 404]);
  expect((await patient.ask(path)).status).toBe(202);
});

test('operators see what waits', async () => {
  await accepted(patient, 'one more');
  const answer = await patient.ask('/admin/v1/batches', { key: ADMIN_KEY });
  expect(await fieldsOf(answer)).toMatchObject({
    waiting: [{ target: 'anthropic/claude-haiku-4-5', endpoint: 'messages', jobs: expect.any(Number) }],
    open: [],
    settled: [],
  });
  const metrics = await (await patient.ask('/metrics', { key: ADMIN_KEY })).text();
  expect(metrics).toMatch(/farthing_deferred_calls\{state="waiting"\} [1-9]/);
});

test('a deadline that is too near for a batch is met by a live call', async () => {
  const response = await post(patient, 'at once', { 'x-farthing-deadline': '30s' });
  expect(response.status).toBe(200);
  expect(response.headers.get('x-farthing-decisions')).toContain('defer');
  expect(await fieldsOf(response)).toMatchObject({ type: 'message' });
});

test('a call that waits can be taken back: it is never sent, and its money is free', async () => {
  const before = sumOf(await patient.charges());
  const asked = patient.provider.counters().requests;
  const callId = await accepted(patient, 'never mind');
  expect(sumOf(await patient.charges())).toBeGreaterThan(before);
  const cancelled = await patient.ask(`/v1/farthing/calls/${callId}`, { method: 'DELETE' });
  expect([cancelled.status, (await fieldsOf(cancelled))['status']]).toEqual([200, 'cancelled']);
  const again = await patient.ask(`/v1/farthing/calls/${callId}`, { method: 'DELETE' });
  expect(again.status).toBe(200);
  const bare = await patient.ask(`/v1/farthing/calls/${callId}/response`);
  expect([bare.status, bare.headers.get('x-should-retry')]).toEqual([410, 'false']);
  expect(sumOf(await patient.charges())).toBe(before);
  expect(patient.provider.counters().requests).toBe(asked);
});

test.each([
  [{ 'x-farthing-deadline': 'tomorrow' }, 'x-farthing-deadline'],
  [{ 'x-farthing-deadline': '2020-01-01T00:00:00Z' }, 'x-farthing-deadline'],
  [{ 'x-farthing-webhook': 'http://127.0.0.1/' }, 'x-farthing-webhook'],
  [{ 'x-farthing-deadline': '1h', 'x-farthing-webhook': 'http://127.0.0.1/' }, 'x-farthing-webhook'],
])('%o is refused, and the header is named', async (headers, param) => {
  const response = await post(patient, 'odd headers', headers);
  expect(response.status).toBe(400);
  expect(await fieldsOf(response)).toMatchObject({
    type: 'error',
    error: { type: 'invalid_request_error', message: expect.stringContaining(param) },
  });
});

test('a call that is answered later is never streamed', async () => {
  const response = await postStream(patient, 'stream', { 'x-farthing-deadline': '6h' });
  expect(response.status).toBe(400);
  expect(await fieldsOf(response)).toMatchObject({ error: { param: 'stream' } });
});

test('a call whose batch does not come back is asked live in time, and both are charged', async () => {
  const callId = await accepted(forlorn, 'are you there');
  await expect.poll(() => forlorn.provider.batches().length, PATIENCE).toBe(1);
  await endWaiting(forlorn.folder, callId);
  const record = await answered(forlorn, callId);
  expect(record).toMatchObject({ status: 'completed', way: 'live', response: { status: 200 } });
});

test('a batch brings the answer at half price, the ledger is the invoice, and the client is told', async () => {
  const callId = await accepted(stage, 'count to four', { 'x-farthing-webhook': receiver.url });
  const record = await answered(stage, callId);
  expect(record).toMatchObject({
    callId,
    status: 'completed',
    way: 'batch',
    project: 'own',
    deadline: { met: true },
    response: { status: 200, body: { type: 'message' } },
  });
  expect(Number(record['costNanoUsd']) * 2).toBe(record['baselineNanoUsd']);

  const bare = await stage.ask(`/v1/farthing/calls/${callId}/response`);
  expect(bare.status).toBe(200);
  expect(bare.headers.get('x-farthing-cost-usd')).toMatch(/^0\.0/);
  expect(await fieldsOf(bare)).toEqual((record['response'] as { readonly body: unknown }).body);
  expect((await stage.ask(`/v1/farthing/calls/${callId}`, { key: OTHER_KEY })).status).toBe(404);

  const invoice = stage.provider.invoice();
  expect(sumOf(await stage.charges())).toBe(invoice.totalNanoUsd);
  expect([invoice.requests, invoice.byTier.batch.requests]).toEqual([1, 1]);

  await expect.poll(() => receiver.received.length, PATIENCE).toBe(1);
  const [{ body, headers } = { body: '', headers: {} }] = receiver.received;
  expect(JSON.parse(body)).toMatchObject({ callId, status: 'completed', way: 'batch' });
  expect(headers['x-farthing-signature']).toMatch(/^t=\d+,v1=[0-9a-f]{64}$/);
});

test('what a batch has answered is in the cache', async () => {
  const before = stage.provider.invoice().requests;
  const again = await post(stage, 'count to four', { 'x-farthing-deadline': '6h' });
  expect([again.status, again.headers.get('x-farthing-cost-usd')]).toEqual([200, '0.00']);
  expect(stage.provider.invoice().requests).toBe(before);
});

test('of two equal calls that wait, the second is answered from the cache when its hour comes after the first one’s', async () => {
  const asked = patient.provider.counters().requests;
  const [first, second] = [await accepted(patient, 'twice'), await accepted(patient, 'twice')];
  await endWaiting(patient.folder, first);
  expect(await answered(patient, first)).toMatchObject({ way: 'live' });
  await endWaiting(patient.folder, second);
  const record = await answered(patient, second);
  expect(record).toMatchObject({ status: 'completed', way: 'cache', costNanoUsd: 0 });
  expect(patient.provider.counters().requests).toBe(asked + 1);
});

test('calls that wait outlive another configuration, and where that allows no deadlines, later ones are answered at once', async () => {
  const callId = await accepted(patient, 'still here');
  await patient.reload({ batch: { gather: '5m', deadlines: false } });
  expect((await patient.ask(`/v1/farthing/calls/${callId}`)).status).toBe(202);
  const response = await post(patient, 'now', { 'x-farthing-deadline': '6h' });
  expect(response.status).toBe(200);
  expect(response.headers.get('x-farthing-decisions')).toContain('off');
});

test('a batch that nobody waits for any more is cancelled, and what it did is charged', async () => {
  await expect
    .poll(async () => {
      const book = await fieldsOf(await forlorn.ask('/admin/v1/batches', { key: ADMIN_KEY }));
      return (book['settled'] as readonly unknown[]).length;
    }, PATIENCE)
    .toBe(1);
  const invoice = forlorn.provider.invoice();
  expect(invoice.byTier.standard.requests).toBe(1);
  expect(sumOf(await forlorn.charges())).toBe(invoice.totalNanoUsd);
});
