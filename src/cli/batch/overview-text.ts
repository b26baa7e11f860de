import { queueFacts } from '../../core/model/deferred-call.ts';
import type { ProviderBatch } from '../../core/model/provider-batch.ts';
import { plainTable } from '../plain-table.ts';
import { plainDuration } from './plain-duration.ts';
import type { BatchOverview, RunLine } from './run-overview.ts';

/** How calls with a deadline are shown, which belong to no run. */
const NO_RUN = '(calls with a deadline)';

/** Runs as a table. @internal */
export function runsText(lines: readonly RunLine[], nowMs: number): string {
  if (lines.length === 0) return 'there are no runs by batches';
  const rows = lines.map(({ run, targets, waiting, underWay, settled, batches, lastAtMs }) => [
    run === '' ? NO_RUN : run,
    targets.join(', '),
    ...[waiting, underWay, settled, batches].map(String),
    `${plainDuration(nowMs - lastAtMs)} ago`,
  ]);
  const align = (['left', 'left', 'right', 'right', 'right', 'right', 'right'] as const).slice();
  return plainTable(['run', 'models', 'waiting', 'under way', 'settled', 'batches', 'last'], rows, { align });
}

/** Batches as a table, and what waits below it. @internal */
export function batchesText({ batches, waiting }: BatchOverview, nowMs: number): string {
  if (batches.length === 0 && waiting.length === 0) return 'there are no batches';
  const rows = batches.map((batch) => [
    batch.batchId,
    batch.run === '' ? NO_RUN : batch.run,
    queueFacts(batch.queue).target,
    batch.isCancelled ? `${batch.stage} (to be cancelled)` : batch.stage,
    String(batch.requests),
    batch.providerId ?? '-',
    timeOf(batch, nowMs),
    batch.fault ?? '',
  ]);
  const headers = ['batch', 'run', 'model', 'stage', 'requests', 'at the provider', 'time', 'fault'];
  const table = plainTable(headers, rows, { align: headers.map((_, column) => (column === 4 ? 'right' : 'left')) });
  const queued = waiting.map(
    ({ run, queue, jobs, oldestAtMs }) =>
      `${jobs} wait for a batch: ${run === '' ? NO_RUN : run}, ${queueFacts(queue).target}, for ${plainDuration(nowMs - oldestAtMs)}`,
  );
  return [...(batches.length === 0 ? [] : [table]), ...queued].join('\n');
}

/** How long it took, or has taken by now. */
function timeOf({ formedAtMs, submittedAtMs, endedAtMs }: ProviderBatch, nowMs: number): string {
  if (endedAtMs !== undefined) return `took ${plainDuration(endedAtMs - (submittedAtMs ?? formedAtMs))}`;
  if (submittedAtMs !== undefined) return `runs for ${plainDuration(nowMs - submittedAtMs)}`;
  return `formed ${plainDuration(nowMs - formedAtMs)} ago`;
}
