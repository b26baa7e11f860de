import { join } from 'node:path';

/** The ledger's file in a data folder. @internal */
export function ledgerPath(dataFolder: string): string {
  return join(dataFolder, 'ledger.db');
}

/** The file of leases in a data folder. @internal */
export function leasesPath(dataFolder: string): string {
  return join(dataFolder, 'leases.db');
}

/** The file of limits in a data folder. @internal */
export function limitsPath(dataFolder: string): string {
  return join(dataFolder, 'limits.db');
}

/** The keys' file in a data folder. @internal */
export function keysPath(dataFolder: string): string {
  return join(dataFolder, 'keys.db');
}

/** The file of the counters of budgets in a data folder. @internal */
export function budgetsPath(dataFolder: string): string {
  return join(dataFolder, 'budgets.db');
}

/** The file of the ids of things that providers keep, in a data folder. @internal */
export function resourcesPath(dataFolder: string): string {
  return join(dataFolder, 'resources.db');
}

/** The file of what was learnt from traffic, in a data folder. @internal */
export function statesPath(dataFolder: string): string {
  return join(dataFolder, 'states.db');
}

/** The file of calls that are answered later, in a data folder. @internal */
export function jobsPath(dataFolder: string): string {
  return join(dataFolder, 'jobs.db');
}
