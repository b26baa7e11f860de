import { FarthingError } from '../../core/errors.ts';
import type { TokenPrice } from '../../core/replay/outcome-cost.ts';
import { pairedRows, type PairedRows, type ReplayedModels } from '../../core/replay/paired-rows.ts';
import type { PolicyName } from '../../core/replay/replay-policy.ts';
import { replayReport } from '../../core/replay/replay-report.ts';
import { sameAnswer } from '../../core/replay/same-answer.ts';
import { effectiveBook } from '../prices-command.ts';
import { chosenModels, type NamedModels } from './chosen-models.ts';
import { readOutcomeFiles } from './read-outcome-files.ts';
import type { ReplayOutcome } from './replay-outcome.ts';
import { tokenPrices } from './token-prices.ts';

/** What is replayed, and how. @internal */
export interface ReplayRequest {
  readonly policies: readonly PolicyName[];
  readonly models: NamedModels;
  /** Prices that the user states, by model. */
  readonly prices: ReadonlyMap<string, TokenPrice>;
  /** The configuration file whose prices hold for other models. */
  readonly config: string | undefined;
  readonly folds: number;
  readonly resamples: number;
  readonly seed: number;
  readonly maxQualityLoss: number;
  readonly confidenceRatio: number;
}

/**
 * Replays policies on tables of outcomes.
 * @throws FarthingError `configuration` where a file, a model or a price is missing, so that no row can be replayed.
 * @internal
 */
export async function replayFiles(
  paths: readonly string[],
  request: ReplayRequest,
  stdin: AsyncIterable<Uint8Array>,
): Promise<ReplayOutcome> {
  const files = await readOutcomeFiles(paths, stdin);
  if (files.rows.length === 0) {
    const [first] = files.faults;
    const why = first === undefined ? '' : `; ${first.file}:${first.line}: ${first.reason}`;
    throw new FarthingError('configuration', `no line can be replayed${why}`);
  }
  const priceOf = tokenPrices(request.prices, await effectiveBook(request.config), Date.now());
  const models = chosenModels(files.rows, request.models, priceOf);
  const paired = pairedRows(files.rows, models, priceOf);
  if (paired.rows.length === 0) throw new FarthingError('configuration', `no row can be replayed: ${lackOf(paired)}`);
  const report = replayReport(paired.rows, request.policies, {
    ...request,
    agree: sameAnswer,
  });
  return { ...files, models, prices: usedPrices(models, priceOf, paired), paired, report };
}

/** What a cost is worked out from. @internal */
export function whatLacks(model: string): string {
  return `rows must state costUsd, or inputTokens and outputTokens with a price (--price ${model}=in/out)`;
}

/** What most rows lack. */
function lackOf({ withoutModel, withoutPrice }: PairedRows): string {
  const [price] = withoutPrice.keys();
  if (price !== undefined) return `no cost of ${price} is known; ${whatLacks(price)}`;
  return `no row has outcomes of all models; none of ${[...withoutModel.keys()].join(', ')} in some`;
}

/** Prices of models whose rows do not all state their cost. */
function usedPrices(
  { cheap, strong, checkers }: ReplayedModels,
  priceOf: (model: string) => TokenPrice | undefined,
  { rows }: PairedRows,
): ReadonlyMap<string, TokenPrice> {
  const names = [cheap, strong, ...checkers];
  const isUsed = (name: string): boolean =>
    rows.some(({ row }) => {
      const outcome = row.models.get(name);
      return outcome !== undefined && outcome.costUsd === undefined && outcome.inputTokens !== undefined;
    });
  return new Map(
    names.flatMap((name) => {
      const price = priceOf(name);
      return price === undefined || !isUsed(name) ? [] : [[name, price]];
    }),
  );
}
