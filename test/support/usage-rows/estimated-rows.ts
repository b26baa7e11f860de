import {
  calibrate,
  calibratedTokens,
  type CalibrationState,
  NOTHING_LEARNT,
} from '../../../src/core/tokens/calibration.ts';
import { estimateInputTokens, type TokenEstimate } from '../../../src/core/tokens/estimate-input-tokens.ts';
import { inputTokenBound } from '../../../src/core/tokens/input-token-bound.ts';
import type { CountTokens } from '../../../src/core/tokens/count-tokens.ts';
import type { TokenProfile } from '../../../src/core/tokens/token-profile.ts';
import { profileOfModel } from '../../../src/core/tokens/profile-of-model.ts';
import { seededRandom } from '../../../src/simulator/seeded-random.ts';
import { loadTokenizer } from '../../../src/tokenizers/load-tokenizer.ts';
import { requestSize } from '../../../src/wire/request-size.ts';
import { readUsageRows, type UsageRow } from './usage-rows.ts';

/** A recorded request with what we make of it. @internal */
export interface EstimatedRow extends UsageRow {
  readonly estimate: TokenEstimate;
  /** Undefined where the gateway, or the bound itself, says that nothing bounds it. */
  readonly boundTokens: number | undefined;
  /** The bound by bytes that holds without a tokenizer; undefined for protocols that the gateway does not speak. */
  readonly byteBoundTokens: number | undefined;
  /** OpenAI's, text alone, and none of {@link setApart}: what must be exact. */
  readonly isOpenaiText: boolean;
  /** Why the row stands apart from the figure for OpenAI's texts. */
  readonly apart: string | undefined;
}

/** Reads and counts all rows. @internal */
export async function estimatedRows(): Promise<readonly EstimatedRow[]> {
  const tokenizers = { o200k_base: await loadTokenizer('o200k_base'), cl100k_base: await loadTokenizer('cl100k_base') };
  return readUsageRows().map((row) => {
    const profile = profileOfModel(row.target);
    return estimatedRow(row, profile, (text) => tokenizers[profile.encoding].count(text));
  });
}

function estimatedRow(row: UsageRow, profile: TokenProfile, count: CountTokens): EstimatedRow {
  const estimate = estimateInputTokens(row.prompt, profile, count);
  const size = row.decoded === undefined ? undefined : requestSize(row.decoded, row.bodyBytes);
  const apart = setApart(row);
  return {
    ...row,
    estimate,
    boundTokens: size?.kind === 'unbounded' ? undefined : inputTokenBound(row.prompt, profile, count),
    byteBoundTokens: size?.kind === 'bounded' ? size.textTokens + size.imageTokens : undefined,
    apart,
    isOpenaiText: row.host === 'api.openai.com' && estimate.isExact && apart === undefined,
  };
}

/** Searches and computers bring in text of their own, a stored conversation all that was said before. */
function setApart({ host, target, decoded }: UsageRow): string | undefined {
  if (host !== 'api.openai.com') return undefined;
  if (target.model.includes('search')) return 'search-preview';
  if (target.model.startsWith('computer-use')) return 'computer-use';
  const stored = ['previous_response_id', 'conversation'].filter((name) => typeof decoded?.body[name] === 'string');
  return stored.length === 0 ? undefined : 'stored-conversation';
}

/** How far an estimate is off, as a ratio of what was billed. @internal */
export function errorRatio({ estimate, actualTokens }: EstimatedRow, tokens: number = estimate.totalTokens): number {
  return Math.abs(tokens - actualTokens) / actualTokens;
}

/** Errors of one half of the rows before and after learning, in a drawn order, from the other half. @internal */
export function calibrationSplit(
  rows: readonly EstimatedRow[],
  seed: number,
): readonly { readonly row: EstimatedRow; readonly before: number; readonly after: number }[] {
  const random = seededRandom(seed);
  const drawn = rows
    .map((row) => ({ row, place: random.fraction() }))
    .toSorted((left, right) => left.place - right.place)
    .map(({ row }) => row);
  const half = Math.floor(drawn.length / 2);
  let state: CalibrationState = NOTHING_LEARNT;
  for (const row of drawn.slice(0, half)) {
    // What cannot be counted teaches nothing of what can.
    if (row.estimate.isPartial) continue;
    state = calibrate(state, { ...sampleOf(row), actualTokens: row.actualTokens });
  }
  return drawn.slice(half).map((row) => {
    const tokens = row.estimate.isExact ? row.estimate.totalTokens : calibratedTokens(state, sampleOf(row));
    return { row, before: errorRatio(row), after: errorRatio(row, tokens) };
  });
}

function sampleOf({ host, target, prompt, estimate }: EstimatedRow): {
  readonly target: string;
  readonly hasTools: boolean;
  readonly estimateTokens: number;
} {
  return {
    target: `${host}/${target.model}`,
    hasTools: prompt.tools.length > 0,
    estimateTokens: estimate.totalTokens,
  };
}
