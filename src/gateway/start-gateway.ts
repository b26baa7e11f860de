import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Logger } from 'pino';
import type { Config, ExplainedValue, KeyConfig } from '../config/config.ts';
import { FarthingError } from '../core/errors.ts';
import type { CallRecord } from '../core/model/charge.ts';
import type { PriceBook } from '../core/price-book.ts';
import { openOptimizer } from '../engine/optimizer/open-optimizer.ts';
import { openRoutes } from '../engine/routes/open-routes.ts';
import { routeRules } from '../engine/routes/route-rules.ts';
import { systemClock, systemRandom } from '../engine/system-ports.ts';
import type { KeyRecord } from '../ports/key-store.ts';
import { CallLog } from '../stores/call-log/call-log.ts';
import { Authenticator } from './authenticator.ts';
import { buildEngine, type EngineSurroundings, routeTableOf } from './build-engine.ts';
import { CacheAnnouncements } from './cache-announcements.ts';
import type { GatewayState } from './gateway-context.ts';
import { GatewayBatches } from './gateway-batches.ts';
import { GatewayBudgets } from './gateway-budgets.ts';
import { gatewayEvents } from './gateway-events.ts';
import { gatewayLog } from './gateway-log.ts';
import { GatewayMetrics } from './gateway-metrics.ts';
import { type GatewayServer, gatewayServer } from './gateway-server.ts';
import type { GatewayStores, StoreFaultListener } from './gateway-stores.ts';
import { KeyRing } from './key-ring.ts';
import { ensureLocalKey } from './local-key.ts';
import { ownStats } from './own-stats.ts';
import { openStores } from './open-stores.ts';
import { PassThrough } from './pass-through.ts';
import { passThroughLimiter } from './pass-through-limiter.ts';
import { isLoopbackHost, requestGuard } from './request-guard.ts';
import { ResourceOwners } from './resources/resource-owners.ts';
import { changedRestartParts } from './restart-parts.ts';
import type { WorkerGroup, WorkerSnapshot } from './workers/worker-group.ts';

/** What may change while a gateway runs. @public */
export interface GatewaySettings {
  readonly config: Config;
  /** Effective values with secrets cut out, for `GET /admin/v1/config`. @defaultValue none are shown */
  readonly values?: readonly ExplainedValue[];
  /** Prices between the shipped ones and the operator's. @defaultValue none */
  readonly priceFeed?: PriceBook | undefined;
}

/** How to start a gateway. @public */
export interface StartGatewayOptions extends GatewaySettings {
  /** Reads the settings again, for `POST /admin/v1/reload`. @defaultValue that request is refused */
  readonly readSettings?: () => Promise<GatewaySettings>;
  /** Makes a key for the person at this machine and keeps it in the data folder. @defaultValue false */
  readonly makeLocalKey?: boolean;
  /** The processes that share address and folder with this one. @defaultValue it stands alone */
  readonly workers?: WorkerGroup;
  /** @defaultValue JSON lines on standard error at the configured level */
  readonly log?: Logger;
}

/** A gateway that runs. @public */
export interface Gateway {
  /** `http://host:port`, without a slash at its end. */
  readonly url: string;
  /** The file with the local key, where one was asked for. */
  readonly localKeyPath: string | undefined;
  /**
   * Takes new settings without dropping a call: those under way end under the old ones.
   * @throws FarthingError `configuration`, changing nothing, when the settings cannot be used or take a restart.
   */
  reload(settings: GatewaySettings): Promise<void>;
  /** What this process has counted, for the others of its group. */
  snapshot(): Promise<WorkerSnapshot>;
  /** Takes no more calls, waits for those under way up to `limits.drainTimeout`, cuts the rest, flushes the ledger and closes it. */
  close(): Promise<void>;
}

/** Shortest key beyond loopback, in characters: 32 of base64 are 192 bits. */
const MIN_SECRET_LENGTH = 32;

/** For how long an answer to "can the ledger be written?" holds, in milliseconds: asking is open to all and costs an fsync. */
const LEDGER_CHECK_MS = 1000;

/**
 * Opens the stores, assembles the engine and starts listening.
 *
 * @example
 * ```ts
 * const gateway = await startGateway({ config: defaultConfig(sources).config });
 * console.log(gateway.url);
 * await gateway.close();
 * ```
 * @throws FarthingError `configuration` or `store-unavailable`; the system's error when the address cannot be listened on.
 * @public
 */
export async function startGateway(options: StartGatewayOptions): Promise<Gateway> {
  checkExposure(options.config);
  const log = options.log ?? gatewayLog(options.config.logLevel);
  const runtime = await GatewayRuntime.open(options, log);
  try {
    return await runtime.listen(options);
  } catch (error) {
    await runtime.close();
    throw error;
  }
}

/** Beyond loopback anybody may knock: no gateway without keys, and none with keys that can be guessed. */
function checkExposure(config: Config): void {
  if (isLoopbackHost(config.listen.host)) return;
  if (config.auth === 'none') {
    throw new FarthingError(
      'configuration',
      'auth: none is for loopback only; set auth: required or listen on 127.0.0.1',
    );
  }
  const secrets = [
    ...config.keys.map(({ secret }) => secret),
    ...(config.adminKey === undefined ? [] : [config.adminKey]),
  ];
  if (secrets.some((secret) => secret.length < MIN_SECRET_LENGTH)) {
    throw new FarthingError('configuration', `beyond loopback keys need at least ${MIN_SECRET_LENGTH} characters`);
  }
}

class GatewayRuntime {
  readonly #log: Logger;
  readonly #metrics: GatewayMetrics;
  readonly #stores: GatewayStores;
  readonly #callLog: CallLog | undefined;
  readonly #startedAtMs = systemClock.nowMs();
  /** Engines and what belongs to them that a reload replaced and whose calls are still under way. */
  readonly #retiring = new Set<Promise<void>>();
  #current: { readonly state: GatewayState; readonly keyRing: KeyRing } | undefined;
  #server: GatewayServer | undefined;
  #ledgerCheck: { readonly atMs: number; readonly answer: Promise<unknown> } | undefined;
  #budgets: GatewayBudgets | undefined;
  #announcements: CacheAnnouncements | undefined;
  #batches: GatewayBatches | undefined;
  #closing: Promise<void> | undefined;

  private constructor(log: Logger, metrics: GatewayMetrics, stores: GatewayStores, callLog: CallLog | undefined) {
    this.#log = log;
    this.#metrics = metrics;
    this.#stores = stores;
    this.#callLog = callLog;
  }

  static async open({ config, workers }: StartGatewayOptions, log: Logger): Promise<GatewayRuntime> {
    let runtime: GatewayRuntime | undefined;
    const metrics = new GatewayMetrics({
      inFlight: () => runtime?.inFlight() ?? 0,
      cache: () => stores.cacheStats(),
    });
    const ports = { clock: systemClock, random: systemRandom };
    const onFault: StoreFaultListener = (store, operation, error) => {
      metrics.storeFailed(store, operation);
      log.error({ store, operation, error }, 'store failed');
    };
    const stores = await openStores(config, { ...ports, onFault, hasWorkers: workers !== undefined });
    runtime = new GatewayRuntime(log, metrics, stores, openCallLog(config, log));
    return runtime;
  }

  inFlight(): number {
    return this.#server?.inFlight() ?? 0;
  }

  async listen(options: StartGatewayOptions): Promise<Gateway> {
    const ports = { clock: systemClock, random: systemRandom };
    const { folder, keys } = this.#stores;
    const localKeyPath =
      options.makeLocalKey === true && folder !== undefined
        ? await ensureLocalKey({ folder, keys, ...ports })
        : undefined;
    this.#budgets = await GatewayBudgets.open({
      config: options.config,
      stores: this.#stores,
      metrics: this.#metrics,
      log: this.#log,
      ...ports,
    });
    this.#announcements = await CacheAnnouncements.start({
      board: this.#stores.control,
      cache: this.#stores.cache,
      onFault: this.#onFault('cache'),
    });
    this.#current = await this.#assemble(options);
    const { readSettings, workers } = options;
    this.#batches = this.#openBatches(options);
    this.#server = await gatewayServer({
      state: () => this.#state(),
      keys: this.#stores.keys,
      cache: this.#stores.cache,
      cacheStats: this.#stores.cacheStats,
      announcements: this.#announcements,
      workers,
      budgets: this.#budgets.opened,
      deferred: this.#batches.opened,
      ledger: this.#stores.ledger,
      resources: new ResourceOwners({
        registry: this.#stores.resources,
        clock: systemClock,
        onFault: this.#onFault('resources'),
      }),
      metrics: this.#metrics,
      log: this.#log,
      clock: systemClock,
      random: systemRandom,
      startedAtMs: this.#startedAtMs,
      checkLedger: () => this.#checkLedger(),
      reload: async () => {
        if (workers !== undefined) return workers.reload();
        if (readSettings === undefined) throw new FarthingError('invalid-request', 'there is no file to read again');
        await this.reload(await readSettings());
      },
    });
    this.#batches.start();
    return {
      url: this.#server.url,
      localKeyPath,
      reload: (settings) => this.reload(settings),
      snapshot: () => this.#snapshot(),
      close: () => this.close(),
    };
  }

  #openBatches({ config, priceFeed }: StartGatewayOptions): GatewayBatches {
    return new GatewayBatches({
      config,
      priceFeed,
      stores: this.#stores,
      engine: () => this.#state().engine,
      metrics: this.#metrics,
      log: this.#log,
      clock: systemClock,
      random: systemRandom,
    });
  }

  async reload(settings: GatewaySettings): Promise<void> {
    const before = this.#state().config;
    const changed = changedRestartParts(before, settings.config);
    if (changed.length > 0) {
      throw new FarthingError('configuration', `changed, but takes a restart: ${changed.join(', ')}`, { status: 409 });
    }
    checkExposure(settings.config);
    this.#budgets?.reconfigure(settings.config);
    const old = this.#current;
    this.#current = await this.#assemble(settings);
    this.#batches?.reconfigure(settings.config, settings.priceFeed);
    this.#log.level = settings.config.logLevel;
    if (old !== undefined) this.#retire(old);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const current = this.#current;
    await this.#server?.close(current?.state.config.limits.drainTimeoutMs ?? 0);
    await this.#batches?.close();
    if (current !== undefined) this.#retire(current);
    await Promise.all(this.#retiring);
    await this.#budgets?.close();
    await this.#callLog?.close();
    await this.#announcements?.close();
    await this.#stores.close();
    this.#metrics.close();
  }

  async #snapshot(): Promise<WorkerSnapshot> {
    const inFlight = this.inFlight();
    const own = { startedAtMs: this.#startedAtMs, metrics: this.#metrics };
    const stats = { clock: systemClock, admission: { inFlight }, ...own };
    return { metrics: await this.#metrics.snapshot(), stats: ownStats(stats) };
  }

  /** Tells metrics and log of an operation that failed with nobody waiting for it. */
  #onFault(store: string): (operation: string, error: unknown) => void {
    return (operation, error) => {
      this.#metrics.storeFailed(store, operation);
      this.#log.error({ store, operation, error }, 'store failed');
    };
  }

  #state(): GatewayState {
    if (this.#current === undefined) throw new FarthingError('internal', 'the gateway has not started');
    return this.#current.state;
  }

  async #assemble({ config, values, priceFeed }: GatewaySettings): Promise<{ state: GatewayState; keyRing: KeyRing }> {
    const around = this.#surroundings(config, priceFeed);
    const optimizer = await openOptimizer(config.optimize);
    const rules = routeRules(config.routes, (path) => readFileSync(path, 'utf8'));
    const { clock, events } = around;
    const routes = await openRoutes({ rules, store: this.#stores.stateStore, clock, events });
    const surroundings = { ...around, optimizer, routes };
    const engine = buildEngine(config, surroundings);
    const keyRing = new KeyRing({
      configured: config.keys.map(configuredKey),
      store: this.#stores.keys,
      clock: systemClock,
      onFault: this.#onFault('keys'),
    });
    await keyRing.poll();
    const state: GatewayState = {
      config,
      engine,
      explained: values,
      routes: routeTableOf(config),
      routeGuard: routes?.guard,
      guard: requestGuard({ listenHost: config.listen.host, allowedHosts: config.allowedHosts }),
      authenticator: new Authenticator({
        keyRing: config.auth === 'none' ? undefined : keyRing,
        adminKey: config.adminKey,
      }),
      maxBodyBytes: config.limits.maxBodyBytes,
      passThrough: new PassThrough({
        rules: config.passThrough,
        providers: config.providers,
        random: systemRandom,
        idleTimeoutMs: config.resilience.idleTimeoutMs,
        limiter: passThroughLimiter(config, surroundings),
      }),
    };
    return { state, keyRing };
  }

  #surroundings(config: Config, priceFeed: PriceBook | undefined): Omit<EngineSurroundings, 'optimizer' | 'routes'> {
    const callLog = this.#callLog;
    const withBodies = config.callLog?.bodies === true;
    const onRecord = callLog === undefined || withBodies ? undefined : (record: CallRecord) => callLog.append(record);
    return {
      stores: this.#stores,
      budgets: this.#budgets?.budgets,
      events: gatewayEvents(this.#metrics, this.#log, onRecord),
      priceFeed,
      clock: systemClock,
      random: systemRandom,
      onBodies:
        callLog !== undefined && withBodies
          ? (record, request, reply) => callLog.append(record, { request, reply })
          : undefined,
    };
  }

  /** Lets go of an engine once its calls are over. */
  #retire({ state, keyRing }: { readonly state: GatewayState; readonly keyRing: KeyRing }): void {
    keyRing.close();
    const retired = Promise.all([state.engine.close(), state.passThrough.close()])
      .then(() => undefined)
      .catch((error: unknown) => this.#log.error({ error }, 'an engine could not be closed'))
      .finally(() => this.#retiring.delete(retired));
    this.#retiring.add(retired);
  }

  async #checkLedger(): Promise<void> {
    const nowMs = systemClock.nowMs();
    if (this.#ledgerCheck === undefined || nowMs - this.#ledgerCheck.atMs >= LEDGER_CHECK_MS) {
      this.#ledgerCheck = { atMs: nowMs, answer: this.#stores.ledger.recover(nowMs) };
    }
    await this.#ledgerCheck.answer;
    const unwritten = this.#state().engine.unwrittenCharges();
    if (unwritten > 0) throw new FarthingError('store-unavailable', `${unwritten} charges wait to be written`);
  }
}

function openCallLog({ callLog }: Config, log: Logger): CallLog | undefined {
  if (callLog === undefined) return undefined;
  const { path, maxFileBytes, retentionMs } = callLog;
  const onFault = (error: unknown): void => log.error({ error }, 'the call log cannot be written');
  return new CallLog({ folder: path, clock: systemClock, maxFileBytes, retentionMs, onFault });
}

function configuredKey(key: KeyConfig): KeyRecord {
  return {
    keyId: `config:${key.name}`,
    name: key.name,
    project: key.project,
    secretSha256: hash('sha256', key.secret),
    createdAtMs: 0,
    expiresAtMs: key.expiresAtMs,
    revokedAtMs: undefined,
    allowedModels: key.models,
    pinnedTags: key.pinnedTags,
    requiredTags: key.requiredTags,
    ...(key.limits === undefined ? {} : { limits: key.limits }),
    priority: key.priority,
  };
}
