import type { InactivePart } from './config.ts';

/** Parts that are read and checked here and do nothing in this version, by the beginning of their paths. */
const INACTIVE_PATHS: readonly string[] = ['routes'];

/**
 * What was written in a file and does nothing in this version, so that nobody relies on it.
 * @param writtenPaths - Paths that stand in the file, as messages show them.
 * @public
 */
export function notActiveYet(writtenPaths: Iterable<string>): readonly InactivePart[] {
  const written = new Set(writtenPaths);
  return INACTIVE_PATHS.filter((path) => written.has(path)).map((path) => ({
    path,
    reason: 'accepted, not active in this version',
  }));
}
