import { hash } from 'node:crypto';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import type { Config } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import type { CallRecord } from '../../src/core/model/charge.ts';
import { ENDPOINTS } from '../../src/core/model/protocol.ts';
import { NO_USAGE } from '../../src/core/model/usage.ts';
import type { Engine, EngineRequest } from '../../src/engine/engine-request.ts';
import { systemClock, systemRandom } from '../../src/engine/system-ports.ts';
import { Authenticator } from '../../src/gateway/authenticator.ts';
import type { GatewayState, OpenedBudgets } from '../../src/gateway/gateway-context.ts';
import { type GatewayServer, gatewayServer } from '../../src/gateway/gateway-server.ts';
import { gatewayLog } from '../../src/gateway/gateway-log.ts';
import { GatewayMetrics } from '../../src/gateway/gateway-metrics.ts';
import { CallLimiter } from '../../src/middleware/limits/call-limiter.ts';
import { KeyRing } from '../../src/gateway/key-ring.ts';
import { PassThrough } from '../../src/gateway/pass-through.ts';
import { requestGuard } from '../../src/gateway/request-guard.ts';
import { ResourceOwners } from '../../src/gateway/resources/resource-owners.ts';
import type { CacheSelector, CacheStore } from '../../src/ports/cache-store.ts';
import type { KeyRecord, KeyStore } from '../../src/ports/key-store.ts';
import type { ReplySink } from '../../src/ports/reply-sink.ts';
import { MemoryLimitStore } from '../../src/stores/memory/memory-limit-store.ts';
import { MemoryResourceRegistry } from '../../src/stores/memory/memory-resource-registry.ts';
import { MemoryLedger } from '../../src/stores/memory-ledger/memory-ledger.ts';

/** Keys of every fixture. */
export const KEY = 'fk-a-key-of-the-tests-that-is-long-enough';
export const ADMIN_KEY = 'an-admin-key-of-the-tests-that-is-long-enough';

/** A key as a store has it. */
export function keyRecord(secret: string, changes: Partial<KeyRecord> = {}): KeyRecord {
  return {
    keyId: `key_${hash('sha256', secret).slice(0, 16)}`,
    name: 'test',
    project: 'tests',
    secretSha256: hash('sha256', secret),
    createdAtMs: 0,
    expiresAtMs: undefined,
    revokedAtMs: undefined,
    allowedModels: undefined,
    pinnedTags: {},
    requiredTags: [],
    ...changes,
  };
}

/** Keys in a map; counts how often it is asked, and can be made to fail or to hang. */
export class FakeKeyStore implements KeyStore {
  readonly records: Map<string, KeyRecord> = new Map();
  lookups = 0;
  trouble: 'none' | 'fails' | 'hangs' = 'none';
  /** Further secrets that it knows. */
  set trusts(secrets: readonly string[]) {
    for (const secret of secrets) this.#trusted.set(hash('sha256', secret), secret);
  }
  readonly #trusted = new Map<string, string>();
  #version = 1;

  constructor(records: readonly KeyRecord[] = []) {
    for (const record of records) this.records.set(record.keyId, record);
  }

  async findBySecretHash(secretSha256: string): Promise<KeyRecord | undefined> {
    this.lookups += 1;
    await this.#trouble();
    const trusted = this.#trusted.get(secretSha256);
    if (trusted !== undefined) return keyRecord(trusted);
    return [...this.records.values()].find((record) => record.secretSha256 === secretSha256);
  }

  async list(): Promise<readonly KeyRecord[]> {
    return [...this.records.values()];
  }

  async put(record: KeyRecord): Promise<void> {
    this.records.set(record.keyId, record);
    this.#version += 1;
  }

  async version(): Promise<number> {
    await this.#trouble();
    return this.#version;
  }

  async close(): Promise<void> {
    this.records.clear();
  }

  async #trouble(): Promise<void> {
    if (this.trouble === 'fails') throw new Error('the disk is gone');
    if (this.trouble === 'hangs') await new Promise(() => undefined);
  }
}

/** Remembers what it was told to delete. */
class FakeCache implements CacheStore {
  readonly removals: (string | CacheSelector)[] = [];
  async read(): Promise<undefined> {
    return undefined;
  }
  async write(): Promise<void> {
    this.removals.length = 0;
  }
  async remove(key: string): Promise<boolean> {
    this.removals.push(key);
    return key.startsWith('a');
  }
  async removeMatching(selector: CacheSelector): Promise<number> {
    this.removals.push(selector);
    return 7;
  }
  async close(): Promise<void> {
    this.removals.length = 0;
  }
  stats(): { entries: number; sizeBytes: number } {
    return { entries: 3, sizeBytes: 4096 };
  }
}

/** An engine that does what a test wants. */
class FakeEngine implements Engine {
  readonly requests: EngineRequest[] = [];
  readonly records: Map<string, CallRecord> = new Map();
  answer: (request: EngineRequest, sink: ReplySink) => Promise<void> | void = answerOk;

  async handle(request: EngineRequest, sink: ReplySink): Promise<void> {
    this.requests.push(request);
    await this.answer(request, sink);
  }
  async callRecord(callId: string, project: string): Promise<CallRecord | undefined> {
    const record = this.records.get(callId);
    return record?.project === project ? record : undefined;
  }
  async settleDeferred(): Promise<never> {
    throw new Error('no call is deferred here');
  }
  async isHeldWhole(): Promise<boolean> {
    return false;
  }
  publish(record: CallRecord): void {
    this.records.set(record.callId, record);
  }
  inFlight(): number {
    return 0;
  }
  unwrittenCharges(): number {
    return 0;
  }
  async close(): Promise<void> {
    this.requests.length = 0;
  }
}

function answerOk(request: EngineRequest, sink: ReplySink): void {
  const body = Buffer.from(JSON.stringify({ endpoint: request.endpoint, bytes: request.body.byteLength }));
  sink.head({
    status: 200,
    headers: { 'content-type': 'application/json', 'content-length': String(body.byteLength) },
  });
  sink.write(body);
  sink.end();
}

/** A finished call. */
export function callRecord(changes: Partial<CallRecord> = {}): CallRecord {
  return {
    callId: 'call_1',
    atMs: 1_790_000_000_000,
    project: 'tests',
    keyId: 'key_1',
    tags: {},
    endpoint: 'chat',
    modelAsked: 'gpt-5.4-mini',
    target: 'openai/gpt-5.4-mini',
    servedModel: 'gpt-5.4-mini',
    isStream: false,
    status: 200,
    outcome: 'complete',
    cacheStatus: 'miss',
    usage: NO_USAGE,
    costNanoUsd: undefined,
    baselineNanoUsd: undefined,
    savedNanoUsd: undefined,
    savedParts: undefined,
    isEstimate: false,
    missedByMode: undefined,
    attempts: 1,
    durationMs: 12,
    firstByteMs: 10,
    decisions: [],
    route: undefined,
    ...changes,
  };
}

export interface Fixture {
  readonly server: GatewayServer;
  readonly url: string;
  readonly port: number;
  readonly engine: FakeEngine;
  readonly keys: FakeKeyStore;
  readonly cache: FakeCache;
  readonly ledger: MemoryLedger;
  readonly metrics: GatewayMetrics;
  /** Lines of the log so far. */
  readonly log: readonly string[];
  readonly reloads: { count: number; error: Error | undefined };
  readonly ledgerTrouble: { error: Error | undefined };
  /** How much of the memory the gateway believes to be in use. */
  readonly memory: { ratio: number };
  close(): Promise<void>;
}

interface Parts {
  readonly engine: FakeEngine;
  readonly keyRing: KeyRing;
  readonly passThrough: PassThrough;
}

function configOf(yaml: string): Config {
  const listen = /^listen:/m.test(yaml) ? '' : 'listen: 127.0.0.1:0\n';
  const providers = /^providers:/m.test(yaml)
    ? ''
    : 'providers:\n  openai: { protocol: openai, baseUrl: "https://api.openai.com/v1", apiKey: sk-provider-canary }\n';
  const admin = yaml.includes('admin:') ? '' : `admin: { key: ${ADMIN_KEY} }\n`;
  const text = `version: 1\n${listen}${providers}${admin}${yaml.replace('admin:\n', '')}`;
  return loadConfig({ text, env: {}, readFile: () => '' }).config;
}

function stateOf(config: Config, { engine, keyRing, passThrough }: Parts): GatewayState {
  return {
    guard: requestGuard({ listenHost: config.listen.host, allowedHosts: config.allowedHosts }),
    authenticator: new Authenticator({
      keyRing: config.auth === 'none' ? undefined : keyRing,
      adminKey: config.adminKey,
    }),
    engine,
    maxBodyBytes: config.limits.maxBodyBytes,
    config,
    passThrough,
    explained: [{ path: 'version', value: '1', origin: { kind: 'default' } }],
    routeGuard: undefined,
    routes: {
      providers: new Map([['openai', { name: 'openai', protocol: 'openai', vendor: 'openai' }]]),
      aliases: new Map([['house', { targets: [{ provider: 'openai', model: 'gpt-5.4-mini' }] }]]),
      vendorOfModel: () => 'openai',
    },
  };
}

function partsOf(config: Config, keys: FakeKeyStore, metrics: GatewayMetrics): Parts {
  return {
    engine: new FakeEngine(),
    keyRing: new KeyRing({
      configured: config.keys.map((key) =>
        keyRecord(key.secret, {
          keyId: `config:${key.name}`,
          project: key.project,
          ...(key.limits && { limits: key.limits }),
          priority: key.priority,
        }),
      ),
      store: keys,
      clock: systemClock,
      onFault: (operation) => metrics.storeFailed('keys', operation),
    }),
    passThrough: new PassThrough({
      rules: config.passThrough,
      providers: config.providers,
      random: systemRandom,
      idleTimeoutMs: 5000,
      limiter: new CallLimiter({
        store: new MemoryLimitStore(),
        projects: new Map(),
        ownerId: 'tests',
        clock: systemClock,
        random: systemRandom,
        events: { emit: () => undefined },
      }),
    }),
  };
}

/** A whole gateway on a free port of loopback, with a fake engine and stores in memory. `yaml` is added to its configuration. */
export async function startFixture(yaml = '', budgets?: OpenedBudgets): Promise<Fixture> {
  const config = configOf(yaml);
  const [keys, cache, ledger] = [new FakeKeyStore([keyRecord(KEY)]), new FakeCache(), new MemoryLedger()];
  const running: { server?: GatewayServer } = {};
  const cacheStats = (): { entries: number; sizeBytes: number } => cache.stats();
  const metrics = new GatewayMetrics({ inFlight: () => running.server?.inFlight() ?? 0, cache: cacheStats });
  const log: string[] = [];
  const parts = partsOf(config, keys, metrics);
  await parts.keyRing.poll();
  const state = stateOf(config, parts);
  const reloads: Fixture['reloads'] = { count: 0, error: undefined };
  const ledgerTrouble: Fixture['ledgerTrouble'] = { error: undefined };
  const memory: Fixture['memory'] = { ratio: 0 };
  const server = await gatewayServer({
    memoryRatio: () => memory.ratio,
    state: () => state,
    keys,
    cache,
    cacheStats,
    budgets,
    ledger,
    resources: new ResourceOwners({
      registry: new MemoryResourceRegistry({ clock: systemClock }),
      clock: systemClock,
      onFault: (operation) => metrics.storeFailed('resources', operation),
    }),
    metrics,
    clock: systemClock,
    random: systemRandom,
    log: gatewayLog('debug', { write: (line) => void log.push(line) }),
    startedAtMs: Date.now(),
    checkLedger: async () => {
      if (ledgerTrouble.error !== undefined) throw ledgerTrouble.error;
    },
    reload: async () => {
      if (reloads.error !== undefined) throw reloads.error;
      reloads.count += 1;
    },
  });
  running.server = server;
  const close = async (): Promise<void> => {
    await server.close(1000);
    parts.keyRing.close();
    metrics.close();
    await parts.passThrough.close();
  };
  const { url } = server;
  const found = { url, port: Number(new URL(url).port), engine: parts.engine };
  return { server, ...found, keys, cache, ledger, metrics, log, reloads, ledgerTrouble, memory, close };
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly trailers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
  /** The body as JSON. */
  json(): Readonly<Record<string, unknown>>;
}

export interface Ask {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** Sends one request over a connection of its own, so that no client library hides what happens. */
export function ask(url: string, { method = 'GET', path = '/', headers = {}, body }: Ask): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(new URL(url), { method, path, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          trailers: response.trailers,
          body: text,
          json: () => jsonOf(text),
        });
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}

function jsonOf(text: string): Readonly<Record<string, unknown>> {
  const value: Readonly<Record<string, unknown>> = JSON.parse(text);
  return value;
}

/** A call as an OpenAI client makes it. */
export function chat(url: string, { headers = {}, body = '{"model":"m"}', ...rest }: Ask = {}): Promise<Reply> {
  const all = { authorization: `Bearer ${KEY}`, 'content-type': 'application/json', ...headers };
  return ask(url, { method: 'POST', path: ENDPOINTS.chat.clientPath, headers: all, body, ...rest });
}

/** Writes bytes to a socket and gives what comes back until the other side closes. */
export function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    let received = '';
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(text));
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
    });
    socket.on('error', () => resolve(received));
    socket.on('close', () => resolve(received));
  });
}
