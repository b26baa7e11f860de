import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../src/config/load-config.ts';
import { type Gateway, startGateway } from '../../src/gateway/start-gateway.ts';
import { type KeepingUpstream, startKeepingUpstream } from './keeping-upstream.ts';

/** Keys of the two projects. */
export const PROJECT_KEYS: Readonly<Record<'a' | 'b', string>> = {
  a: `fk-a-${'0'.repeat(40)}`,
  b: `fk-b-${'0'.repeat(40)}`,
};

export const TWO_PROJECTS_ADMIN_KEY: string = `admin-${'0'.repeat(40)}`;

export interface TwoProjects {
  readonly gateway: Gateway;
  readonly upstream: KeepingUpstream;
  /** The data folder. */
  readonly folder: string;
  close(): Promise<void>;
}

/** A gateway with two projects and one provider key before an upstream that shows everything to that key. */
export async function startTwoProjects(
  provider: 'openai' | 'anthropic',
  config: Readonly<Record<string, unknown>> = {},
): Promise<TwoProjects> {
  const [folder, upstream] = await Promise.all([mkdtemp(join(tmpdir(), 'farthing-ids-')), startKeepingUpstream()]);
  const { origin } = upstream;
  const text = JSON.stringify({
    version: 1,
    listen: '127.0.0.1:0',
    storage: folder,
    providers: {
      openai: { protocol: 'openai', vendor: 'openai', baseUrl: `${origin}/v1`, apiKey: 'sk-one' },
      anthropic: { protocol: 'anthropic', vendor: 'anthropic', baseUrl: origin, apiKey: 'sk-two' },
    },
    cache: { mode: 'all', ttl: '1m', allowStored: true },
    admin: { key: TWO_PROJECTS_ADMIN_KEY },
    keys: Object.entries(PROJECT_KEYS).map(([name, key]) => ({ name, project: name, key })),
    passThrough: [{ path: '/v1/*', provider }],
    log: { level: 'error' },
    ...config,
  });
  const readFile = (path: string): never => {
    throw new Error(`no file is read: ${path}`);
  };
  const gateway = await startGateway({ config: loadConfig({ text, env: {}, readFile }).config });
  return {
    gateway,
    upstream,
    folder,
    close: async () => {
      await gateway.close();
      await upstream.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
