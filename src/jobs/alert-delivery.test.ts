import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { afterEach, expect, test, vi } from 'vitest';
import type { BudgetAlert } from '../core/budget/budget-alert.ts';
import { isFarthingError } from '../core/errors.ts';
import { parseUsd } from '../core/money.ts';
import { answering, testReceiver } from '../../test/support/webhook-receiver.ts';
import { systemClock, systemRandom } from '../engine/system-ports.ts';
import type { EngineEvent } from '../ports/event-sink.ts';
import { AlertDelivery, type AlertDeliveryOptions } from './alert-delivery.ts';

const SECRET = 'a-secret-of-the-receiver';

const ALERT: BudgetAlert = {
  budget: 'per-user',
  value: 'alice',
  mode: 'hard',
  ratio: 0.8,
  usedNanoUsd: parseUsd('4.25'),
  limitNanoUsd: parseUsd('5'),
  atMs: Date.UTC(2026, 10, 23, 12),
  windowEndsAtMs: undefined,
};

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

function delivery(
  url: string,
  options: Partial<AlertDeliveryOptions> = {},
): { alerts: AlertDelivery; faults: EngineEvent[] } {
  const faults: EngineEvent[] = [];
  const alerts = new AlertDelivery({
    webhook: { url, secret: SECRET },
    clock: systemClock,
    random: systemRandom,
    events: { emit: (event) => void faults.push(event) },
    baseMs: 1,
    ...options,
  });
  closing.push(() => alerts.close());
  return { alerts, faults };
}

function faultTexts(faults: readonly EngineEvent[]): readonly string[] {
  return faults.map((event) =>
    event.kind === 'store-failed' && isFarthingError(event.error)
      ? `${event.store} ${event.operation}: ${event.error.message}`
      : event.kind,
  );
}

test('an alert is posted once, as JSON, signed over time and body', async () => {
  const { url, received } = await testReceiver(answering(204));
  const { alerts, faults } = delivery(url);
  alerts.deliver(ALERT);
  await vi.waitFor(() => expect(received).toHaveLength(1));
  const [{ headers, body } = { headers: {}, body: '' }] = received;
  expect(JSON.parse(body)).toEqual({
    kind: 'budget-alert',
    id: headers['x-farthing-delivery'],
    budget: 'per-user',
    value: 'alice',
    mode: 'hard',
    ratio: 0.8,
    usedUsd: '4.25',
    limitUsd: '5.00',
    at: '2026-11-23T12:00:00.000Z',
    windowEndsAt: null,
  });
  const [, time = '', mac] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['x-farthing-signature'])) ?? [];
  expect(mac).toBe(createHmac('sha256', SECRET).update(`${time}.${body}`).digest('hex'));
  expect(Math.abs(Number(time) * 1000 - Date.now())).toBeLessThan(60_000);
  await alerts.close();
  expect([received.length, faults]).toEqual([1, []]);
});

test('the check that the guide gives to receivers takes what was signed and nothing else', async () => {
  const guide = readFileSync(new URL('../../docs/budgets.md', import.meta.url), 'utf8');
  const [, code = ''] = /```js\n([\s\S]*?)```/.exec(guide) ?? [];
  const { isGenuine }: { isGenuine: (body: string, header: unknown, secret: string) => boolean } = await import(
    `data:text/javascript,${encodeURIComponent(code)}`
  );
  const { url, received } = await testReceiver(answering(204));
  delivery(url).alerts.deliver(ALERT);
  await vi.waitFor(() => expect(received).toHaveLength(1));
  const { headers, body } = received[0] ?? { headers: {}, body: '' };
  const header = String(headers['x-farthing-signature']);
  expect(isGenuine(body, header, SECRET)).toBe(true);
  expect(isGenuine(`${body} `, header, SECRET)).toBe(false);
  expect(isGenuine(body, header, `${SECRET}x`)).toBe(false);
  expect(isGenuine(body, header.replace(/^t=\d+/, 't=1'), SECRET)).toBe(false);
  expect(isGenuine(body, 'nonsense', SECRET)).toBe(false);
});

test('what fails is tried again under the same id until it arrives', async () => {
  const answers = [500, 429, 408, 503];
  const { url, received } = await testReceiver((response, count) => {
    if (count === 3) response.destroy();
    else answering(answers[count - 1] ?? 200)(response, count);
  });
  const { alerts, faults } = delivery(url);
  alerts.deliver(ALERT);
  await vi.waitFor(() => expect(received).toHaveLength(5));
  await alerts.close();
  expect(new Set(received.map(({ headers }) => headers['x-farthing-delivery'])).size).toBe(1);
  expect(new Set(received.map(({ body }) => body)).size).toBe(1);
  expect(faults).toEqual([]);
});

test('after eight tries it is given up, and that is told', async () => {
  const { url, received } = await testReceiver(answering(500));
  const { alerts, faults } = delivery(url);
  alerts.deliver(ALERT);
  await vi.waitFor(() => expect(faults).toHaveLength(1), 5000);
  expect(received).toHaveLength(8);
  expect(faultTexts(faults)).toEqual([
    'alerts deliver: an alert could not be delivered in 8 tries: the receiver answered 500',
  ]);
});

test.each([400, 401, 410, 302, 307])(
  'an answer of %i is not asked for again, and no redirect is followed',
  async (code) => {
    const { url, received } = await testReceiver(answering(code));
    const { alerts, faults } = delivery(url);
    alerts.deliver(ALERT);
    await vi.waitFor(() => expect(faults).toHaveLength(1));
    await new Promise((resolve) => void setTimeout(resolve, 30));
    expect(received).toHaveLength(1);
    expect(faultTexts(faults)[0]).toContain(`in 1 tries: the receiver answered ${code}`);
  },
);

test('a receiver that says nothing is given up after a while, and asked again', async () => {
  const { url, received } = await testReceiver((response, count) => void (count > 1 && response.end()));
  const { alerts } = delivery(url, { timeoutMs: 100 });
  alerts.deliver(ALERT);
  await vi.waitFor(() => expect(received).toHaveLength(2), 5000);
});

test('past the bound the oldest that waits is dropped, and that is told', async () => {
  const waiting: ServerResponse[] = [];
  const { url, received } = await testReceiver((response) => void waiting.push(response));
  const { alerts, faults } = delivery(url, { maxWaiting: 2 });
  for (let index = 0; index < 8; index += 1) alerts.deliver({ ...ALERT, value: `user-${index}` });
  await vi.waitFor(() => expect(received).toHaveLength(4));
  expect(faultTexts(faults)).toEqual([
    'alerts queue: more than 2 alerts wait: the oldest is dropped',
    'alerts queue: more than 2 alerts wait: the oldest is dropped',
  ]);
  while (received.length < 6) {
    for (const response of waiting.splice(0)) response.end();
    await new Promise((resolve) => void setTimeout(resolve, 5));
  }
  for (const response of waiting.splice(0)) response.end();
  expect(received.map(({ body }) => (JSON.parse(body) as { value: string }).value).toSorted()).toEqual(
    [0, 1, 2, 3, 6, 7].map((index) => `user-${index}`),
  );
});

test('closing stops at once, also with a request under way and others waiting', async () => {
  const { url, received } = await testReceiver(() => undefined);
  const { alerts, faults } = delivery(url);
  for (let index = 0; index < 8; index += 1) alerts.deliver(ALERT);
  await vi.waitFor(() => expect(received).toHaveLength(4));
  await alerts.close();
  alerts.deliver(ALERT);
  await alerts.close();
  expect([received.length, faults]).toEqual([4, []]);
});

test('without a webhook alerts go nowhere, and another one is used from when it is set', async () => {
  const { url, received } = await testReceiver(answering(200));
  const { alerts } = delivery(url, { webhook: undefined });
  alerts.deliver({ ...ALERT, value: 'lost' });
  alerts.setWebhook({ url, secret: SECRET });
  alerts.deliver(ALERT);
  await vi.waitFor(() => expect(received).toHaveLength(1));
  expect(received[0]?.body).toContain('alice');
});
