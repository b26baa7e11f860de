import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ledgerConformance } from '../../testing/ledger-conformance.ts';
import { openSqliteLedger } from './sqlite-ledger.ts';
import type { SqliteDriver } from './sqlite-database.ts';
import type { Clock, Random } from '../../ports/clock.ts';

let folder: string;
let count = 0;
const clock: Clock = { nowMs: () => 1_000, monotonicMs: () => 0 };
const random: Random = { hex: (length) => String((count += 1)).padStart(length, '0'), fraction: () => 0 };

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ledger-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe.each<SqliteDriver>(['better-sqlite3', 'node:sqlite'])('on %s', (driver) => {
  const make = async (): ReturnType<typeof openSqliteLedger> =>
    openSqliteLedger({ path: join(folder, `${(count += 1)}.db`), clock, random, driver });

  test.each(ledgerConformance(make))('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});
