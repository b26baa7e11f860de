import { FarthingError } from '../core/errors.ts';

/** One fault of a configuration. Lines and columns start at 1. @public */
export interface ConfigProblem {
  /** As in {@link formatPath}; empty for a fault of the whole file. */
  readonly path: string;
  readonly message: string;
  /** Undefined where the fault is in no place of a file. */
  readonly line: number | undefined;
  readonly column: number | undefined;
}

/** Writes a problem as one line: `farthing.yaml:12:5 cache.ttl: "1 fortnight" is not a duration; ...`. @public */
export function formatProblem(source: string, problem: ConfigProblem): string {
  const place = problem.line === undefined ? source : `${source}:${problem.line}:${problem.column ?? 1}`;
  return problem.path === '' ? `${place} ${problem.message}` : `${place} ${problem.path}: ${problem.message}`;
}

/**
 * A configuration that cannot be used, with all its problems at once. The message has one line for each and holds no secret.
 * @public
 */
export class ConfigError extends FarthingError {
  override readonly name: string = 'ConfigError';
  /** The file's name as it was given. */
  readonly source: string;
  readonly problems: readonly ConfigProblem[];

  constructor(source: string, problems: readonly ConfigProblem[]) {
    super('configuration', problems.map((problem) => formatProblem(source, problem)).join('\n'));
    this.source = source;
    this.problems = problems;
  }
}
