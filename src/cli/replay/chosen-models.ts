import { nearestName } from '../../config/nearest-name.ts';
import { FarthingError } from '../../core/errors.ts';
import type { TokenPrice } from '../../core/replay/outcome-cost.ts';
import type { OutcomeRow } from '../../core/replay/outcome-row.ts';
import { pairedRows, type ReplayedModels } from '../../core/replay/paired-rows.ts';

/** Models as the user names them. @internal */
export interface NamedModels {
  readonly cheap: string | undefined;
  readonly strong: string | undefined;
  readonly checkers: readonly string[];
}

/** So many names are listed where one must be chosen. */
const LISTED_MODELS = 20;

/**
 * Finds the two models of a table: those that are named; of a table with two models the cheaper one and the other.
 * @throws FarthingError `configuration` where a name is not in the table, or must be said.
 * @internal
 */
export function chosenModels(
  rows: readonly OutcomeRow[],
  { cheap, strong, checkers }: NamedModels,
  priceOf: (model: string) => TokenPrice | undefined,
): ReplayedModels {
  const known = modelsOf(rows);
  for (const name of [cheap, strong, ...checkers]) {
    if (name !== undefined && !known.has(name)) throw unknownModel(name, known);
  }
  if (new Set(checkers).size < checkers.length || checkers.some((name) => name === cheap || name === strong))
    throw new FarthingError('configuration', '--checker must be another model than --cheap, --strong and each other');
  if (cheap !== undefined && strong !== undefined) {
    if (cheap === strong) throw new FarthingError('configuration', '--cheap and --strong are the same model');
    return { cheap, strong, checkers };
  }
  const left = [...known].filter((name) => !checkers.includes(name) && name !== cheap && name !== strong);
  const [one, other] = left;
  if (one !== undefined && left.length === 1 && (cheap ?? strong) !== undefined)
    return { cheap: cheap ?? one, strong: strong ?? one, checkers };
  if (one === undefined || other === undefined || left.length !== 2 || (cheap ?? strong) !== undefined)
    throw fault('say --cheap and --strong', known);
  return { ...byPrice(rows, one, other, priceOf), checkers };
}

function modelsOf(rows: readonly OutcomeRow[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { models } of rows) for (const name of models.keys()) names.add(name);
  return names;
}

function byPrice(
  rows: readonly OutcomeRow[],
  one: string,
  other: string,
  priceOf: (model: string) => TokenPrice | undefined,
): Pick<ReplayedModels, 'cheap' | 'strong'> {
  const paired = pairedRows(rows, { cheap: one, strong: other, checkers: [] }, priceOf).rows;
  const cost = (name: 'cheap' | 'strong'): number => paired.reduce((sum, row) => sum + row[name].costUsd, 0);
  return cost('cheap') <= cost('strong') ? { cheap: one, strong: other } : { cheap: other, strong: one };
}

function unknownModel(name: string, known: ReadonlySet<string>): FarthingError {
  const meant = nearestName(name, [...known]);
  return fault(`no row has a model ${name}${meant === undefined ? '' : ` (did you mean ${meant}?)`}`, known);
}

function fault(problem: string, known: ReadonlySet<string>): FarthingError {
  const names = [...known].toSorted();
  const more = names.length > LISTED_MODELS ? ` and ${names.length - LISTED_MODELS} more` : '';
  const listed = names.slice(0, LISTED_MODELS).join(', ');
  return new FarthingError('configuration', `${problem}; the models are ${listed}${more}`);
}
