import type { Command } from 'commander';
import { FarthingError, isFarthingError } from '../../core/errors.ts';
import { systemClock } from '../../engine/system-ports.ts';
import { DeferredCalls } from '../../gateway/deferred/deferred-calls.ts';
import type { Jobs } from '../../ports/job-store.ts';
import { addDataOptions, type DataOptions } from '../data-folder.ts';
import { activeSettings } from '../serve-settings.ts';
import { openEngine } from './open-engine.ts';

/** Jobs that are read at a time. Ours: with their bodies they make a megabyte. */
const PAGE_JOBS = 100;

/** Adds `farthing batch cancel`. @internal */
export function registerBatchCancel(group: Command): void {
  const command = group
    .command('cancel')
    .description('Take back what waits of a run, and have its batches cancelled at the provider')
    .argument('<run>', 'its name, as farthing batch list shows it');
  addDataOptions(command).action(async (run: string, options: DataOptions) => {
    const { config, priceFeed } = await activeSettings(options.config === undefined ? {} : { config: options.config });
    const { data } = options;
    const opened = await openEngine(
      data === undefined ? config : { ...config, storage: { kind: 'folder', path: data } },
      priceFeed,
      () => undefined,
    );
    try {
      const { jobs } = opened.stores;
      const calls = new DeferredCalls({
        jobs,
        engine: () => opened.engine,
        clock: systemClock,
        onCancelled: () => undefined,
      });
      console.log(await cancelled(run, jobs, calls));
    } finally {
      await opened.close();
    }
  });
}

/** Takes back what waits first, so that no batch is made of it meanwhile. */
async function cancelled(run: string, jobs: Jobs, calls: Pick<DeferredCalls, 'cancel'>): Promise<string> {
  const before = await jobs.list({ run, limit: 1 });
  if (run === '' || before.length === 0) {
    throw new FarthingError('not-found', `there is no run ${run}; farthing batch list names those there are`);
  }
  const { taken, busy } = await takenBack(run, jobs, calls);
  const batches = await jobs.batches({ run });
  await jobs.cancelBatches(
    batches.map(({ batchId }) => batchId),
    systemClock.nowMs(),
  );
  const lines = [`${taken} items taken back before they were sent`];
  if (busy > 0) lines.push(`${busy} items are being asked right now and cannot be taken back`);
  if (batches.length > 0) {
    lines.push(
      `${batches.length} batches will be cancelled by whoever works on them: the run, where it is under way, or a gateway over the same data`,
    );
  }
  return lines.join('\n');
}

async function takenBack(
  run: string,
  jobs: Jobs,
  calls: Pick<DeferredCalls, 'cancel'>,
): Promise<{ readonly taken: number; readonly busy: number }> {
  let after: { readonly position: number; readonly callId: string } | undefined;
  const counts = { taken: 0, busy: 0 };
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- page by page
    const page = await jobs.list({
      run,
      states: ['waiting'],
      limit: PAGE_JOBS,
      ...(after === undefined ? {} : { after }),
    });
    for (const { call } of page) {
      after = { position: call.position, callId: call.callId };
      // oxlint-disable-next-line no-await-in-loop -- each is a change of its own
      const isTaken = await wasTaken(() => calls.cancel(call.callId, call.project));
      counts[isTaken ? 'taken' : 'busy'] += 1;
    }
    if (page.length < PAGE_JOBS) return counts;
  }
}

async function wasTaken(cancel: () => Promise<unknown>): Promise<boolean> {
  try {
    await cancel();
    return true;
  } catch (error) {
    if (isFarthingError(error) && error.code === 'invalid-request') return false;
    throw error;
  }
}
