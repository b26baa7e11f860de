import { readFileSync } from 'node:fs';
import type { LibraryBatches } from '../../client/library-batches.ts';
import type { Config } from '../../config/config.ts';
import type { PriceBook } from '../../core/price-book.ts';
import type { RouteTable } from '../../core/route/route-table.ts';
import { type Budgets, openBudgets } from '../../engine/budgets/open-budgets.ts';
import type { Engine } from '../../engine/engine-request.ts';
import { openOptimizer } from '../../engine/optimizer/open-optimizer.ts';
import { openRoutes } from '../../engine/routes/open-routes.ts';
import { routeRules } from '../../engine/routes/route-rules.ts';
import { systemClock, systemRandom } from '../../engine/system-ports.ts';
import { BudgetWatch } from '../../gateway/budget-watch.ts';
import { activeProviders, buildEngine, engineProvider, priceBookOf, routeTableOf } from '../../gateway/build-engine.ts';
import type { GatewayStores } from '../../gateway/gateway-stores.ts';
import { openStores } from '../../gateway/open-stores.ts';
import { AlertDelivery } from '../../jobs/alert-delivery.ts';
import type { EngineEvent, EventSink } from '../../ports/event-sink.ts';
import { EngineNotices } from './engine-notices.ts';

/** Answers in memory, in bytes. Ours: some thousand of the usual size. */
const MAX_CACHE_MEMORY_BYTES = 4_000_000;

/** An engine that a command runs in its own process, over the stores of its configuration, beside gateways that use them. @internal */
export interface CommandEngine {
  readonly engine: Engine;
  readonly stores: GatewayStores;
  readonly notices: EngineNotices;
  /** What answers calls by providers' batches; opened when it is first asked for, and works from then on. */
  batches(): Promise<LibraryBatches>;
  /** Lets calls end, makes the ledger durable and closes everything. */
  close(): Promise<void>;
}

/** What commands ask of a configuration without opening anything. @internal */
export interface CommandPrices {
  readonly table: RouteTable;
  readonly book: PriceBook;
}

/** Where calls of a configuration may go, and at which prices. @internal */
export function commandPrices(config: Config, priceFeed: PriceBook | undefined): CommandPrices {
  return {
    table: routeTableOf(config),
    book: priceBookOf(config, priceFeed),
  };
}

/**
 * Opens stores and budgets of a configuration and assembles its engine, as a gateway does.
 * @param onEvent - hears what the engine reports.
 * @throws FarthingError `configuration` or `store-unavailable`
 * @internal
 */
export async function openEngine(
  config: Config,
  priceFeed: PriceBook | undefined,
  onEvent: (event: EngineEvent) => void,
): Promise<CommandEngine> {
  const ports = { clock: systemClock, random: systemRandom };
  const plain = new EngineNotices(onEvent);
  const stores = await openStores(withLittleMemory(config), {
    ...ports,
    hasWorkers: false,
    memory: 'lean',
    onFault: (store, operation, error) => plain.emit({ kind: 'store-failed', store, operation, error }),
  });
  try {
    const alerts = new AlertDelivery({ webhook: config.alerts.webhook, events: plain, ...ports });
    const events: EventSink = {
      emit: (event) => {
        plain.emit(event);
        if (event.kind === 'budget-alert') alerts.deliver(event.alert);
      },
    };
    const { budgets, watch } = await openedBudgets(config, stores, events);
    const rules = routeRules(config.routes, (path) => readFileSync(path, 'utf8'));
    const engine = buildEngine(config, {
      ...ports,
      stores,
      budgets,
      events,
      priceFeed,
      optimizer: await openOptimizer(config.optimize),
      routes: await openRoutes({ rules, store: stores.stateStore, clock: systemClock, events }),
      onBodies: undefined,
      memory: 'lean',
    });
    const ofProviders = batchesOf({ config, priceFeed, engine, stores, events });
    const close = async (): Promise<void> => {
      await ofProviders.close();
      await engine.close();
      await watch.close();
      await budgets.close();
      await alerts.close();
      await stores.close();
    };
    return { engine, stores, notices: plain, batches: () => ofProviders.open(), close };
  } catch (error) {
    await stores.close();
    throw error;
  }
}

/** Where answers are kept on disk or in Redis they need little memory: a list asks each question once, and equal ones that are near each other are asked together. */
function withLittleMemory(config: Config): Config {
  const { cache, storage } = config;
  if (storage.kind === 'folder' && cache.diskBytes === 0) return config;
  return { ...config, cache: { ...cache, memoryBytes: Math.min(cache.memoryBytes, MAX_CACHE_MEMORY_BYTES) } };
}

async function openedBudgets(
  config: Config,
  stores: GatewayStores,
  events: EventSink,
): Promise<{ readonly budgets: Budgets; readonly watch: BudgetWatch }> {
  let budgets: Budgets | undefined;
  const watch = await BudgetWatch.start({
    book: stores.control,
    configured: config.budgets,
    onBudgets: (changed) => budgets?.setBudgets(changed),
    onFault: (operation, error) => events.emit({ kind: 'store-failed', store: 'budgets', operation, error }),
  });
  budgets = await openBudgets({
    store: stores.budgets,
    ledger: stores.ledger,
    book: stores.control,
    budgets: watch.budgets,
    maxAccounts: config.limits.maxTagValues,
    clock: systemClock,
    random: systemRandom,
    events,
  });
  // What changed while the counters were opened.
  budgets.setBudgets(watch.budgets);
  return { budgets, watch };
}

interface BatchParts {
  readonly config: Config;
  readonly priceFeed: PriceBook | undefined;
  readonly engine: Engine;
  readonly stores: GatewayStores;
  readonly events: EventSink;
}

interface LazyBatches {
  open(): Promise<LibraryBatches>;
  close(): Promise<void>;
}

/** Live runs send no batches, and leave alone those of others. */
function batchesOf({ config, priceFeed, engine, stores, events }: BatchParts): LazyBatches {
  let opened: Promise<{ readonly batches: LibraryBatches; close(): Promise<void> }> | undefined;
  const opening = async (): Promise<Awaited<NonNullable<typeof opened>>> => {
    const { openLibraryBatches } = await import('../../client/library-batches.ts');
    const providers = activeProviders(config).map((provider) => engineProvider(provider, systemRandom));
    const priceBook = priceBookOf(config, priceFeed);
    const batches = openLibraryBatches({ engine, stores, providers, priceBook, events });
    const close = async (): Promise<void> => {
      await batches.close();
      await Promise.all(providers.map(({ provider }) => provider.close()));
    };
    return { batches, close };
  };
  return {
    open: async () => {
      opened ??= opening();
      return (await opened).batches;
    },
    close: async () => (await opened)?.close(),
  };
}
