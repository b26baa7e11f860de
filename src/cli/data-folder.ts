import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { FarthingError } from '../core/errors.ts';

/** How a command finds the data it works on; see `command-storage.ts`. @internal */
export interface DataOptions {
  readonly data?: string;
  readonly config?: string;
}

/** Adds the options that say where the data is. @internal */
export function addDataOptions(command: Command): Command {
  return command
    .option('-d, --data <folder>', 'the data folder (default: the one of the configuration)')
    .option('-c, --config <file>', 'the configuration that names the folder (default: farthing.yaml)');
}

/**
 * A file that must be there already.
 * @throws FarthingError `not-found` with what to do.
 * @internal
 */
export function existingFile(path: string, what: string): string {
  if (existsSync(path)) return path;
  throw new FarthingError('not-found', `no ${what} at ${path}: start the gateway once, or name its folder with --data`);
}
