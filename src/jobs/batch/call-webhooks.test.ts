import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { expect, onTestFinished, test, vi } from 'vitest';
import { answering, testReceiver } from '../../../test/support/webhook-receiver.ts';
import { FarthingError, isFarthingError } from '../../core/errors.ts';
import type { Job } from '../../core/model/deferred-call.ts';
import type { EngineEvent } from '../../ports/event-sink.ts';
import type { Jobs } from '../../ports/job-store.ts';
import { MemoryJobStore } from '../../stores/memory/memory-job-store.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { sampleJob, sampleJobResult } from '../../testing/sample-jobs.ts';
import { CallWebhooks, type CallWebhooksOptions } from './call-webhooks.ts';
import { nextTellAtMs } from './tell-times.ts';

const SECRET = 'a-secret-of-the-receiver';
const LAST_TELL_MS = 14_400_000;

/** A job that is done now, and whose client is to be told. */
function doneJob(clock: FakeClock, url: string, callId = 'call_1'): Job {
  const result = sampleJobResult({ finishedAtMs: clock.nowMs() });
  return sampleJob({ callId, webhookUrl: url, deadlineAtMs: clock.nowMs() + 1000 }, { state: 'done', result });
}

interface Stage {
  readonly webhooks: CallWebhooks;
  readonly faults: readonly string[];
}

/** One process that tells. */
function startTelling(
  jobs: Pick<Jobs, 'list' | 'read' | 'update'>,
  clock: FakeClock,
  options: Partial<CallWebhooksOptions> = {},
): Stage {
  const faults: string[] = [];
  const webhooks = new CallWebhooks({
    jobs,
    clock,
    receiverOf: (url) => ({ url, secret: SECRET }),
    events: { emit: (event) => void faults.push(faultText(event)) },
    scanMs: 5,
    ...options,
  });
  webhooks.start();
  onTestFinished(() => webhooks.close());
  return { webhooks, faults };
}

function faultText(event: EngineEvent): string {
  return event.kind === 'store-failed' && isFarthingError(event.error)
    ? `${event.store} ${event.operation}: ${event.error.message}`
    : event.kind;
}

async function isTold(jobs: Jobs, callId = 'call_1'): Promise<boolean> {
  const [job] = await jobs.read([callId]);
  return job?.toldAtMs !== undefined;
}

test('a client is told once that its call is answered, signed, and nothing of what is in it', async () => {
  const { url, received } = await testReceiver(answering(204));
  const [jobs, clock] = [new MemoryJobStore(), new FakeClock()];
  const { webhooks, faults } = startTelling(jobs, clock);
  const job = doneJob(clock, url);
  await jobs.add([job]);
  webhooks.onDone(job);
  await vi.waitFor(async () => expect(await isTold(jobs)).toBe(true));
  clock.advance(LAST_TELL_MS);
  await new Promise((resolve) => void setTimeout(resolve, 30));
  expect(received).toHaveLength(1);
  const { headers, body } = received[0] ?? { headers: {}, body: '' };
  expect(JSON.parse(body)).toEqual({
    kind: 'call-finished',
    id: 'done_call_1',
    callId: 'call_1',
    status: 'completed',
    way: 'batch',
    finishedAt: '2026-11-23T00:00:00.000Z',
    deadline: { at: '2026-11-23T00:00:01.000Z', met: true },
    poll: '/v1/farthing/calls/call_1',
  });
  expect(headers['x-farthing-delivery']).toBe('done_call_1');
  const [, time = '', mac] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['x-farthing-signature'])) ?? [];
  expect(mac).toBe(createHmac('sha256', SECRET).update(`${time}.${body}`).digest('hex'));
  expect(faults).toEqual([]);
});

test('the check that the guide gives to receivers takes what was signed, and not an hour later', async () => {
  const guide = readFileSync(new URL('../../../docs/budgets.md', import.meta.url), 'utf8');
  const [, code = ''] = /```js\n([\s\S]*?)```/.exec(guide) ?? [];
  const { isGenuine }: { isGenuine: (body: string, header: unknown, secret: string) => boolean } = await import(
    `data:text/javascript,${encodeURIComponent(code)}`
  );
  const { url, received } = await testReceiver(answering(204));
  const [jobs, clock] = [new MemoryJobStore(), new FakeClock()];
  await jobs.add([doneJob(clock, url)]);
  startTelling(jobs, clock);
  await vi.waitFor(() => expect(received).toHaveLength(1));
  const { headers, body } = received[0] ?? { headers: {}, body: '' };
  const header = headers['x-farthing-signature'];
  const isTaken = (text: string, afterMs: number): boolean => {
    const now = vi.spyOn(Date, 'now').mockReturnValue(clock.nowMs() + afterMs);
    try {
      return isGenuine(text, header, SECRET);
    } finally {
      now.mockRestore();
    }
  };
  expect([isTaken(body, 1000), isTaken(body, 3_600_000), isTaken(body, -3_600_000)]).toEqual([true, false, false]);
  expect(isTaken(body.replace('call_1', 'call_2'), 1000)).toBe(false);
});

test('a receiver that fails is asked again, also by the process that comes after', async () => {
  const { url, received } = await testReceiver((response, count) =>
    answering(count === 1 ? 503 : 200)(response, count),
  );
  const [jobs, clock] = [new MemoryJobStore(), new FakeClock()];
  await jobs.add([doneJob(clock, url)]);
  const first = startTelling(jobs, clock);
  await vi.waitFor(() => expect(received).toHaveLength(1));
  await first.webhooks.close();
  expect(await isTold(jobs)).toBe(false);
  startTelling(jobs, clock);
  await new Promise((resolve) => void setTimeout(resolve, 30));
  expect(received).toHaveLength(1);
  clock.advance(30_000);
  await vi.waitFor(async () => expect(await isTold(jobs)).toBe(true));
  expect(received.map(({ headers }) => headers['x-farthing-delivery'])).toEqual(['done_call_1', 'done_call_1']);
});

test('two processes over one store tell each client once', async () => {
  const { url, received } = await testReceiver(answering(200));
  const [jobs, clock] = [new MemoryJobStore(), new FakeClock()];
  const callIds = Array.from({ length: 30 }, (_, index) => `call_${index}`);
  await jobs.add(callIds.map((callId) => doneJob(clock, url, callId)));
  startTelling(jobs, clock);
  startTelling(jobs, clock);
  await vi.waitFor(async () =>
    expect((await jobs.read(callIds)).every(({ toldAtMs }) => toldAtMs !== undefined)).toBe(true),
  );
  expect(received).toHaveLength(30);
  expect(new Set(received.map(({ headers }) => headers['x-farthing-delivery']))).toEqual(
    new Set(callIds.map((callId) => `done_${callId}`)),
  );
});

test('after eight tries it is given up, and that is told', async () => {
  const { url, received } = await testReceiver(answering(500));
  const [jobs, clock] = [new MemoryJobStore(), new FakeClock()];
  await jobs.add([doneJob(clock, url)]);
  const { faults } = startTelling(jobs, clock);
  for (let tries = 1; tries <= 8; tries += 1) {
    await vi.waitFor(() => expect(received).toHaveLength(tries));
    const [job] = await jobs.read(['call_1']);
    clock.advance((job?.leaseUntilMs ?? 0) - clock.nowMs());
  }
  await vi.waitFor(async () => expect(await isTold(jobs)).toBe(true));
  expect(faults).toEqual([
    'webhooks deliver: nobody could be told that call call_1 is answered: the receiver answered 500',
  ]);
});

test.each([
  ['a redirect is not followed', 302],
  ['a refusal is not asked again', 410],
])('%s', async (_name, code) => {
  const { url, received } = await testReceiver(answering(code));
  const [jobs, clock] = [new MemoryJobStore(), new FakeClock()];
  await jobs.add([doneJob(clock, url)]);
  const { faults } = startTelling(jobs, clock);
  await vi.waitFor(async () => expect(await isTold(jobs)).toBe(true));
  expect([received.length, faults.length]).toEqual([1, 1]);
});

test('a receiver that takes a message and never ends its answer has heard it', async () => {
  const { url, received } = await testReceiver((response) => void response.writeHead(200).write('x'));
  const [jobs, clock] = [new MemoryJobStore(), new FakeClock()];
  await jobs.add([doneJob(clock, url)]);
  const { faults } = startTelling(jobs, clock, { timeoutMs: 50 });
  await vi.waitFor(async () => expect(await isTold(jobs)).toBe(true));
  expect([received.length, faults]).toEqual([1, []]);
});

test('receivers that hang hold up nobody else for long, and are asked again', async () => {
  const hanging = await testReceiver(() => undefined);
  const well = await testReceiver(answering(200));
  const [jobs, clock] = [new MemoryJobStore(), new FakeClock()];
  const hung = Array.from({ length: 100 }, (_, index) => `call_${String(index).padStart(3, '0')}`);
  await jobs.add([
    ...hung.map((callId) => doneJob(clock, `${hanging.url}?for=${callId}`, callId)),
    doneJob(clock, well.url, 'call_last'),
  ]);
  startTelling(jobs, clock, { timeoutMs: 100 });
  await vi.waitFor(async () => expect(await isTold(jobs, 'call_last')).toBe(true));
  const tried = hanging.received.length;
  expect(tried).toBeLessThan(10);
  clock.advance(60_000);
  await vi.waitFor(() => expect(hanging.received.length).toBeGreaterThan(tried));
});

test('an address that the operator no longer allows is not told', async () => {
  const { url, received } = await testReceiver(answering(200));
  const [jobs, clock] = [new MemoryJobStore(), new FakeClock()];
  await jobs.add([doneJob(clock, url)]);
  const { faults } = startTelling(jobs, clock, { receiverOf: () => undefined });
  await vi.waitFor(async () => expect(await isTold(jobs)).toBe(true));
  expect(received).toEqual([]);
  expect(faults).toEqual([expect.stringContaining('is no longer allowed')]);
});

test('a store that fails is told, and asked again', async () => {
  const { url, received } = await testReceiver(answering(200));
  const [jobs, clock] = [new MemoryJobStore(), new FakeClock()];
  await jobs.add([doneJob(clock, url)]);
  let failures = 2;
  const failing = {
    read: jobs.read.bind(jobs),
    update: jobs.update.bind(jobs),
    list: (query: Parameters<Jobs['list']>[0]) => {
      failures -= 1;
      return failures >= 0 ? Promise.reject(new FarthingError('store-unavailable', 'down')) : jobs.list(query);
    },
  };
  const { faults } = startTelling(failing, clock);
  await vi.waitFor(() => {
    clock.advance(5);
    expect(received).toHaveLength(1);
  });
  expect(faults).toEqual(['webhooks read: down', 'webhooks read: down']);
});

test('closing stops at once, and leaves what was not told to the next start', async () => {
  const { url, received } = await testReceiver(() => undefined);
  const [jobs, clock] = [new MemoryJobStore(), new FakeClock()];
  await jobs.add([doneJob(clock, url)]);
  const { webhooks, faults } = startTelling(jobs, clock);
  await vi.waitFor(() => expect(received).toHaveLength(1));
  await webhooks.close();
  expect(await isTold(jobs)).toBe(false);
  expect(faults).toEqual([]);
});

test('tries grow apart, and are eight at the most', () => {
  fc.assert(
    fc.property(fc.nat(1_000_000), fc.infiniteStream(fc.nat(5_000)), (finishedAtMs, delays) => {
      let [tries, atMs, pauseMs]: [number, number | undefined, number] = [0, finishedAtMs, 0];
      while (atMs !== undefined) {
        const startedAtMs: number = atMs + (delays.next().value ?? 0);
        tries += 1;
        atMs = nextTellAtMs(finishedAtMs, startedAtMs);
        if (atMs === undefined) break;
        expect(atMs).toBeGreaterThan(startedAtMs);
        expect(atMs - finishedAtMs).toBeGreaterThan(pauseMs);
        pauseMs = atMs - finishedAtMs;
      }
      expect(tries).toBe(8);
    }),
    { numRuns: 50 },
  );
});
