import { rm } from 'node:fs/promises';
import { FarthingError } from '../../core/errors.ts';
import { systemRandom } from '../../engine/system-ports.ts';
import { jobPages } from '../../jobs/batch/batch-shipment.ts';
import type { Jobs } from '../../ports/job-store.ts';
import { readMarker, writeMarker } from './batch-marker.ts';
import { journalledAnswers } from './journalled-answers.ts';
import type { RunOptions } from './run-options.ts';

/** Where a run is kept until all of it is answered. @internal */
export interface RunKeeping {
  /** What the processor is to resume by. */
  readonly resume: string;
  /** Answers that are there already. */
  readonly answers: number;
  /** The run has its name, and is about to begin. */
  begin(name: string | undefined): Promise<void>;
  /** Nobody will take the run up again: its results are durable. */
  forget(): Promise<void>;
}

/** Digits that tell one run over a file from the next. */
const ID_DIGITS = 16;

/**
 * Finds what is there of a run; with `--fresh` that is thrown away first.
 * @throws FarthingError `configuration` where it is of another kind of run, or is still being answered and cannot be thrown away.
 * @internal
 */
export async function runKeeping(path: string, options: RunOptions, jobs: Jobs): Promise<RunKeeping> {
  return options.via === 'batch' ? batchKeeping(path, options, jobs) : liveKeeping(path, options, jobs);
}

async function liveKeeping(path: string, { fresh = false }: RunOptions, jobs: Jobs): Promise<RunKeeping> {
  if (fresh) await thrownAway(path, jobs);
  const marker = await readMarker(path);
  if (marker !== undefined && marker !== 'other') throw otherWay('batch');
  return {
    resume: path,
    answers: await journalledAnswers(path),
    begin: () => Promise.resolve(),
    forget: () => rm(path, { force: true }),
  };
}

async function batchKeeping(path: string, { fresh = false }: RunOptions, jobs: Jobs): Promise<RunKeeping> {
  if (fresh) await thrownAway(path, jobs);
  const before = await readMarker(path);
  if (before === 'other') throw otherWay('live');
  const id = before?.id ?? systemRandom.hex(ID_DIGITS);
  let begun = before?.run;
  return {
    resume: id,
    answers: begun === undefined ? 0 : await doneOf(begun, jobs),
    begin: async (run) => {
      if (run === undefined) throw new FarthingError('internal', 'a run by batches has a name');
      if (begun !== undefined && begun !== run) {
        const settings = 'the run was begun with other settings (model, system prompt, output limit)';
        throw new FarthingError('configuration', `${settings}: take those, or say --fresh`);
      }
      // Before anything is kept under it: whoever finds the file finds the run.
      await writeMarker(path, { id, run });
      begun = run;
    },
    forget: async () => {
      if (begun !== undefined) await removeRun(begun, jobs);
      await rm(path, { force: true });
    },
  };
}

function otherWay(via: RunOptions['via']): FarthingError {
  return new FarthingError('configuration', `the run was begun with --via ${via}: go on so, or say --fresh`);
}

/** What is being answered costs money, whether or not anybody waits for it. */
async function thrownAway(path: string, jobs: Jobs): Promise<void> {
  const marker = await readMarker(path);
  if (marker !== undefined && marker !== 'other') {
    const { run } = marker;
    const [open] = await jobs.list({ run, states: ['accepting', 'waiting', 'batched', 'live'], limit: 1 });
    if (open !== undefined) {
      const ends = `go on with it, or end it first with farthing batch cancel ${run}`;
      throw new FarthingError('configuration', `the run ${run} is not over yet: ${ends}`);
    }
    await removeRun(run, jobs);
  }
  await rm(path, { force: true });
}

async function removeRun(run: string, jobs: Jobs): Promise<void> {
  for await (const page of jobPages(jobs, { run })) await jobs.remove(page.map(({ call }) => call.callId));
}

async function doneOf(run: string, jobs: Jobs): Promise<number> {
  let answers = 0;
  for await (const page of jobPages(jobs, { run, states: ['done'] })) {
    answers += page.filter(({ result }) => result?.outcome === 'complete').length;
  }
  return answers;
}
