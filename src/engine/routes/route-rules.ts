import { FarthingError } from '../../core/errors.ts';
import type { RouteRule } from '../../core/route/route-rule.ts';
import { readScoreModel } from '../../core/score/read-score-model.ts';
import { policyVersion } from './policy-version.ts';

/** A route as it is written, with the file of its score not read yet. @internal */
export interface RouteSource extends Omit<RouteRule, 'score' | 'policyVersion'> {
  readonly score: { readonly path: string; readonly threshold: number | undefined } | undefined;
}

/**
 * Makes rules of routes as a configuration has them.
 * @param readText - reads a file.
 * @throws FarthingError `configuration` for a score that cannot be read.
 * @internal
 */
export function routeRules(sources: readonly RouteSource[], readText: (path: string) => string): readonly RouteRule[] {
  return sources.map(({ score, ...source }) =>
    versioned({
      ...source,
      score: score && { model: scoreFrom(score.path, source.name, readText), threshold: score.threshold },
    }),
  );
}

/** A rule under the name of its version. @internal */
export function versioned(rule: Omit<RouteRule, 'policyVersion'>): RouteRule {
  const { score } = rule;
  return { ...rule, policyVersion: policyVersion({ ...rule, score: score && [score.model.id, score.threshold] }) };
}

function scoreFrom(
  path: string,
  route: string,
  readText: (path: string) => string,
): NonNullable<RouteRule['score']>['model'] {
  try {
    return readScoreModel(JSON.parse(readText(path)));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : 'it cannot be read';
    throw new FarthingError('configuration', `route ${route}: the score ${path} cannot be used: ${why}`, { cause });
  }
}
