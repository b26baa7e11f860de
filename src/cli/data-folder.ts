import { existsSync, readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { FarthingError } from '../core/errors.ts';

/** How a command finds the data it works on. @internal */
export interface DataOptions {
  readonly data?: string;
  readonly config?: string;
}

/** Adds the options that {@link dataFolderOf} reads. @internal */
export function addDataOptions(command: Command): Command {
  return command
    .option('-d, --data <folder>', 'the data folder (default: the one of the configuration)')
    .option('-c, --config <file>', 'the configuration that names the folder (default: farthing.yaml)');
}

/**
 * The data folder: the one named, else that of the configuration.
 * @throws FarthingError `configuration` when the configuration is wrong, or keeps its data in other places than a folder.
 * @internal
 */
export async function dataFolderOf(options: DataOptions): Promise<string> {
  if (options.data !== undefined) return options.data;
  const { findConfig } = await import('../config/find-config.ts');
  const { environment } = await import('../config/env.ts');
  const sources = { env: environment(), readFile: (path: string) => readFileSync(path, 'utf8') };
  const { storage } = findConfig(sources, options.config).config;
  if (storage.kind === 'folder') return storage.path;
  throw new FarthingError('configuration', 'the configuration keeps no data in a folder: name one with --data');
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
