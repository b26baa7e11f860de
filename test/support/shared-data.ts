import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

const repositoryRoot = resolve(import.meta.dirname, '../..');

/**
 * Path of something in the data folder that lies beside the repository (or where `FARTHING_DATA` says); undefined when it is not
 * there, so that a test can skip itself by name.
 * @internal
 */
export function sharedData(...path: readonly string[]): string | undefined {
  const folder = resolve(repositoryRoot, process.env['FARTHING_DATA'] ?? '../shared/data');
  const found = join(folder, ...path);
  return existsSync(found) ? found : undefined;
}

/** Whether something is in the data folder; for `test.skipIf(!hasData(...))`. @internal */
export function hasData(...path: readonly string[]): boolean {
  return sharedData(...path) !== undefined;
}
