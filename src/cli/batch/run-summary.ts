import type { BatchSummary } from '../../client/batch/run-tally.ts';
import { plainDuration } from './plain-duration.ts';
import { partialPath } from './results-file.ts';
import type { RunPaths } from './run-paths.ts';
import { countOf, grouped } from '../plain-count.ts';

/** What is told of a run that is over. @internal */
export interface RunReport {
  readonly summary: BatchSummary;
  /** Items that were to be asked. */
  readonly items: number;
  /** Lines that were left out. */
  readonly skipped: number;
  readonly paths: RunPaths;
  readonly notices: readonly string[];
}

/** What came of a run, for a person. @internal */
export function summaryText({ summary, items, skipped, paths, notices }: RunReport): string {
  const { answered, failed, failures, fromCache, repeats, resumed, unpriced, tokens, unspentUsd } = summary;
  const codes = Object.entries(failures).map(([code, count]) => `${code} ${grouped(count)}`);
  const counts = [
    `${grouped(answered)} answered`,
    ...(failed === 0 ? [] : [`${grouped(failed)} failed (${codes.join(', ')})`]),
    ...(resumed === 0 ? [] : [`${grouped(resumed)} were done before`]),
    ...(fromCache === 0 ? [] : [`${grouped(fromCache)} from the cache`]),
    ...(repeats === 0 ? [] : [`${grouped(repeats)} repeats`]),
    ...(skipped === 0 ? [] : [`${countOf(skipped, 'line')} left out`]),
  ];
  const money = [
    `cost $${summary.costUsd}`,
    `saved $${summary.savedUsd}`,
    ...(unpriced === 0 ? [] : [`without ${grouped(unpriced)} answers of models that have no price`]),
    ...(unspentUsd === undefined ? [] : [`$${unspentUsd} left`]),
  ];
  const size = `${grouped(tokens.input)} tokens in, ${grouped(tokens.output)} out, ${plainDuration(summary.durationMs)}`;
  return [counts.join(', '), money.join(', '), size, ...notices.map((notice) => `note: ${notice}`), whereTo()].join(
    '\n',
  );

  function whereTo(): string {
    const { results } = paths;
    const again = 'the same command again goes on from here';
    if (summary.isStopped) {
      const so = results === undefined ? '' : `; results so far are in ${partialPath(results)}`;
      return `stopped with ${grouped(summary.items)} of ${grouped(items)} done: ${again}${so}`;
    }
    const written = results === undefined ? [] : [`results are in ${results}`];
    const failing = failed === 0 ? [] : ['the same command again asks what failed'];
    return [...written, ...failing].join('; ');
  }
}

/** The same for programs. @internal */
export function summaryJson({ summary, items, skipped, paths, notices }: RunReport): string {
  const { unspentUsd = null, ...rest } = summary;
  const told = { ...rest, unspentUsd, asked: items, skipped, results: paths.results ?? null, notices };
  return JSON.stringify(told, undefined, 2);
}
