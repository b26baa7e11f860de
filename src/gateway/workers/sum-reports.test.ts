import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { callRecord } from '../../../test/gateway/gateway-fixture.ts';
import { type CallTotals, CallTotalsTable } from '../call-totals.ts';
import { foldLost, metricSnapshots, summedExposition, summedStats } from './sum-reports.ts';
import type { GroupReport, WorkerSnapshot } from './worker-group.ts';

async function snapshot(calls: number, lagSeconds: number, startSeconds: number): Promise<WorkerSnapshot> {
  const registers = [new Registry()];
  const counter = new Counter({ name: 'calls_total', help: 'h', labelNames: ['cache'], registers });
  counter.inc({ cache: 'hit' }, calls);
  new Gauge({ name: 'calls_in_flight', help: 'h', registers }).set(calls);
  new Gauge({ name: 'nodejs_eventloop_lag_p99_seconds', help: 'h', registers, aggregator: 'average' }).set(lagSeconds);
  new Gauge({ name: 'process_start_time_seconds', help: 'h', registers, aggregator: 'omit' }).set(startSeconds);
  const histogram = new Histogram({ name: 'seconds', help: 'h', buckets: [1, 2], registers });
  for (let index = 0; index < calls; index += 1) histogram.observe(1.5);
  const totals = new CallTotalsTable();
  for (let index = 0; index < calls; index += 1) totals.add(callRecord({}));
  return {
    metrics: await metricSnapshots(registers[0] as Registry),
    stats: { uptimeMs: startSeconds * 1000, inFlight: calls, memoryBytes: 100, calls: [...totals.rows()] },
  };
}

function report(snapshots: readonly WorkerSnapshot[], lost: readonly WorkerSnapshot[] = []): GroupReport {
  return { snapshots, lost, facts: { workers: snapshots.length, restarts: 0, unanswered: 0 } };
}

async function linesOf(asked: GroupReport): Promise<readonly string[]> {
  return (await summedExposition(asked)).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

const SUMS = [
  'calls_total{cache="hit"} 5',
  'calls_in_flight 5',
  'nodejs_eventloop_lag_p99_seconds 0.3',
  'process_start_time_seconds 10',
  'seconds_bucket{le="1"} 0',
  'seconds_bucket{le="2"} 5',
  'seconds_bucket{le="+Inf"} 5',
  'seconds_sum 7.5',
  'seconds_count 5',
];

test('counters, histograms and gauges are summed; of the event loops the worst, of the starts the first', async () => {
  const both = [await snapshot(2, 0.1, 20), await snapshot(3, 0.3, 10)];
  expect(await linesOf(report(both))).toEqual(SUMS);
  const { calls, ...stats } = summedStats(report(both));
  expect(stats).toEqual({ uptimeMs: 20_000, inFlight: 5, memoryBytes: 200 });
  expect(calls.map((row: CallTotals) => row.calls)).toEqual([5]);
});

test('of a worker that is gone only what grows stays, however many are put together', async () => {
  const lost = await Promise.all([snapshot(1, 9, 1), snapshot(2, 9, 1)]);
  const expected = [
    'calls_total{cache="hit"} 5',
    'calls_in_flight 2',
    'nodejs_eventloop_lag_p99_seconds 0.1',
    'process_start_time_seconds 20',
    ...SUMS.slice(4),
  ];
  const living = [await snapshot(2, 0.1, 20)];
  expect(await linesOf(report(living, lost))).toEqual(expected);
  const folded = await foldLost(lost);
  expect(await linesOf(report(living, [folded]))).toEqual(expected);
  expect(summedStats(report(living, [folded]))).toEqual(summedStats(report(living, lost)));
  expect(summedStats(report(living, lost))).toMatchObject({ inFlight: 2, memoryBytes: 100 });
});
