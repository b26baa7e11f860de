import { ConfigError } from './config-error.ts';
import type { LoadedConfig } from './config.ts';
import { defaultConfig } from './default-config.ts';
import type { ExpansionSources } from './expand.ts';
import { loadConfig } from './load-config.ts';

/** The file that is read when none is named. @public */
export const DEFAULT_CONFIG_PATH = 'farthing.yaml';

/**
 * Loads the named file; without a name {@link DEFAULT_CONFIG_PATH}, and where that does not exist the built-in configuration.
 * @throws ConfigError with all problems at once; also when a named file does not exist.
 * @public
 */
export function findConfig(sources: ExpansionSources, path?: string): LoadedConfig {
  if (path !== undefined) return loadConfig({ ...sources, path });
  let text: string;
  try {
    text = sources.readFile(DEFAULT_CONFIG_PATH);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    if (code === 'ENOENT') return defaultConfig(sources);
    const message = `cannot be read (${code})`;
    throw new ConfigError(DEFAULT_CONFIG_PATH, [{ path: '', message, line: undefined, column: undefined }]);
  }
  return loadConfig({ ...sources, path: DEFAULT_CONFIG_PATH, text });
}
