import { createServer } from 'node:http';
import { once } from 'node:events';
import { afterEach, expect, test, vi } from 'vitest';
import { nanoUsd } from '../../src/core/money.ts';
import { systemClock, systemRandom } from '../../src/engine/system-ports.ts';
import { gatewayEvents } from '../../src/gateway/gateway-events.ts';
import { gatewayLog } from '../../src/gateway/gateway-log.ts';
import { GatewayMetrics } from '../../src/gateway/gateway-metrics.ts';
import { AlertDelivery } from '../../src/jobs/alert-delivery.ts';
import type { EventSink } from '../../src/ports/event-sink.ts';
import { newFolder, openBudgetFolder, removeFolder, testBudget } from '../support/budget-folder.ts';

const closing: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

async function receiver(): Promise<{
  readonly url: string;
  readonly bodies: readonly Readonly<Record<string, unknown>>[];
}> {
  const bodies: Readonly<Record<string, unknown>>[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      bodies.push(JSON.parse(text) as Readonly<Record<string, unknown>>);
      response.end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return { url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`, bodies };
}

function gateway(url: string): { sink: EventSink; metrics: GatewayMetrics; log: string[] } {
  const log: string[] = [];
  const metrics = new GatewayMetrics({ inFlight: () => 0, cache: () => ({ entries: 0, sizeBytes: 0 }) });
  const faults: EventSink = { emit: (event) => metrics.emit(event) };
  const webhook = { url, secret: 'a-secret-of-the-receiver' };
  const alerts = new AlertDelivery({ webhook, clock: systemClock, random: systemRandom, events: faults });
  closing.push(
    () => metrics.close(),
    () => alerts.close(),
  );
  const logger = gatewayLog('debug', { write: (line) => void log.push(line) });
  return { sink: gatewayEvents(metrics, logger, undefined, (alert) => alerts.deliver(alert)), metrics, log };
}

test('an alert goes to log, metrics and webhook once a window, whatever number of processes spend', async () => {
  const { url, bodies } = await receiver();
  const [one, two] = [gateway(url), gateway(url)];
  const folder = newFolder();
  closing.push(() => removeFolder(folder));
  const budgets = [testBudget({ alertAtRatios: [0.2, 0.5, 0.9] })];
  const first = await openBudgetFolder(budgets, folder, one.sink);
  const second = await openBudgetFolder(budgets, folder, two.sink);
  closing.push(
    () => first.close(),
    () => second.close(),
  );
  for (let round = 0; round < 3; round += 1) {
    await first.spend('alice', '1');
    await second.spend('bob', '1');
    await Promise.all([first.reported(), second.reported()]);
  }
  await vi.waitFor(() => expect(bodies).toHaveLength(2), 5000);
  expect(bodies.map(({ budget, ratio }) => [budget, ratio])).toEqual([
    ['team', 0.2],
    ['team', 0.5],
  ]);
  const lines = [...one.log, ...two.log].filter((line) => line.includes('budget alert'));
  expect(lines).toHaveLength(2);
  const logged = lines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  expect(new Set(logged.map(({ ratio }) => ratio))).toEqual(new Set([0.2, 0.5]));
  expect(logged[0]).toMatchObject({ level: 40, budget: 'team', limitUsd: '10.00' });
  const texts = await Promise.all([one, two].map(async ({ metrics }) => (await metrics.exposition()).text));
  const counted = texts.join('\n').match(/^farthing_budget_alerts_total\{.*\} \d+$/gm) ?? [];
  expect(counted.toSorted()).toEqual([
    'farthing_budget_alerts_total{budget="team",ratio="0.2"} 1',
    'farthing_budget_alerts_total{budget="team",ratio="0.5"} 1',
  ]);
});

test('refusals and limits are metrics, overruns are errors of the log, and no tag shows in either', async () => {
  const { url } = await receiver();
  const { sink, metrics, log } = gateway(url);
  metrics.setBudgets([testBudget(), testBudget({ name: 'gone' })]);
  metrics.setBudgets([testBudget({ limitNanoUsd: nanoUsd(2_500_000_000) })]);
  sink.emit({ kind: 'budget-refused', budget: 'team', reason: 'spent' });
  sink.emit({ kind: 'budget-refused', budget: 'team', reason: 'held' });
  sink.emit({ kind: 'budget-overrun', callId: 'call_1', boundNanoUsd: nanoUsd(5), amountNanoUsd: nanoUsd(7) });
  const alert = { budget: 'team', value: 'alice', mode: 'soft', ratio: 1, atMs: 0, windowEndsAtMs: undefined } as const;
  sink.emit({ kind: 'budget-alert', alert: { ...alert, usedNanoUsd: nanoUsd(5), limitNanoUsd: nanoUsd(5) } });
  const { text } = await metrics.exposition();
  expect(text).toContain('farthing_budget_refusals_total{budget="team",reason="spent"} 1');
  expect(text).toContain('farthing_budget_refusals_total{budget="team",reason="held"} 1');
  expect(text).toContain('farthing_budget_overruns_total 1');
  expect(text).toContain('farthing_budget_limit_usd{budget="team"} 2.5');
  expect(text).not.toContain('gone');
  const overrun = log
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>)
    .find(({ level }) => level === 50);
  expect(overrun).toMatchObject({ callId: 'call_1', boundUsd: '0.000000005', amountUsd: '0.000000007' });
  expect(text + log.join('')).not.toContain('alice');
});
