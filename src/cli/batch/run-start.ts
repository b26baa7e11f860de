import { FarthingError } from '../../core/errors.ts';
import { formatUsd } from '../../core/money.ts';
import { shortUsd } from '../short-usd.ts';
import { EXPECTED_OUTPUT_TOKENS, type RunEstimate, type WayEstimate } from '../../client/batch/run-estimate.ts';
import type { RunOptions } from './run-options.ts';
import type { Survey } from './survey-input.ts';
import { countOf, grouped } from '../plain-count.ts';

/**
 * Says what was found and what it costs, and asks a person at a terminal.
 * @returns whether the run is to start.
 * @throws FarthingError `configuration` where the money does not suffice even for what is expected.
 * @internal
 */
export async function mayStart(survey: Survey, options: RunOptions): Promise<boolean> {
  const { estimate, faults, unpricedTargets } = survey;
  const isDry = options.dryRun === true;
  if (faults.count > 0) console.error(`left out:\n${faults.text()}`);
  for (const target of unpricedTargets) console.error(`${target} has no price: what it costs is not known`);
  if (isDry && options.json === true) console.log(estimateJson(survey));
  else console.error(estimateText(estimate, faults.count));
  demandMoney(estimate, options);
  if (isDry) return false;
  if (options.yes === true || !process.stdin.isTTY || !process.stderr.isTTY) return true;
  const { confirm } = await import('@clack/prompts');
  return (await confirm({ message: 'Start?', output: process.stderr })) === true;
}

function demandMoney({ live, batch, leastMostNanoUsd = 0 }: RunEstimate, { via, maxUsd }: RunOptions): void {
  if (maxUsd === undefined) return;
  const { expectedNanoUsd } = (via === 'batch' ? batch : undefined) ?? live;
  if (expectedNanoUsd > BigInt(maxUsd)) {
    throw new FarthingError(
      'configuration',
      `it is expected to cost $${shortUsd(expectedNanoUsd)}, more than --max-usd ${formatUsd(maxUsd)}: nothing was sent`,
    );
  }
  // An item is asked while the most that it can cost is left: every one would be refused.
  if (leastMostNanoUsd > maxUsd) {
    throw new FarthingError(
      'configuration',
      `the cheapest item may cost $${shortUsd(BigInt(leastMostNanoUsd))}, more than --max-usd ${formatUsd(maxUsd)}: nothing was sent; a lower limit of output tokens lets items cost less`,
    );
  }
}

/** What was found and what it costs, for a person. */
function estimateText(estimate: RunEstimate, skipped: number): string {
  const { items, repeats, unpriced, inputTokens, live, batch } = estimate;
  const counts = [
    countOf(items, 'item'),
    ...(repeats === 0 ? [] : [`${grouped(repeats)} of them repeats`]),
    ...(skipped === 0 ? [] : [`${countOf(skipped, 'line')} left out`]),
    `${grouped(inputTokens)} tokens in`,
  ];
  return [
    counts.join(', '),
    `live   ${wayText(live)}`,
    ...(batch === undefined ? [] : [`batch  ${wayText(batch)}`]),
    `expected: with ${EXPECTED_OUTPUT_TOKENS} tokens an answer, nothing cached; repeats are asked once`,
    ...(unpriced === 0 ? [] : [`without ${grouped(unpriced)} items whose model has no price`]),
  ].join('\n');
}

function wayText({ expectedNanoUsd, mostNanoUsd }: WayEstimate): string {
  const most = mostNanoUsd === undefined ? 'nobody can say how much at most' : `$${shortUsd(mostNanoUsd)} at most`;
  return `$${shortUsd(expectedNanoUsd)} expected, ${most}`;
}

function estimateJson({ estimate, faults, unpricedTargets }: Survey): string {
  const { items, repeats, unpriced, inputTokens, live, batch } = estimate;
  const ways = { live: wayJson(live), batch: batch === undefined ? null : wayJson(batch) };
  const found = { items, repeats, skipped: faults.count, unpriced, unpricedTargets, inputTokens };
  return JSON.stringify({ ...found, expectedOutputTokens: EXPECTED_OUTPUT_TOKENS, ...ways }, undefined, 2);
}

function wayJson({ expectedNanoUsd, mostNanoUsd }: WayEstimate): object {
  const mostUsd = mostNanoUsd === undefined ? null : formatUsd(mostNanoUsd);
  return { expectedUsd: formatUsd(expectedNanoUsd), mostUsd };
}
