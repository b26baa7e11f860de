import type { Command } from 'commander';
import { queueFacts } from '../../core/model/deferred-call.ts';
import { FarthingError } from '../../core/errors.ts';
import { addDataOptions, type DataOptions } from '../data-folder.ts';
import { openJobs } from './open-jobs.ts';
import { batchesText, runsText } from './overview-text.ts';
import { type BatchOverview, batchOverview, runLines } from './run-overview.ts';

interface StatusOptions extends DataOptions {
  readonly json?: boolean;
}

/** Adds `farthing batch status` and `farthing batch list`. @internal */
export function registerBatchStatus(group: Command): void {
  const status = group
    .command('status')
    .description("Show the providers' batches of a run, or of all")
    .argument('[run]', 'its name, as list shows it')
    .option('--json', 'print JSON');
  addDataOptions(status).action(async (run: string | undefined, options: StatusOptions) => {
    const nowMs = Date.now();
    const overview = await overviewOf(run, options, nowMs);
    const isKnown = run === undefined || overview.batches.length > 0 || overview.waiting.length > 0;
    if (!isKnown)
      throw new FarthingError('not-found', `there is no run ${run}; farthing batch list names those there are`);
    console.log(options.json === true ? overviewJson(overview) : batchesText(overview, nowMs));
  });
  const list = group
    .command('list')
    .description('List runs by batches: what waits, is under way and is settled')
    .option('--json', 'print JSON');
  addDataOptions(list).action(async (options: StatusOptions) => {
    const nowMs = Date.now();
    const lines = runLines(await overviewOf(undefined, options, nowMs));
    console.log(options.json === true ? JSON.stringify(lines, undefined, 2) : runsText(lines, nowMs));
  });
}

async function overviewOf(run: string | undefined, options: DataOptions, nowMs: number): Promise<BatchOverview> {
  const jobs = await openJobs(options);
  try {
    return await batchOverview(jobs, run, nowMs);
  } finally {
    await jobs.close();
  }
}

function overviewJson({ batches, waiting }: BatchOverview): string {
  const told = {
    batches: batches.map(({ queue, ...batch }) => ({ ...named(queue), ...batch })),
    waiting: waiting.map(({ queue, ...summary }) => ({ ...named(queue), ...summary })),
  };
  return JSON.stringify(told, undefined, 2);
}

function named(queue: string): object {
  const { target, endpoint } = queueFacts(queue);
  return { target, endpoint };
}
