import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Config, InactivePart, LoadedConfig } from '../config/config.ts';
import { NO_FILE } from '../config/config.ts';
import { environment } from '../config/env.ts';
import type { ExpansionSources } from '../config/expand.ts';
import type { Gateway, GatewaySettings } from '../gateway/start-gateway.ts';
import { FarthingError, isFarthingError } from '../core/errors.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { readPriceFeed } from './price-feed-file.ts';

interface ServeOptions {
  readonly config?: string;
  readonly host?: string;
  readonly port?: string;
}

const SOURCES: ExpansionSources = { env: environment(), readFile: (path) => readFileSync(path, 'utf8') };

const NO_PROVIDER = `No provider is active, so there is nobody to send calls to. Do one of these:

  export OPENAI_API_KEY=...          and start again, or
  export ANTHROPIC_API_KEY=...       and start again, or
  write a farthing.yaml with your providers (farthing config schema describes it)

To see what Farthing does without a key: farthing demo`;

/** Adds `farthing serve`. The server is loaded when it runs. @internal */
export function registerServe(program: Command): void {
  program
    .command('serve')
    .description('Start the gateway. SIGTERM and SIGINT stop it well, SIGHUP reads the configuration again')
    .option('-c, --config <file>', 'the file (default: farthing.yaml, or the environment alone where there is none)')
    .option('--host <host>', 'listen on this host, whatever the configuration says')
    .option('--port <port>', 'listen on this port, whatever the configuration says; 0 takes a free one')
    .action(serveCommand);
}

async function serveCommand(options: ServeOptions): Promise<void> {
  const read = (): Promise<ServeSettings> => readSettings(options);
  // Loaded while the settings are read. A fault of it is met below, where it is waited for.
  const server = import('../gateway/start-gateway.ts');
  server.catch(() => undefined);
  const settings = await read();
  if (!settings.config.providers.some(({ isActive }) => isActive))
    throw new FarthingError('configuration', NO_PROVIDER);
  const { startGateway } = await server;
  const gateway = await startGateway({
    ...settings,
    readSettings: read,
    // Without a file nobody has made a key yet, and the first call should not wait for one.
    makeLocalKey: settings.source === NO_FILE && settings.config.auth === 'required',
  });
  obeySignals(gateway, read);
  console.log(startLines(gateway, settings).join('\n'));
}

interface ServeSettings extends GatewaySettings {
  readonly source: string;
  readonly inactive: readonly InactivePart[];
}

async function readSettings(options: ServeOptions): Promise<ServeSettings> {
  const { findConfig } = await import('../config/find-config.ts');
  const loaded: LoadedConfig = findConfig(SOURCES, options.config);
  const config = { ...loaded.config, listen: listenOf(loaded.config, options) };
  const { storage } = config;
  const priceFeed = storage.kind === 'folder' ? await readPriceFeed(storage.path) : undefined;
  return { config, values: loaded.values, priceFeed, source: loaded.source, inactive: loaded.inactive };
}

function listenOf({ listen }: Config, { host, port }: ServeOptions): Config['listen'] {
  if (port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) <= 65_535)) {
    throw new FarthingError('configuration', `--port ${port}: a port is a number from 0 to 65535`);
  }
  return { host: host ?? listen.host, port: port === undefined ? listen.port : Number(port) };
}

/** What a start says. Never a key: where one is, and how to use it. */
function startLines({ url, localKeyPath }: Gateway, { config, source, inactive }: ServeSettings): readonly string[] {
  const active = config.providers.filter(({ isActive }) => isActive).map(({ name }) => name);
  const idle = config.providers.filter(({ isActive }) => !isActive).map(({ name }) => name);
  return [
    `Farthing listens on ${url}`,
    line('settings', source === NO_FILE ? 'the environment (there is no farthing.yaml here)' : source),
    line('providers', active.join(', ')),
    ...idle.map((name) => line('', `${name} is inactive: its key is empty; its targets are skipped`)),
    line('data', config.storage.kind === 'folder' ? resolve(config.storage.path) : 'services'),
    ...keyLines(config, localKeyPath).map((text, index) => line(index === 0 ? 'keys' : '', text)),
    ...inactive.map(({ path, reason }) => line('note', `${path}: ${reason}`)),
    ...useLines(config, url, localKeyPath),
  ];
}

function line(label: string, text: string): string {
  return `  ${label.padEnd(11)}${text}`;
}

function keyLines({ auth, keys }: Config, localKeyPath: string | undefined): readonly string[] {
  if (auth === 'none') return ['none asked for: every call is one of project default'];
  if (localKeyPath !== undefined) return [`yours is in ${localKeyPath}; farthing keys create makes more`];
  if (keys.length === 0) return ['make one with: farthing keys create --name me'];
  return [`${keys.map(({ name }) => name).join(', ')}; farthing keys create makes more`];
}

/** How to point clients here: lines for a shell that can be copied as they are. */
function useLines(config: Config, url: string, localKeyPath: string | undefined): readonly string[] {
  const key =
    localKeyPath === undefined ? (config.auth === 'none' ? 'any' : '<your gateway key>') : `"$(cat ${localKeyPath})"`;
  const speaks = (protocol: string): boolean =>
    config.providers.some((provider) => provider.isActive && provider.protocol === protocol);
  return [
    '',
    'Point your programs here:',
    ...(speaks('openai') ? [`  export OPENAI_BASE_URL=${url}/v1 OPENAI_API_KEY=${key}`] : []),
    ...(speaks('anthropic') ? [`  export ANTHROPIC_BASE_URL=${url} ANTHROPIC_API_KEY=${key}`] : []),
  ];
}

function obeySignals(gateway: Gateway, read: () => Promise<GatewaySettings>): void {
  let isStopping = false;
  const stop = (signal: NodeJS.Signals): void => {
    if (isStopping) process.exit(EXIT_CODES.failure);
    isStopping = true;
    console.log(`${signal}: waiting for calls under way (once more stops at once)`);
    gateway.close().then(
      () => process.exit(EXIT_CODES.ok),
      (error: unknown) => {
        console.error('could not stop cleanly:', messageOf(error));
        process.exit(EXIT_CODES.failure);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('SIGHUP', () => {
    reload(gateway, read).then(
      () => console.log('configuration reloaded'),
      (error: unknown) => console.error(`configuration not reloaded, the old one stays: ${messageOf(error)}`),
    );
  });
}

async function reload(gateway: Gateway, read: () => Promise<GatewaySettings>): Promise<void> {
  const settings = await read();
  if (!settings.config.providers.some(({ isActive }) => isActive)) {
    throw new FarthingError('configuration', 'no provider would be active');
  }
  await gateway.reload(settings);
}

function messageOf(error: unknown): string {
  return isFarthingError(error) || (error instanceof Error && 'syscall' in error) ? error.message : 'an internal fault';
}
