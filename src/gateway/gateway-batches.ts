import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import type { Job } from '../core/model/deferred-call.ts';
import type { PriceBook } from '../core/price-book.ts';
import { bookPricer } from '../engine/book-pricer.ts';
import type { Engine } from '../engine/engine-request.ts';
import { BatchDesk } from '../jobs/batch/batch-desk.ts';
import { BatchPlanner } from '../jobs/batch/batch-planner.ts';
import { BatchWorker } from '../jobs/batch/batch-worker.ts';
import { CallWebhooks } from '../jobs/batch/call-webhooks.ts';
import { DurationBook } from '../jobs/batch/duration-book.ts';
import type { SignedReceiver } from '../jobs/signed-post.ts';
import type { Clock, Random } from '../ports/clock.ts';
import type { Pricer } from '../ports/pricer.ts';
import { activeProviders, priceBookOf } from './build-engine.ts';
import { ClientBatches } from './batches/client-batches.ts';
import { BatchProviders } from './deferred/batch-providers.ts';
import { DeferredCalls } from './deferred/deferred-calls.ts';
import { DeferredDesk } from './deferred/deferred-desk.ts';
import { webhookAddress } from './deferred/webhook-address.ts';
import type { OpenedBatches } from './gateway-context.ts';
import { gatewayEvents } from './gateway-events.ts';
import type { GatewayMetrics } from './gateway-metrics.ts';
import type { GatewayStores } from './gateway-stores.ts';

/** What {@link GatewayBatches} is made of. @internal */
export interface GatewayBatchesOptions {
  readonly config: Config;
  readonly priceFeed: PriceBook | undefined;
  readonly stores: Pick<GatewayStores, 'jobs' | 'stateStore'>;
  /** The engine of now. */
  readonly engine: () => Engine;
  readonly metrics: GatewayMetrics;
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Calls that a gateway's process answers later: who takes them, who works on them, and who tells their clients. One for all engines that reloads make; any number of
 * processes share what is kept of them.
 * @internal
 */
export class GatewayBatches {
  /** For callers and operators. */
  readonly opened: OpenedBatches;
  readonly #providers: BatchProviders;
  readonly #worker: BatchWorker;
  readonly #webhooks: CallWebhooks;
  #config: Config;
  #priceFeed: PriceBook | undefined;
  #pricer: Pricer | undefined;

  constructor(options: GatewayBatchesOptions) {
    const { config, stores, metrics, log, clock, random, engine } = options;
    const { jobs } = stores;
    this.#config = config;
    this.#priceFeed = options.priceFeed;
    const events = gatewayEvents(metrics, log, undefined);
    this.#providers = new BatchProviders(config, random, (error) => log.error({ error }, 'a provider was not closed'));
    const providerOf = (name: string): ReturnType<BatchProviders['find']> => this.#providers.find(name);
    const durations = new DurationBook({ states: stores.stateStore, jobs, clock, events });
    const { gatherMs, retentionMs, maxLiveCalls } = config.batch;
    const planner = new BatchPlanner({
      pricer: () => this.#pricerOfNow(),
      providerOf,
      durations,
      settings: { gatherMs },
    });
    this.#webhooks = new CallWebhooks({ jobs, clock, events, receiverOf: (url) => this.#receiverOf(url) });
    this.#worker = new BatchWorker({
      jobs,
      engine,
      providerOf,
      planner,
      durations,
      clock,
      random,
      events,
      onDone: (job) => this.#webhooks.onDone(job),
      settings: { gatherMs, retentionMs, liveConcurrency: maxLiveCalls },
    });
    const onCancelled = ({ liveAtMs }: Job): void => {
      if (liveAtMs !== undefined) planner.release(liveAtMs);
      this.#worker.wake();
    };
    const desk = new BatchDesk({ jobs, planner, clock, onAdded: () => this.#worker.wake() });
    this.opened = {
      desk: new DeferredDesk({ desk, config: () => this.#config.batch, clock }),
      calls: new DeferredCalls({ jobs, engine, clock, onCancelled }),
      clientBatches: new ClientBatches({ jobs, engine, providerOf, clock, random, wake: () => this.#worker.wake() }),
      book: jobs,
    };
    metrics.batches.watch(jobs);
  }

  /** Begins to work. */
  start(): void {
    this.#worker.start();
    this.#webhooks.start();
  }

  /** Takes providers, prices and webhooks of another configuration. */
  reconfigure(config: Config, priceFeed: PriceBook | undefined): void {
    this.#config = config;
    this.#priceFeed = priceFeed;
    this.#pricer = undefined;
    this.#providers.reconfigure(config);
  }

  /** Takes nothing more on, and gives back what it has hold of. To be called before the engine is closed. */
  async close(): Promise<void> {
    await this.#worker.close();
    await this.#webhooks.close();
    await this.#providers.close();
  }

  #pricerOfNow(): Pricer {
    this.#pricer ??= bookPricer(
      priceBookOf(this.#config, this.#priceFeed),
      new Map(activeProviders(this.#config).map(({ name, vendor }) => [name, vendor])),
    );
    return this.#pricer;
  }

  #receiverOf(url: string): SignedReceiver | undefined {
    const { webhooks } = this.#config.batch;
    const isAllowed = webhooks !== undefined && webhookAddress(url, webhooks.urls) !== undefined;
    return isAllowed ? { url, secret: webhooks.secret } : undefined;
  }
}
