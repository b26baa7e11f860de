import { queueFacts } from '../../core/model/deferred-call.ts';
import type { ProviderBatch } from '../../core/model/provider-batch.ts';
import type { BatchBook, JobQueue, QueueSummary } from '../../ports/job-store.ts';

/** What is known of runs by batches: provider batches under way and over, and what waits for one. @internal */
export interface BatchOverview {
  readonly batches: readonly ProviderBatch[];
  readonly waiting: readonly QueueSummary[];
}

/** A run in one line. @internal */
export interface RunLine {
  /** Empty: calls of a gateway's clients. */
  readonly run: string;
  readonly targets: readonly string[];
  readonly waiting: number;
  /** Requests in batches that are not settled. */
  readonly underWay: number;
  readonly settled: number;
  readonly batches: number;
  readonly lastAtMs: number;
}

/** For how long batches are shown that are over, in milliseconds: as long as results are kept by the provider that keeps them longest (Anthropic, 29 days). */
const SHOWN_MS = 29 * 86_400_000;

/** Reads all, or what is of one run. @internal */
export async function batchOverview(
  store: Pick<BatchBook & JobQueue, 'batches' | 'queues'>,
  run: string | undefined,
  nowMs: number,
): Promise<BatchOverview> {
  const ofRun = run === undefined ? {} : { run };
  const [open, over, queues] = await Promise.all([
    store.batches(ofRun),
    store.batches({ ...ofRun, settledSinceMs: nowMs - SHOWN_MS }),
    store.queues(),
  ]);
  const batches = [...over, ...open].toSorted((one, other) => one.formedAtMs - other.formedAtMs);
  return { batches, waiting: queues.filter((queue) => run === undefined || queue.run === run) };
}

/** The runs of an overview, the latest last. @internal */
export function runLines({ batches, waiting }: BatchOverview): readonly RunLine[] {
  const runs = [...new Set([...batches, ...waiting].map(({ run }) => run))];
  const lines = runs.map((run): RunLine => {
    const [own, queued] = [batches.filter((batch) => batch.run === run), waiting.filter((queue) => queue.run === run)];
    const requestsOf = (isOver: boolean): number =>
      own.filter(({ stage }) => (stage === 'settled') === isOver).reduce((sum, { requests }) => sum + requests, 0);
    return {
      run,
      targets: [...new Set([...own, ...queued].map(({ queue }) => queueFacts(queue).target))],
      waiting: queued.reduce((sum, { jobs }) => sum + jobs, 0),
      underWay: requestsOf(false),
      settled: requestsOf(true),
      batches: own.length,
      lastAtMs: Math.max(...own.map(({ formedAtMs }) => formedAtMs), ...queued.map(({ oldestAtMs }) => oldestAtMs)),
    };
  });
  return lines.toSorted((one, other) => one.lastAtMs - other.lastAtMs);
}
