import type { Job } from '../../core/model/deferred-call.ts';
import type { BatchParts } from './batch-parts.ts';
import { jobPages } from './batch-shipment.ts';

/** Jobs that are looked at in one go. */
const PAGE_JOBS = 500;

/**
 * Releases calls that were accepted and never confirmed: whoever accepted them died on the way, and told nobody.
 * @throws FarthingError `store-unavailable`
 * @internal
 */
export async function releaseUnconfirmed({ jobs, clock, settings, engine }: BatchParts): Promise<void> {
  const beforeMs = clock.nowMs() - settings.acceptGraceMs;
  const accepting = await jobs.list({ states: ['accepting'], limit: PAGE_JOBS });
  const stale = accepting.filter(({ call }) => call.atMs <= beforeMs);
  if (stale.length === 0) return;
  // First: nobody can confirm them any more.
  const made = await jobs.update(
    stale.map(({ call, version }) => ({ callId: call.callId, version, set: { leaseUntilMs: clock.nowMs() } })),
  );
  const released = stale.filter((_, index) => made[index] === true).map(({ call }) => call);
  await Promise.all(released.map((call) => engine().settleDeferred(call, { kind: 'none', outcome: 'never-accepted' })));
  await jobs.remove(released.map(({ callId }) => callId));
}

/**
 * Forgets calls of a gateway's clients that have been done and told for long. Those of runs stay until their run is taken away.
 * @throws FarthingError `store-unavailable`
 * @internal
 */
export async function forgetOld({
  jobs,
  clock,
  settings,
}: Pick<BatchParts, 'jobs' | 'clock' | 'settings'>): Promise<void> {
  const beforeMs = clock.nowMs() - settings.retentionMs;
  // In the order of call ids, which begin with the time: behind a page of young ones there are no old ones.
  for await (const page of jobPages(jobs, { run: '', states: ['done'] })) {
    const old = page.filter((job) => isOld(job, beforeMs));
    if (old.length > 0) await jobs.remove(old.map(({ call }) => call.callId));
    if (page.every(({ result }) => (result?.finishedAtMs ?? 0) > beforeMs)) return;
  }
}

function isOld({ call, result, batchId, toldAtMs }: Job, beforeMs: number): boolean {
  const isTold = call.webhookUrl === undefined || toldAtMs !== undefined;
  // One that is still in a batch has a record that is not final; but not what the cache answered of a client's own.
  const isFinal = batchId === undefined || call.customId !== undefined;
  return isTold && isFinal && (result?.finishedAtMs ?? Number.POSITIVE_INFINITY) <= beforeMs;
}
