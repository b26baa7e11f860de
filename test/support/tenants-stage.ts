import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../src/config/load-config.ts';
import { type Endpoint, ENDPOINTS } from '../../src/core/model/protocol.ts';
import { gatewayLog } from '../../src/gateway/gateway-log.ts';
import { startGateway } from '../../src/gateway/start-gateway.ts';
import { whyNoServices } from './budget-stage.ts';
import { type NumberedUpstream, startNumberedUpstream } from './numbered-upstream.ts';
import { startPostgres } from './postgres-server.ts';
import { RedisServer } from './redis-server.ts';

/** Two projects; `second` is another key of alpha. */
export const TENANT_KEYS = {
  alpha: 'fk-of-alpha-0123456789abcdef0123456789abcdef',
  beta: 'fk-of-beta-0123456789abcdef0123456789abcdef',
  second: 'fk-second-of-alpha-0123456789abcdef0123456789',
} as const;

/** Who calls. */
type Tenant = keyof typeof TENANT_KEYS;

/** The admin key of the stage. */
export const TENANTS_ADMIN_KEY = 'an-admin-key-of-two-tenants-0123456789abcdef';

/** A reply, read to its end. */
export interface TenantReply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** How a call is made. */
export interface TenantCall {
  readonly tenant: Tenant;
  readonly endpoint: Endpoint;
  readonly prompt: string;
  readonly isStream?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  /** Which of the gateways. @defaultValue the first */
  readonly gateway?: number;
}

/** Gateways that two projects share, before one upstream. */
export interface TenantsStage {
  readonly upstream: NumberedUpstream;
  call(call: TenantCall): Promise<TenantReply>;
  get(path: string, key: string | undefined): Promise<TenantReply>;
  close(): Promise<void>;
}

/** Where the gateways keep what they know, and why they cannot where they cannot. */
export const TENANT_STORAGES: readonly { readonly name: string; readonly missing: string | undefined }[] = [
  { name: 'memory and SQLite', missing: undefined },
  { name: 'Redis and Postgres', missing: whyNoServices() },
];

/** Starts one gateway on a folder, or two on Redis and Postgres. `settings` are members of the configuration. */
export async function startTenantsStage(
  storageName: string,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<TenantsStage> {
  const upstream = await startNumberedUpstream();
  const isShared = storageName !== TENANT_STORAGES[0]?.name;
  const { storage, free } = isShared ? await services() : ownFolder();
  const configured = { ...configuration(upstream.origin), storage, ...settings };
  const { config } = loadConfig({ text: JSON.stringify(configured), env: {}, readFile: () => '' });
  const log = gatewayLog('silent', { write: () => undefined });
  const gateways = await Promise.all((isShared ? [1, 2] : [1]).map(() => startGateway({ config, log })));
  const urlOf = (index = 0): string => gateways[index % gateways.length]?.url ?? '';
  return {
    upstream,
    call: async (call) => {
      const { clientPath } = ENDPOINTS[call.endpoint];
      const reply = await fetch(`${urlOf(call.gateway)}${clientPath}`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          authorization: `Bearer ${TENANT_KEYS[call.tenant]}`,
          ...call.headers,
        },
        body: JSON.stringify(bodyOf(call)),
      });
      return { status: reply.status, headers: reply.headers, body: await reply.text() };
    },
    get: async (path, key) => {
      const headers: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` };
      const reply = await fetch(`${urlOf()}${path}`, { headers });
      return { status: reply.status, headers: reply.headers, body: await reply.text() };
    },
    close: async () => {
      await Promise.all(gateways.map((gateway) => gateway.close()));
      await upstream.close();
      await free();
    },
  };
}

function configuration(origin: string): Readonly<Record<string, unknown>> {
  return {
    version: 1,
    listen: '127.0.0.1:0',
    auth: 'required',
    admin: { key: TENANTS_ADMIN_KEY },
    providers: {
      openai: { protocol: 'openai', vendor: 'openai', baseUrl: `${origin}/v1`, apiKey: 'sk-of-the-operator' },
      anthropic: { protocol: 'anthropic', vendor: 'anthropic', baseUrl: origin, apiKey: 'sk-of-the-operator' },
    },
    cache: { mode: 'all', ttl: '1h' },
    keys: [
      { name: 'one', project: 'alpha', key: TENANT_KEYS.alpha },
      { name: 'two', project: 'alpha', key: TENANT_KEYS.second },
      {
        name: 'other',
        project: 'beta',
        key: TENANT_KEYS.beta,
        models: ['gpt-5.4-mini', 'claude-haiku-4-5', 'text-embedding-3-small'],
      },
    ],
  };
}

function bodyOf({ endpoint, prompt, isStream = false }: TenantCall): Readonly<Record<string, unknown>> {
  const stream = isStream ? { stream: true } : {};
  if (endpoint === 'embeddings') return { model: 'text-embedding-3-small', input: [prompt, `${prompt}, again`] };
  if (endpoint === 'responses') return { model: 'gpt-5.4-mini', input: prompt, max_output_tokens: 50, ...stream };
  const messages = [{ role: 'user', content: prompt }];
  if (endpoint === 'count-tokens') return { model: 'claude-haiku-4-5', messages };
  if (endpoint === 'messages') return { model: 'claude-haiku-4-5', max_tokens: 50, messages, ...stream };
  return { model: 'gpt-5.4-mini', max_completion_tokens: 50, messages, ...stream };
}

interface Storage {
  readonly storage: unknown;
  readonly free: () => Promise<void>;
}

function ownFolder(): Storage {
  const folder = mkdtempSync(join(tmpdir(), 'farthing-tenants-'));
  return { storage: folder, free: async () => rmSync(folder, { recursive: true, force: true }) };
}

async function services(): Promise<Storage> {
  const [redis, postgres] = await Promise.all([RedisServer.start(), startPostgres()]);
  const free = async (): Promise<void> => void (await Promise.all([redis.close(), postgres.close()]));
  return { storage: { redis: redis.url, postgres: await postgres.createDatabase() }, free };
}
