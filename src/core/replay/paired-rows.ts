import { outcomeCostUsd, type TokenPrice } from './outcome-cost.ts';
import type { ModelOutcome, OutcomeRow } from './outcome-row.ts';

/** An outcome whose cost is known. @public */
export type PricedOutcome = ModelOutcome & { readonly costUsd: number };

/** The models that a policy chooses between, by name. @public */
export interface ReplayedModels {
  readonly cheap: string;
  readonly strong: string;
  /** Cheap ones whose answers are held against the cheap one's. */
  readonly checkers: readonly string[];
}

/** A row that has all that a policy asks for. @public */
export interface PairedRow {
  readonly row: OutcomeRow;
  readonly cheap: PricedOutcome;
  readonly strong: PricedOutcome;
  /** In the order of {@link ReplayedModels.checkers}. */
  readonly checkers: readonly PricedOutcome[];
}

/** Rows that can be replayed, and why others cannot. @public */
export interface PairedRows {
  readonly rows: readonly PairedRow[];
  /** How many rows lack an outcome of a model, by its name; a row counts for the first that it lacks. */
  readonly withoutModel: ReadonlyMap<string, number>;
  /** How many rows have an outcome of a model that nobody can price, by its name. */
  readonly withoutPrice: ReadonlyMap<string, number>;
}

/**
 * Takes from a table the rows in which all models answered at a known cost.
 * @param priceOf - what a model charges; asked where a row states no cost.
 * @public
 */
export function pairedRows(
  rows: readonly OutcomeRow[],
  models: ReplayedModels,
  priceOf: (model: string) => TokenPrice | undefined,
): PairedRows {
  const names = [models.cheap, models.strong, ...models.checkers];
  const prices = new Map(names.map((name) => [name, priceOf(name)]));
  const withoutModel = new Map<string, number>();
  const withoutPrice = new Map<string, number>();
  const paired: PairedRow[] = [];
  for (const row of rows) {
    const found: PricedOutcome[] = [];
    for (const name of names) {
      const outcome = row.models.get(name);
      const costUsd = outcome === undefined ? undefined : outcomeCostUsd(outcome, prices.get(name));
      if (outcome !== undefined && costUsd !== undefined) {
        found.push({ ...outcome, costUsd });
        continue;
      }
      const lacks = outcome === undefined ? withoutModel : withoutPrice;
      lacks.set(name, (lacks.get(name) ?? 0) + 1);
      break;
    }
    const [cheap, strong, ...checkers] = found;
    if (cheap !== undefined && strong !== undefined && found.length === names.length)
      paired.push({ row, cheap, strong, checkers });
  }
  return { rows: paired, withoutModel, withoutPrice };
}
