import { METERED_PATHS } from './call-door.ts';

/**
 * Who may use a route. `key`: callers. `admin`: the admin key. `operator`: anybody when the gateway listens on loopback, else the
 * admin key. `open`: anybody.
 * @internal
 */
export type RouteAccess = 'key' | 'admin' | 'operator' | 'open';

/**
 * What a route may cost at a provider. `charged`: every call is in the ledger. `unmetered`: the provider is asked and only a counter
 * tells. `none`: no provider is asked.
 */
type RouteMetering = 'charged' | 'unmetered' | 'none';

/** What a route says of itself. @internal */
export interface RouteTerms {
  readonly access: RouteAccess;
  readonly metering: RouteMetering;
}

/** A route of the gateway. @internal */
export interface HttpRoute extends RouteTerms {
  readonly method: string;
  readonly path: string;
}

/**
 * The terms of a route that is about to be registered.
 * @throws Error for a route that does not say who may use it and what it may cost, so that none is open or free by oversight.
 * @internal
 */
export function routeTerms(url: string, config: Partial<RouteTerms> | undefined): RouteTerms {
  const { access, metering } = config ?? {};
  if (access === undefined) throw new Error(`route ${url} says nothing about access`);
  if (metering === undefined) throw new Error(`route ${url} says nothing about metering`);
  return { access, metering };
}

/** The routes that the front door answers itself. @internal */
export function meteredRoutes(): readonly HttpRoute[] {
  return [...METERED_PATHS.keys()].map((path) => ({ method: 'POST', path, access: 'key', metering: 'charged' }));
}
