import { existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { FarthingError } from '../../core/errors.ts';
import { STANDARD_INPUT } from '../token-input.ts';
import { partialPath } from './results-file.ts';

/** Where a run leaves what. @internal */
export interface RunPaths {
  /** Undefined: standard output. */
  readonly results: string | undefined;
  /** What has been answered, so that nothing is asked and paid for twice. */
  readonly journal: string;
  /** What one process at a time may work on. */
  readonly locked: string;
}

/** How standard output is called on the command line. */
const STANDARD_OUTPUT = '-';

/**
 * Where a run over a file leaves its results and its journal.
 * @throws FarthingError `configuration` where the input cannot be read twice, and where results cannot be put without harm.
 * @internal
 */
export function runPaths(input: string, out: string | undefined): RunPaths {
  if (input === STANDARD_INPUT || isStream(input)) {
    throw new FarthingError('configuration', 'the input is read twice, to check it first: name a file');
  }
  const beside = `${input.replace(/\.(?:jsonl|ndjson|csv|txt)$/i, '')}.results.jsonl`;
  const results = out === STANDARD_OUTPUT ? undefined : (out ?? beside);
  const locked = results ?? beside;
  const paths = { results, journal: `${locked}.journal`, locked };
  demandPlaces(input, paths);
  return paths;
}

/** Pipes and terminals say a thing once. */
function isStream(path: string): boolean {
  const facts = statSync(path, { throwIfNoEntry: false });
  return facts !== undefined && !facts.isFile() && !facts.isDirectory();
}

/** What is written takes the place of what is there: that must be no folder, no device, and not the input under whatever name. */
function demandPlaces(input: string, { results, journal, locked }: RunPaths): void {
  const asked = statSync(input, { throwIfNoEntry: false });
  // Whoever opens it says so.
  if (asked === undefined) return;
  const folder = dirname(locked);
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new FarthingError('configuration', `${locked}: there is no folder ${folder}`);
  }
  for (const path of [...(results === undefined ? [] : [results, partialPath(results)]), journal]) {
    const there = statSync(path, { throwIfNoEntry: false });
    if (there === undefined) continue;
    if (there.ino === asked.ino && there.dev === asked.dev) {
      throw new FarthingError(
        'configuration',
        `${path} would be overwritten, and is the input: name another file with --out`,
      );
    }
    if (!there.isFile()) throw new FarthingError('configuration', `${path} is no file: name another one with --out`);
  }
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
