import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { type LoadedConfig, NO_FILE, type ValueOrigin } from '../config/config.ts';
import { environment } from '../config/env.ts';
import type { ExpansionSources } from '../config/expand.ts';
import { routeRemarks } from '../config/route-remarks.ts';

interface ConfigOptions {
  readonly config?: string;
}

/** Adds `farthing config check|explain|schema`. The schema library is loaded when one of them runs. @internal */
export function registerConfig(program: Command): void {
  const group = program.command('config').description('Check and explain the configuration');
  group
    .command('check')
    .description('Check a configuration: exit code 0, or 2 with one line for each problem')
    .option('-c, --config <file>', 'the file (default: farthing.yaml)')
    .action(checkCommand);
  group
    .command('explain')
    .description('Print every effective value and where it came from; secrets are not shown')
    .option('-c, --config <file>', 'the file (default: farthing.yaml, or the environment alone where there is none)')
    .action(explainCommand);
  group.command('schema').description('Print the JSON Schema of the configuration, for editors').action(schemaCommand);
}

const SOURCES: ExpansionSources = { env: environment(), readFile: (path) => readFileSync(path, 'utf8') };

async function checkCommand(options: ConfigOptions): Promise<void> {
  const { loadConfig } = await import('../config/load-config.ts');
  const { DEFAULT_CONFIG_PATH } = await import('../config/find-config.ts');
  const loaded = loadConfig({ ...SOURCES, path: options.config ?? DEFAULT_CONFIG_PATH });
  console.log([`${loaded.source}: ok`, ...remarks(loaded)].join('\n'));
}

async function explainCommand(options: ConfigOptions): Promise<void> {
  const { findConfig } = await import('../config/find-config.ts');
  console.log(explanation(findConfig(SOURCES, options.config)));
}

async function schemaCommand(): Promise<void> {
  const { configJsonSchema } = await import('../config/config-json-schema.ts');
  console.log(JSON.stringify(configJsonSchema(), undefined, 2));
}

/** What holds but may surprise: providers without a key, and routes that take no call. */
function remarks({ config }: LoadedConfig): readonly string[] {
  const idle = config.providers.filter(({ isActive }) => !isActive);
  const lines = idle.map(({ name }) => `note: provider ${name} is inactive: its key is empty`);
  if (idle.length === config.providers.length) lines.push('note: no provider is active; the gateway would not start');
  return [...lines, ...routeRemarks(config).map((text) => `note: ${text}`)];
}

function explanation(loaded: LoadedConfig): string {
  const rows = loaded.values.map(
    ({ path, value, origin }) => [path, value, originText(origin, loaded.source)] as const,
  );
  const pathWidth = Math.max(...rows.map(([path]) => path.length));
  // One very long value must not push every origin off the screen.
  const valueWidth = Math.min(48, Math.max(...rows.map(([, value]) => value.length)));
  const lines = rows.map(
    ([path, value, origin]) => `${path.padEnd(pathWidth)}  ${value.padEnd(valueWidth)}  ${origin}`,
  );
  return [...lines, ...remarks(loaded)].join('\n');
}

function originText(origin: ValueOrigin, source: string): string {
  if (origin.kind === 'default') return 'default';
  const cause =
    origin.kind === 'env' ? `environment ${origin.name}` : origin.kind === 'file' ? '' : `file ${origin.path}`;
  // Without a file there is no line to show.
  if (source === NO_FILE) return cause === '' ? 'built in' : cause;
  const place = `${source}:${origin.line}:${origin.column}`;
  return cause === '' ? place : `${cause} (${place})`;
}
