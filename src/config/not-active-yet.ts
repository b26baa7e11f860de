import type { InactivePart } from './config.ts';

/** Parts that are read and checked here and do nothing in this version, by the beginning of their paths. */
const INACTIVE_PATHS: readonly string[] = [
  'routes',
  'resilience.retries',
  'resilience.midStream',
  'resilience.cooldown',
  'resilience.retryBudget',
  'optimize',
];

/** Of a model with more than one target: the others would be fallbacks. */
const SECOND_TARGET = /^models\W.*\.targets\[1\]$/;

/**
 * What was written in a file and does nothing in this version, so that nobody relies on it.
 * @param writtenPaths - Paths that stand in the file, as messages show them.
 * @public
 */
export function notActiveYet(writtenPaths: Iterable<string>): readonly InactivePart[] {
  const written = new Set(writtenPaths);
  const inactive = INACTIVE_PATHS.filter((path) => written.has(path)).map((path) => ({
    path,
    reason: 'accepted, not active in this version',
  }));
  const fallbacks = [...written].filter((path) => SECOND_TARGET.test(path));
  return [
    ...inactive,
    ...fallbacks.map((path) => ({
      path: path.slice(0, -'[1]'.length),
      reason: 'only the first target whose provider is active is asked in this version',
    })),
  ];
}
