import { AggregatorRegistry, Counter, Gauge, Registry } from 'prom-client';
import { type CallTotals, sumOfTotals } from '../call-totals.ts';
import type { GroupReport, MetricSnapshot, WorkerFacts, WorkerSnapshot, WorkerStats } from './worker-group.ts';

/** What is known of a process that shares its gateway with no other. @internal */
export const SINGLE_PROCESS: WorkerFacts = { workers: 1, restarts: 0, unanswered: 0 };

/** The exposition of all workers' metrics as one, but for {@link workerFactsText}. @internal */
export function summedExposition({ snapshots, lost }: GroupReport): Promise<string> {
  const counted = [...snapshots.map(({ metrics }) => metrics), ...lost.map(({ metrics }) => metrics.filter(grows))];
  return AggregatorRegistry.aggregate(counted.map((metrics) => metrics.map(withAggregator))).metrics();
}

/** The exposition of how the workers are. @internal */
export function workerFactsText(facts: WorkerFacts): Promise<string> {
  const registers = [new Registry()];
  new Gauge({ name: 'farthing_workers', help: 'Worker processes that run and answer.', registers }).set(facts.workers);
  const restarts = { name: 'farthing_worker_restarts_total', help: 'Workers that ended and were started again.' };
  new Counter({ ...restarts, registers }).inc(facts.restarts);
  const unanswered = {
    name: 'farthing_worker_unanswered_total',
    help: 'Times that a worker did not say within a second what it had counted.',
  };
  new Counter({ ...unanswered, registers }).inc(facts.unanswered);
  return (registers[0] as Registry).metrics();
}

/** What `/admin/v1/stats` shows of all workers. @internal */
export function summedStats({ snapshots, lost }: GroupReport): WorkerStats {
  const stats = snapshots.map((snapshot) => snapshot.stats);
  const sum = (field: 'inFlight' | 'memoryBytes'): number => stats.reduce((total, one) => total + one[field], 0);
  return {
    uptimeMs: Math.max(0, ...stats.map(({ uptimeMs }) => uptimeMs)),
    inFlight: sum('inFlight'),
    memoryBytes: sum('memoryBytes'),
    calls: callsOf([...snapshots, ...lost]),
  };
}

/** Many snapshots of workers that ended as one: only what grows is kept. @internal */
export async function foldLost(lost: readonly WorkerSnapshot[]): Promise<WorkerSnapshot> {
  const registry = AggregatorRegistry.aggregate(lost.map(({ metrics }) => metrics.filter(grows)));
  return {
    metrics: await metricSnapshots(registry),
    stats: { uptimeMs: 0, inFlight: 0, memoryBytes: 0, calls: callsOf(lost) },
  };
}

function callsOf(snapshots: readonly WorkerSnapshot[]): readonly CallTotals[] {
  return sumOfTotals(snapshots.map(({ stats }) => stats.calls));
}

/** What a registry holds, to be sent to another process. @internal */
export async function metricSnapshots(
  registry: Pick<Registry, 'getMetricsAsJSON'>,
): Promise<readonly MetricSnapshot[]> {
  const metrics: readonly unknown[] = await registry.getMetricsAsJSON();
  return metrics as readonly MetricSnapshot[]; // the package's types have numbers where there are names
}

function grows({ type }: MetricSnapshot): boolean {
  return type === 'counter' || type === 'histogram';
}

/**
 * The package's own ways to put processes together, but for two: the event loop that is worst is what an alarm is for, not the average of all;
 * and the start that tools take for the process's is the first.
 */
function withAggregator(metric: MetricSnapshot): MetricSnapshot {
  const { name } = metric;
  if (name.startsWith('nodejs_eventloop_lag') && !name.includes('_min_')) return { ...metric, aggregator: 'max' };
  return name === 'process_start_time_seconds' ? { ...metric, aggregator: 'min' } : metric;
}
