import type { CallTotals } from '../call-totals.ts';

/** A metric with its values, in the form in which prom-client hands it from process to process. @internal */
export interface MetricSnapshot {
  readonly name: string;
  readonly type: string;
  readonly aggregator: string;
}

/** Figures of one process that `/admin/v1/stats` shows. @internal */
export interface WorkerStats {
  readonly uptimeMs: number;
  readonly inFlight: number;
  readonly memoryBytes: number;
  readonly calls: readonly CallTotals[];
}

/** What one process has counted so far. @internal */
export interface WorkerSnapshot {
  readonly metrics: readonly MetricSnapshot[];
  readonly stats: WorkerStats;
}

/** How the workers of a gateway are. @internal */
export interface WorkerFacts {
  /** Workers that run and answer. */
  readonly workers: number;
  /** How often a worker ended and was started again. */
  readonly restarts: number;
  /** How often a worker did not say in time what it had counted. */
  readonly unanswered: number;
}

/** What all workers have counted. @internal */
export interface GroupReport {
  /** Of workers that answered. */
  readonly snapshots: readonly WorkerSnapshot[];
  /**
   * The last that is known of workers that ended or did not answer. Only what grows counts of it: a sum without them would fall, and Prometheus
   * takes a counter that falls for one that began again.
   */
  readonly lost: readonly WorkerSnapshot[];
  readonly facts: WorkerFacts;
}

/** The other processes of a gateway, as each of its workers sees them. @internal */
export interface WorkerGroup {
  /** @throws FarthingError `overloaded` when the primary process does not answer. */
  report(): Promise<GroupReport>;
  /**
   * Makes every worker read the configuration again.
   * @throws FarthingError of the first that could not; the others may have taken it.
   */
  reload(): Promise<void>;
}

/** What a worker says once it listens. @internal */
export interface WorkerReady {
  /** `http://host:port`, without a slash at its end. */
  readonly url: string;
  readonly localKeyPath: string | undefined;
}

/** Questions that the processes of a gateway ask each other. @internal */
export const QUESTIONS = {
  /** Worker to primary: it listens. */
  ready: 'ready',
  /** Worker to primary: what have all counted? */
  report: 'report',
  /** Both ways: read the configuration again. */
  reload: 'reload',
  /** Primary to worker: what have you counted? */
  snapshot: 'snapshot',
  /** Primary to worker: stop well. It ends without an answer. */
  drain: 'drain',
} as const;

/** For how long a worker may take to take new settings, in milliseconds: it reads a file and asks the stores. */
export const RELOAD_TIMEOUT_MS = 30_000;
