import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { USAGE_BUCKETS } from '../core/model/usage.ts';
import type { CallRecord } from '../core/model/charge.ts';
import type { EngineEvent, EventSink } from '../ports/event-sink.ts';
import type { Budget } from '../core/budget/budget.ts';
import { AdmissionMetrics } from './admission/admission-metrics.ts';
import { BatchMetrics } from './batch-metrics.ts';
import { BudgetMetrics } from './budget-metrics.ts';
import { type CallTotals, CallTotalsTable, isFromCache } from './call-totals.ts';
import { metricSnapshots, SINGLE_PROCESS, summedExposition, workerFactsText } from './workers/sum-reports.ts';
import type { GroupReport, MetricSnapshot } from './workers/worker-group.ts';
import { RouteMetrics } from './route-metrics.ts';
import { TargetMetrics } from './target-metrics.ts';

/** Figures that are read when metrics are asked for. @internal */
export interface GatewayGauges {
  readonly inFlight: () => number;
  readonly cache: () => { readonly entries: number; readonly sizeBytes: number };
}

/** From a hit in memory (under 1 ms) to the 10 minutes after which calls are given up. In seconds. */
const DURATION_BUCKETS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600,
];

const NANO_PER_USD = 1e9;
const MS_PER_SECOND = 1000;

type MoneyField = 'costNanoUsd' | 'baselineNanoUsd' | 'savedNanoUsd' | 'lostNanoUsd' | 'missedByModeNanoUsd';

const MONEY_METRICS: readonly (readonly [name: string, field: MoneyField, help: string])[] = [
  [
    'farthing_cost_usd_total',
    'costNanoUsd',
    'What calls cost, in dollars; calls with an unpriced charge are left out.',
  ],
  ['farthing_baseline_usd_total', 'baselineNanoUsd', 'What calls would have cost without Farthing, in dollars.'],
  ['farthing_saved_usd_total', 'savedNanoUsd', 'Sum over calls that cost less than their baseline, in dollars.'],
  ['farthing_lost_usd_total', 'lostNanoUsd', 'Sum over calls that cost more than their baseline, in dollars.'],
  ['farthing_missed_by_mode_usd_total', 'missedByModeNanoUsd', 'What a wider cache mode would have saved, in dollars.'],
];

/** Metrics of one gateway, fed by the engine's events. @internal */
export class GatewayMetrics implements EventSink {
  readonly #registry = new Registry();
  readonly #totals = new CallTotalsTable();
  readonly #duration: Histogram<'endpoint' | 'cache'>;
  readonly #firstByte: Histogram<'endpoint' | 'cache'>;
  readonly #storeFaults: Counter<'store' | 'operation'>;
  readonly #unpriced: Counter;
  readonly #usageMissing: Counter;
  readonly #internalFaults: Counter;
  readonly #unmetered: Counter<'provider' | 'status'>;
  readonly #budgets: BudgetMetrics;
  readonly #targets: TargetMetrics;
  /** Figures of who was let in. */
  readonly admission: AdmissionMetrics;
  /** Figures of calls that are answered later. */
  readonly batches: BatchMetrics;
  /** Figures of routes whose quality is guarded. */
  readonly routes: RouteMetrics;

  constructor(gauges: GatewayGauges) {
    const registers = [this.#registry];
    const counter = <L extends string>(name: string, help: string, labelNames: readonly L[] = []): Counter<L> =>
      new Counter({ name, help, labelNames, registers });
    const histogram = (name: string, help: string): Histogram<'endpoint' | 'cache'> =>
      new Histogram({ name, help, labelNames: ['endpoint', 'cache'], buckets: DURATION_BUCKETS, registers });
    this.#duration = histogram('farthing_call_duration_seconds', 'From arrival to the last byte.');
    this.#firstByte = histogram('farthing_first_byte_seconds', 'From arrival to the first byte to the client.');
    this.#storeFaults = counter('farthing_store_faults_total', 'Failed operations of a store.', ['store', 'operation']);
    this.#unpriced = counter('farthing_unpriced_charges_total', 'Charges of models without a price: alarm on any.');
    this.#usageMissing = counter(
      'farthing_usage_missing_total',
      'Whole answers without usage: charged as an estimate.',
    );
    this.#internalFaults = counter('farthing_internal_faults_total', 'Faults of Farthing itself: alarm on any.');
    this.#unmetered = counter('farthing_unmetered_requests_total', 'Requests passed through without being priced.', [
      'provider',
      'status',
    ]);
    this.#budgets = new BudgetMetrics(registers);
    this.#targets = new TargetMetrics(registers);
    this.admission = new AdmissionMetrics(registers);
    this.routes = new RouteMetrics(registers);
    this.batches = new BatchMetrics(registers);
    this.#addTotals(registers);
    addGauges(gauges, registers);
    collectDefaultMetrics({ register: this.#registry });
  }

  emit(event: EngineEvent): void {
    switch (event.kind) {
      case 'call-finished':
        this.#count(event.record);
        return;
      case 'store-failed':
        this.storeFailed(event.store, event.operation);
        return;
      case 'unpriced-charged':
        this.#unpriced.inc();
        return;
      case 'usage-missing':
        this.#usageMissing.inc();
        return;
      case 'internal-fault':
        this.internalFault();
        return;
      case 'attempt-failed':
      case 'target-rested':
      case 'target-recovered':
      case 'tokens-estimated':
        this.#targets.emit(event);
        return;
      case 'budget-alert':
      case 'budget-refused':
      case 'budget-overrun':
      case 'budgets-rebuilt':
        this.#budgets.emit(event);
        return;
      case 'route-certified':
      case 'route-alarm':
      case 'cascade-switched':
        return;
      case 'route-sampled':
        this.routes.emit(event);
        return;
      case 'batch-submitted':
      case 'batch-ended':
      case 'batch-refused':
      case 'batch-row-unknown':
      case 'deadline-missed':
        this.batches.emit(event);
    }
  }

  /** The budgets that hold from now on. */
  setBudgets(budgets: readonly Budget[]): void {
    this.#budgets.setBudgets(budgets);
  }

  /** Counts a failed operation of a store that the engine does not know (`keys`). */
  storeFailed(store: string, operation: string): void {
    this.#storeFaults.inc({ store, operation });
  }

  internalFault(): void {
    this.#internalFaults.inc();
  }

  /** Counts a request that was passed through. Status as a class: `2xx`. */
  passedThrough(provider: string, status: number): void {
    this.#unmetered.inc({ provider, status: `${Math.trunc(status / 100)}xx` });
  }

  /** Sums over all calls since the start. */
  totals(): Iterable<CallTotals> {
    return this.#totals.rows();
  }

  /** What this process has counted, for {@link GatewayMetrics.exposition} of another. */
  snapshot(): Promise<readonly MetricSnapshot[]> {
    return metricSnapshots(this.#registry);
  }

  /**
   * The exposition in Prometheus' text format, and its media type.
   * @param report - What all workers have counted; without it this process stands alone.
   */
  async exposition(report?: GroupReport): Promise<{ readonly contentType: string; readonly text: string }> {
    const own = report === undefined ? this.#registry.metrics() : summedExposition(report);
    const workers = workerFactsText(report?.facts ?? SINGLE_PROCESS);
    return { contentType: this.#registry.contentType, text: `${await own}\n${await workers}` };
  }

  /** Gives up what watches the process. */
  close(): void {
    this.#registry.clear();
  }

  #count(record: CallRecord): void {
    this.#totals.add(record);
    const labels = { endpoint: record.endpoint, cache: record.cacheStatus };
    this.#duration.observe(labels, record.durationMs / MS_PER_SECOND);
    if (record.firstByteMs !== undefined) this.#firstByte.observe(labels, record.firstByteMs / MS_PER_SECOND);
  }

  #addTotals(registers: Registry[]): void {
    const totals = this.#totals;
    const labelNames = ['endpoint', 'provider', 'outcome', 'cache'] as const;
    const sumUp = (counter: Counter, add: (row: CallTotals) => void): void => {
      counter.reset();
      for (const row of totals.rows()) add(row);
    };
    const calls: Counter<(typeof labelNames)[number]> = new Counter({
      name: 'farthing_calls_total',
      help: 'Calls by endpoint, provider, outcome and cache status.',
      labelNames,
      registers,
      collect: () =>
        sumUp(calls, ({ endpoint, provider, outcome, cache, calls: count }) =>
          calls.inc({ endpoint, provider, outcome, cache }, count),
        ),
    });
    for (const [name, field, help] of MONEY_METRICS) {
      const money: Counter<'endpoint' | 'provider'> = new Counter({
        name,
        help,
        labelNames: ['endpoint', 'provider'],
        registers,
        collect: () =>
          sumUp(money, (row) =>
            money.inc({ endpoint: row.endpoint, provider: row.provider }, row[field] / NANO_PER_USD),
          ),
      });
    }
    const tokens: Counter<'provider' | 'bucket' | 'source'> = new Counter({
      name: 'farthing_tokens_total',
      help: 'Tokens (searches for webSearch) by billing bucket; source cache was not paid for again.',
      labelNames: ['provider', 'bucket', 'source'],
      registers,
      collect: () => sumUp(tokens, (row) => addTokens(tokens, row)),
    });
  }
}

function addTokens(tokens: Counter<'provider' | 'bucket' | 'source'>, row: CallTotals): void {
  const source = isFromCache(row.cache) ? 'cache' : 'provider';
  for (const bucket of USAGE_BUCKETS) {
    if (row.usage[bucket] > 0) tokens.inc({ provider: row.provider, bucket, source }, row.usage[bucket]);
  }
}

function addGauges(gauges: GatewayGauges, registers: Registry[]): void {
  const gauge = (name: string, help: string, read: () => number): void => {
    const made: Gauge = new Gauge({
      name,
      help,
      registers,
      collect: () => made.set(read()),
    });
  };
  gauge('farthing_calls_in_flight', 'Calls under way.', gauges.inFlight);
  gauge('farthing_cache_entries', 'Answers in the cache.', () => gauges.cache().entries);
  gauge('farthing_cache_size_bytes', 'Bytes that the cache holds.', () => gauges.cache().sizeBytes);
}
