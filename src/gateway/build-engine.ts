import type { Config, ProviderConfig } from '../config/config.ts';
import type { CallLimits } from '../core/limit/call-limits.ts';
import { vendorOfModel } from '../core/model-catalogue.ts';
import type { CallRecord } from '../core/model/charge.ts';
import { layerPriceBooks, type PriceBook } from '../core/price-book.ts';
import { shippedPriceBook } from '../core/price-book-shipped.ts';
import { operatorPrices } from '../core/price-operator.ts';
import type { RouteAlias, RouteTable } from '../core/route/route-table.ts';
import type { Budgets } from '../engine/budgets/open-budgets.ts';
import type { EngineProvider } from '../engine/engine-options.ts';
import type { Engine } from '../engine/engine-request.ts';
import type { Optimizer } from '../engine/optimizer/open-optimizer.ts';
import type { Routes } from '../engine/routes/open-routes.ts';
import { guardedEngine } from '../jobs/guarded-engine.ts';
import type { Clock, Random } from '../ports/clock.ts';
import type { EventSink } from '../ports/event-sink.ts';
import type { Provider } from '../ports/provider.ts';
import { undiciProvider } from '../providers/undici/undici-provider.ts';
import type { GatewayStores } from './gateway-stores.ts';

/** What an engine needs beside its configuration. @internal */
export interface EngineSurroundings {
  readonly stores: GatewayStores;
  readonly budgets: Budgets | undefined;
  readonly events: EventSink;
  readonly optimizer: Optimizer;
  readonly routes: Routes | undefined;
  readonly priceFeed: PriceBook | undefined;
  readonly onBodies: ((record: CallRecord, request: Uint8Array, reply: Uint8Array) => void) | undefined;
  /** @defaultValue 'ample' */
  readonly memory?: 'ample' | 'lean';
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Makes an engine as a configuration describes it. Prices in layers: shipped, feed, operator.
 * @throws FarthingError `configuration` for what only shows when it is put to use: a base URL, a price.
 * @internal
 */
export function buildEngine(
  config: Config,
  { stores, budgets, optimizer, routes, priceFeed, onBodies, ...ports }: EngineSurroundings,
): Engine {
  const { cache, limits, resilience } = config;
  const logPaths = new Map(config.routes.map(({ name, quality }) => [name, quality?.logPath]));
  return guardedEngine({
    ...ports,
    providers: activeProviders(config).map((provider) => engineProvider(provider, ports.random)),
    aliases: aliasesOf(config),
    priceBook: priceBookOf(config, priceFeed),
    // Also while the mode is `off`: nothing is looked up then, but repeats that a wider mode would have served are told.
    cache: {
      store: stores.cache,
      mode: cache.mode,
      ttlMs: cache.ttlMs,
      staleIfErrorMs: cache.staleIfErrorMs,
      scope: cache.scope,
      allowStored: cache.allowStored,
      leases: stores.leases,
    },
    optimizer,
    routes,
    judgedLogPathOf: (route) => logPaths.get(route),
    states: stores.stateStore,
    budgets,
    budgetPolicy: {
      waitMs: limits.budgetWaitMs,
      defaultMaxOutputTokens: limits.defaultMaxOutputTokens,
      toolAllowanceNanoUsd: limits.toolAllowanceNanoUsd,
      unboundedCalls: limits.unboundedCalls,
      hidesShared: config.auth !== 'none',
    },
    limits: { store: stores.limits, projects: projectLimits(config) },
    ledger: stores.ledger,
    reader: stores.ledger,
    ownerId: stores.ledger.ownerId,
    timeouts: {
      firstByteMs: resilience.firstByteTimeoutMs,
      idleMs: resilience.idleTimeoutMs,
      totalMs: resilience.totalTimeoutMs,
    },
    resilience: resilience,
    ...(onBodies === undefined ? {} : { onBodies }),
  });
}

/** Prices under a configuration, in layers: shipped, feed, operator. @internal */
export function priceBookOf({ prices }: Config, priceFeed: PriceBook | undefined): PriceBook {
  return layerPriceBooks(shippedPriceBook(), priceFeed, operatorPrices(prices));
}

/** What may be asked for under a configuration, for listing models. @internal */
export function routeTableOf(config: Config): RouteTable {
  return {
    providers: new Map(activeProviders(config).map(({ name, protocol, vendor }) => [name, { name, protocol, vendor }])),
    aliases: aliasesOf(config),
    vendorOfModel,
  };
}

/** The limits that projects have under a configuration. @internal */
export function projectLimits({ projects }: Config): ReadonlyMap<string, CallLimits> {
  return new Map(projects.flatMap(({ name, limits }) => (limits === undefined ? [] : [[name, limits] as const])));
}

/** Providers that have what they need to be asked. @internal */
export function activeProviders(config: Config): readonly ProviderConfig[] {
  return config.providers.filter(({ isActive }) => isActive);
}

function aliasesOf(config: Config): ReadonlyMap<string, RouteAlias> {
  return new Map(
    config.models.map(({ name, targets, balance, baseline }) => [
      name,
      { targets, ...(balance === undefined ? {} : { balance }), ...(baseline === undefined ? {} : { baseline }) },
    ]),
  );
}

/** A provider as an engine takes it, with a connection of its own. @internal */
export function engineProvider(config: ProviderConfig, random: Random): EngineProvider {
  const { baseUrl, headers, query, vendor } = config;
  // Another API version or another header may be another answer.
  const identity = JSON.stringify([baseUrl, query, headers]);
  return { provider: providerOf(config, random), vendor, identity };
}

/** A connection of its own to a provider. @internal */
export function providerOf(
  { name, protocol, baseUrl, headers, query, keys }: ProviderConfig,
  random: Random,
): Provider {
  const apiKeys = keys.map(({ secret, weight }) => ({ key: secret, weight }));
  return undiciProvider({ name, protocol, baseUrl, apiKeys, headers, query, random });
}
