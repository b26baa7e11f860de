import { systemClock, systemRandom } from '../../src/engine/system-ports.ts';
import { openPostgresLedger } from '../../src/stores/postgres/postgres-ledger.ts';
import { openSqliteLedger } from '../../src/stores/sqlite/sqlite-ledger.ts';
import type { OwnedLedger } from '../../src/testing/ledger-owner-stage.ts';

/** Opens a ledger with the system's clock and chance: in Postgres where the place is an address, else in a file of SQLite. */
export function openLedger(place: string, leaseMs?: number): Promise<OwnedLedger> {
  const settings = { clock: systemClock, random: systemRandom, ...(leaseMs === undefined ? {} : { leaseMs }) };
  return place.startsWith('postgres:')
    ? openPostgresLedger({ url: place, ...settings })
    : openSqliteLedger({ path: place, ...settings });
}
