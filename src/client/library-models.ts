import { FarthingError } from '../core/errors.ts';
import { parseTarget, type Target } from '../core/model/target.ts';
import type { RouteAlias, RouteBalance } from '../core/route/route-table.ts';

/** A name that may be asked for beside plain model names and `provider/model`. @public */
export interface LibraryModel {
  /** Written `provider/model`, or with a weight. In order: the first is asked, the others are fallbacks. */
  readonly targets: readonly (string | { readonly target: string; readonly weight: number })[];
  /**
   * Which of them is asked first: by `order`, by chance and weight, or the one that is expected to begin its answer soonest.
   * @defaultValue 'order'
   */
  readonly balance?: 'order' | RouteBalance['by'];
  /** What savings are measured against. @defaultValue the first target */
  readonly baseline?: string;
}

/**
 * Reads the models of a library's options.
 * @throws FarthingError `configuration` for a target that is not written `provider/model`, and a weight that is not above 0.
 * @internal
 */
export function libraryAliases(models: Readonly<Record<string, LibraryModel>>): ReadonlyMap<string, RouteAlias> {
  return new Map(Object.entries(models).map(([name, model]) => [name, aliasOf(model)]));
}

function aliasOf({ targets, balance = 'order', baseline }: LibraryModel): RouteAlias {
  const weighted = targets.map((each) => (typeof each === 'string' ? { target: each, weight: 1 } : each));
  for (const { target, weight } of weighted) {
    if (!(weight > 0)) throw new FarthingError('configuration', `a weight is above 0: ${target}`);
  }
  return {
    targets: weighted.map(({ target }) => readTarget(target)),
    ...(balance === 'order' ? {} : { balance: { by: balance, weights: weighted.map(({ weight }) => weight) } }),
    ...(baseline === undefined ? {} : { baseline: readTarget(baseline) }),
  };
}

/** @throws FarthingError `configuration` for what is not written `provider/model`. @internal */
export function readTarget(text: string): Target {
  const target = parseTarget(text);
  if (target === undefined) throw new FarthingError('configuration', `a target is written provider/model: ${text}`);
  return target;
}
