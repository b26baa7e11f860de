import { join } from 'node:path';

/** The ledger's file in a data folder. @internal */
export function ledgerPath(dataFolder: string): string {
  return join(dataFolder, 'ledger.db');
}

/** The keys' file in a data folder. @internal */
export function keysPath(dataFolder: string): string {
  return join(dataFolder, 'keys.db');
}
