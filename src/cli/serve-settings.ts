import { readFileSync } from 'node:fs';
import type { Config, LoadedConfig } from '../config/config.ts';
import { NO_FILE } from '../config/config.ts';
import { environment } from '../config/env.ts';
import type { ExpansionSources } from '../config/expand.ts';
import { FarthingError } from '../core/errors.ts';
import type { Gateway, GatewaySettings } from '../gateway/start-gateway.ts';
import { readPriceFeed } from './price-feed-file.ts';

/** What the command line says of a gateway. @internal */
export interface ServeOptions {
  readonly config?: string;
  readonly host?: string;
  readonly port?: string;
  readonly workers?: string;
}

/** The settings of a gateway, and where they came from. @internal */
export interface ServeSettings extends GatewaySettings {
  readonly source: string;
}

const SOURCES: ExpansionSources = { env: environment(), readFile: (path) => readFileSync(path, 'utf8') };

const NO_PROVIDER = `No provider is active, so there is nobody to send calls to. Do one of these:

  export OPENAI_API_KEY=...          and start again, or
  export ANTHROPIC_API_KEY=...       and start again, or
  write a farthing.yaml with your providers (farthing config schema describes it)

To see what Farthing does without a key: farthing demo`;

/** Reads the settings. @throws FarthingError `configuration` @internal */
export async function readSettings(options: ServeOptions): Promise<ServeSettings> {
  const { findConfig } = await import('../config/find-config.ts');
  const loaded: LoadedConfig = findConfig(SOURCES, options.config);
  const config = { ...loaded.config, listen: listenOf(loaded.config, options) };
  const { storage } = config;
  const priceFeed = storage.kind === 'folder' ? await readPriceFeed(storage.path) : undefined;
  return { config, values: loaded.values, priceFeed, source: loaded.source };
}

function listenOf({ listen }: Config, { host, port }: ServeOptions): Config['listen'] {
  if (port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) <= 65_535)) {
    throw new FarthingError('configuration', `--port ${port}: a port is a number from 0 to 65535`);
  }
  return { host: host ?? listen.host, port: port === undefined ? listen.port : Number(port) };
}

/** Reads the settings of a gateway that is to start. @throws FarthingError `configuration`, also where no provider is active. @internal */
export async function activeSettings(options: ServeOptions): Promise<ServeSettings> {
  const settings = await readSettings(options);
  if (settings.config.providers.some(({ isActive }) => isActive)) return settings;
  throw new FarthingError('configuration', NO_PROVIDER);
}

/** Whether a key is made for the person at this machine: without a file nobody has made one yet, and the first call should not wait for it. @internal */
export function makesLocalKey({ source, config }: ServeSettings): boolean {
  return source === NO_FILE && config.auth === 'required';
}

/** Reads the settings again and has a running gateway take them. @internal */
export async function reloadGateway(gateway: Gateway, options: ServeOptions): Promise<void> {
  const settings = await readSettings(options);
  if (!settings.config.providers.some(({ isActive }) => isActive)) {
    throw new FarthingError('configuration', 'no provider would be active');
  }
  await gateway.reload(settings);
}
