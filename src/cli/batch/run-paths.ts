import { existsSync } from 'node:fs';
import { FarthingError } from '../../core/errors.ts';
import { STANDARD_INPUT } from '../token-input.ts';

/** Where a run leaves what. @internal */
export interface RunPaths {
  /** Undefined: standard output. */
  readonly results: string | undefined;
  /** What has been answered, so that nothing is asked and paid for twice. */
  readonly journal: string;
}

/** How standard output is called on the command line. */
const STANDARD_OUTPUT = '-';

/**
 * Where a run over a file leaves its results and its journal.
 * @throws FarthingError `configuration` where the input cannot be read twice.
 * @internal
 */
export function runPaths(input: string, out: string | undefined): RunPaths {
  if (input === STANDARD_INPUT) {
    throw new FarthingError('configuration', 'the input is read twice, to check it first: name a file');
  }
  const beside = `${input.replace(/\.(?:jsonl|ndjson|csv|txt)$/i, '')}.results.jsonl`;
  const results = out === STANDARD_OUTPUT ? undefined : (out ?? beside);
  if (results === input) throw new FarthingError('configuration', `--out ${input}: is the input`);
  return { results, journal: `${results ?? beside}.journal` };
}

/**
 * Refuses to pay once more for results that are there already.
 * @throws FarthingError `configuration`
 * @internal
 */
export function demandUnfinished({ results, journal }: RunPaths): void {
  if (results === undefined || !existsSync(results) || existsSync(journal)) return;
  throw new FarthingError(
    'configuration',
    `${results} is there already: name another with --out, or say --fresh to ask everything again`,
  );
}
