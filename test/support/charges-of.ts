import type { Charge, Intent } from '../../src/core/model/charge.ts';
import type { LedgerReader } from '../../src/ports/ledger.ts';
import { PostgresLedgerReader } from '../../src/stores/postgres/postgres-ledger-reader.ts';
import { openMigratedDatabase } from '../../src/stores/postgres/postgres-migrations.ts';
import { openLedgerReader } from '../../src/stores/sqlite/sqlite-ledger-reader.ts';

/** What a ledger has. */
export interface LedgerContents {
  readonly charges: readonly Charge[];
  readonly openIntents: readonly Intent[];
}

/** Reads a ledger without taking part in it: in Postgres where the place is an address, else in a file of SQLite. */
export async function ledgerContents(place: string): Promise<LedgerContents> {
  if (place.startsWith('postgres:')) {
    const database = await openMigratedDatabase({ url: place, maxConnections: 1 });
    try {
      return await contentsOf(new PostgresLedgerReader(database));
    } finally {
      await database.release();
    }
  }
  const reader = await openLedgerReader(place);
  try {
    return await contentsOf(reader);
  } finally {
    await reader.close();
  }
}

async function contentsOf(reader: LedgerReader): Promise<LedgerContents> {
  const charges: Charge[] = [];
  for await (const charge of reader.charges({})) charges.push(charge);
  return { charges, openIntents: await reader.openIntents() };
}

/** What charges come to, in nano-dollars. */
export function sumOf(charges: readonly Charge[]): bigint {
  return charges.reduce((total, charge) => total + BigInt(charge.amountNanoUsd ?? 0), 0n);
}
