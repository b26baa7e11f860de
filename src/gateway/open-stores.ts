import type { Config } from '../config/config.ts';
import { openFolderGatewayStores } from './folder-gateway-stores.ts';
import type { GatewayStores, OpenStoresOptions } from './gateway-stores.ts';

/**
 * Opens what a gateway keeps: in its data folder, or in Redis and Postgres.
 * @throws FarthingError `store-unavailable` when something cannot be opened, `configuration` when a package is missing.
 * @internal
 */
export async function openStores(config: Config, options: OpenStoresOptions): Promise<GatewayStores> {
  if (config.storage.kind === 'folder') return openFolderGatewayStores(config.storage.path, config.cache, options);
  // Loaded only where it is used: the clients are optional.
  const { openServiceGatewayStores } = await import('./service-gateway-stores.ts');
  return openServiceGatewayStores(config.storage, config.cache, options);
}
