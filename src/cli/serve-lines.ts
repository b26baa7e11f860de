import { resolve } from 'node:path';
import type { Config } from '../config/config.ts';
import { NO_FILE } from '../config/config.ts';
import { routeRemarks } from '../config/route-remarks.ts';
import type { Gateway } from '../gateway/start-gateway.ts';
import type { ServeSettings } from './serve-settings.ts';

/** What a start says. Never a key: where one is, and how to use it. @internal */
export function startLines(
  { url, localKeyPath }: Pick<Gateway, 'url' | 'localKeyPath'>,
  { config, source }: ServeSettings,
): readonly string[] {
  const active = config.providers.filter(({ isActive }) => isActive).map(({ name }) => name);
  const idle = config.providers.filter(({ isActive }) => !isActive).map(({ name }) => name);
  return [
    `Farthing listens on ${url}`,
    line('settings', source === NO_FILE ? 'the environment (there is no farthing.yaml here)' : source),
    line('providers', active.join(', ')),
    ...idle.map((name) => line('', `${name} is inactive: its key is empty; its targets are skipped`)),
    line('data', config.storage.kind === 'folder' ? resolve(config.storage.path) : 'services'),
    ...keyLines(config, localKeyPath).map((text, index) => line(index === 0 ? 'keys' : '', text)),
    ...routeRemarks(config).map((text) => line('note', text)),
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
