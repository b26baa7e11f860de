import { BatchProcessor, type BatchRun } from '../../client/batch/batch-processor.ts';
import { lockFile } from '../../client/batch/file-lock.ts';
import type { BatchSummary } from '../../client/batch/run-tally.ts';
import { formatUsd } from '../../core/money.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import { activeSettings, type ServeSettings } from '../serve-settings.ts';
import { commandFace } from './command-face.ts';
import { type BatchInput, openInput } from './input-items.ts';
import { type CommandEngine, commandPrices, openEngine } from './open-engine.ts';
import { resultLine } from './result-line.ts';
import { openResultsFile, type ResultsSink, standardResults } from './results-file.ts';
import { checkedItems } from './run-items.ts';
import type { RunOptions } from './run-options.ts';
import { demandUnfinished, type RunPaths, runPaths } from './run-paths.ts';
import { runProgress } from './run-progress.ts';
import { type RunKeeping, runKeeping } from './run-keeping.ts';
import { runSignals } from './run-signals.ts';
import { summaryJson, summaryText } from './run-summary.ts';
import { mayStart } from './run-start.ts';
import { type Survey, surveyInput } from './survey-input.ts';

/**
 * Results that wait for those before them. Ours: an answer may take sixty times as long as others (forty at 64 calls at a time, by their bytes) before nothing more is begun behind it, and they are held in some 3 KB each.
 */
const HELD_PER_CALL = 60;
const MIN_HELD_ITEMS = 1000;
const MAX_HELD_BYTES = 8_000_000;

/**
 * Checks a file, says what asking all of it costs, asks it, and writes what came of it.
 * @throws FarthingError `configuration` for what is wrong with the file or the command line, before anything is sent.
 * @internal
 */
export async function runBatch(file: string, options: RunOptions): Promise<ExitCode> {
  const paths = runPaths(file, options.out);
  const settings = await commandSettings(options);
  const input = await openInput({
    path: file,
    format: options.format,
    template: options.template,
    model: options.model,
  });
  if (options.dryRun === true) {
    await mayStart(await surveyOf(input, options, settings), options);
    return EXIT_CODES.ok;
  }
  // Another process would write over the results of this one, and begin anew what this one has begun.
  const unlock = await lockFile(paths.locked);
  try {
    return await runLocked({ input, options, paths, settings });
  } finally {
    await unlock();
  }
}

interface PlannedRun {
  readonly input: BatchInput;
  readonly options: RunOptions;
  readonly paths: RunPaths;
  readonly settings: ServeSettings;
}

async function runLocked(plan: PlannedRun): Promise<ExitCode> {
  const { input, options, paths, settings } = plan;
  if (options.fresh !== true) demandUnfinished(paths);
  const survey = await surveyOf(input, options, settings);
  if (!(await mayStart(survey, options))) return EXIT_CODES.ok;
  const opened = await openEngine(settings.config, settings.priceFeed, () => undefined);
  try {
    return await runOpened({ ...plan, survey, opened });
  } finally {
    await opened.close();
  }
}

function surveyOf(input: BatchInput, options: RunOptions, { config, priceFeed }: ServeSettings): Promise<Survey> {
  return surveyInput(input, options, commandPrices(config, priceFeed));
}

async function commandSettings(options: RunOptions): Promise<ServeSettings> {
  const settings = await activeSettings(options.config === undefined ? {} : { config: options.config });
  const { data } = options;
  if (data === undefined) return settings;
  return { ...settings, config: { ...settings.config, storage: { kind: 'folder', path: data } } };
}

interface OpenedRun extends PlannedRun {
  readonly survey: Survey;
  readonly opened: CommandEngine;
}

async function runOpened(run: OpenedRun): Promise<ExitCode> {
  const { input, options, paths, survey, opened } = run;
  const keeping = await runKeeping(paths.journal, options, opened.stores.jobs);
  if (keeping.answers > 0) console.error(`resuming: ${keeping.answers} of ${survey.estimate.items} done`);
  const progress = runProgress(process.stderr, () => performance.now());
  const processor = processorOf(run, keeping, (standing) =>
    progress.show({ ...standing, total: survey.estimate.items }),
  );
  const signals = runSignals(options.via, () => progress.stop());
  const total = survey.estimate.items;
  const items = checkedItems(input, survey.faults.lines(), total);
  const asked = processor.run(items, { signal: signals.stop, cutSignal: signals.cut, total });
  await keeping.begin(asked.name);
  if (asked.name !== undefined) console.error(`run ${asked.name} (farthing batch status shows its batches)`);
  const sink = paths.results === undefined ? standardResults(process.stdout) : await openResultsFile(paths.results);
  let summary: BatchSummary;
  try {
    summary = await writtenResults(asked, sink, input, () => signals.end());
  } finally {
    signals.release();
    progress.stop();
  }
  if (!summary.isStopped && summary.failed === 0) await keeping.forget();
  const report = {
    summary,
    items: survey.estimate.items,
    skipped: survey.faults.count,
    paths,
    notices: opened.notices.lines(),
  };
  if (options.json === true) console.log(summaryJson(report));
  else console.error(summaryText(report));
  return summary.isStopped || summary.failed > 0 ? EXIT_CODES.failure : EXIT_CODES.ok;
}

/** The file has its name only when no result is missing. */
async function writtenResults(
  run: BatchRun,
  sink: ResultsSink,
  input: BatchInput,
  end: () => void,
): Promise<BatchSummary> {
  let fault: { readonly cause: unknown } | undefined;
  let isWhole = false;
  try {
    for await (const result of run) {
      if (fault !== undefined) continue;
      try {
        await sink.write(resultLine(result, input.format));
      } catch (cause) {
        // What is under way is paid for: its answers are still to be kept.
        fault = { cause };
        end();
      }
    }
    isWhole = fault === undefined && !run.summary().isStopped;
  } finally {
    // Why the run broke off says more than that its results cannot be kept either.
    if (!isWhole) await Promise.allSettled([sink.leave()]);
  }
  if (fault !== undefined) throw fault.cause;
  if (isWhole) await sink.finish();
  return run.summary();
}

function processorOf(
  { options, opened, settings }: OpenedRun,
  { resume }: RunKeeping,
  onProgress: NonNullable<ConstructorParameters<typeof BatchProcessor>[0]['onProgress']>,
): BatchProcessor {
  const { model, system, maxOutputTokens, concurrency, rpm, tpm, group, groupDelay, maxUsd } = options;
  const { table } = commandPrices(settings.config, settings.priceFeed);
  return new BatchProcessor({
    maxHeldItems: Math.max(MIN_HELD_ITEMS, HELD_PER_CALL * (concurrency ?? 0)),
    maxHeldBytes: MAX_HELD_BYTES,
    farthing: commandFace(opened.engine, table, () => opened.batches()),
    mode: options.via,
    onUnanswered: options.onUnanswered,
    resume,
    onProgress,
    ...(model === undefined ? {} : { model }),
    ...(system === undefined ? {} : { system }),
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(rpm === undefined ? {} : { requestsPerMinute: rpm }),
    ...(tpm === undefined ? {} : { tokensPerMinute: tpm }),
    ...(group === undefined ? {} : { groupSize: group }),
    ...(groupDelay === undefined ? {} : { groupDelayMs: groupDelay }),
    ...(maxUsd === undefined ? {} : { maxUsd: formatUsd(maxUsd) }),
  });
}
