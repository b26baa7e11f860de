import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PostgresServer, startPostgres, whyNoPostgres } from '../../../test/support/postgres-server.ts';
import { seededRandom } from '../../simulator/seeded-random.ts';
import { collect } from '../../testing/collect.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { sampleCharge } from '../../testing/sample-ledger-rows.ts';
import { openPostgresLedger } from './postgres-ledger.ts';
import { openMigratedDatabase, POSTGRES_MIGRATIONS } from './postgres-migrations.ts';
import { openPostgresStores } from './postgres-stores.ts';

const missing = whyNoPostgres();
const NEXT = `ALTER TABLE farthing.charges ADD COLUMN extra text;
INSERT INTO farthing.counters VALUES ('next', 0);`;

describe.skipIf(missing !== undefined)(`on Postgres${missing === undefined ? '' : ` (not here: ${missing})`}`, () => {
  let server: PostgresServer;
  const ports = { clock: new FakeClock(), random: seededRandom(2) };

  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.close());

  test('five instances that start at once on an empty database make one schema', async () => {
    const url = await server.createDatabase();
    const instances = await Promise.all(Array.from({ length: 5 }, () => openPostgresStores({ url, ...ports })));
    await Promise.all(
      instances.map(({ ledger }, index) =>
        ledger.charge([sampleCharge({ chargeId: `call_${index}.1`, callId: `call_${index}` })]),
      ),
    );
    expect(await collect(instances[0]?.ledger.charges({}) ?? never())).toHaveLength(5);
    expect(await instances[0]?.ledger.livingOwners()).toHaveLength(5);
    await Promise.all(instances.map((stores) => stores.close()));
    expect(await server.query('SELECT version FROM farthing.schema_version', url)).toEqual([
      { version: POSTGRES_MIGRATIONS.length },
    ]);
    expect(await server.query('SELECT count(*)::int FROM farthing.counters', url)).toEqual([{ count: 3 }]);
  });

  test('five instances of a newer program that start at once on an older schema bring it forward once, and keep its rows', async () => {
    const url = await server.createDatabase();
    const older = await openPostgresLedger({ url, ...ports });
    await older.charge([sampleCharge()]);
    await older.close();
    const migrations = [...POSTGRES_MIGRATIONS, NEXT];
    const databases = await Promise.all(Array.from({ length: 5 }, () => openMigratedDatabase({ url }, migrations)));
    await Promise.all(databases.map((database) => database.release()));
    expect(await server.query('SELECT version FROM farthing.schema_version', url)).toEqual([
      { version: POSTGRES_MIGRATIONS.length + 1 },
    ]);
    expect(await server.query(`SELECT charge_id, extra FROM farthing.charges`, url)).toEqual([
      { charge_id: 'call_1.1', extra: null },
    ]);
  });

  test('a schema that is newer than the program is refused', async () => {
    const url = await server.createDatabase();
    const newer = await openMigratedDatabase({ url }, [...POSTGRES_MIGRATIONS, NEXT]);
    await newer.release();
    await expect(openPostgresLedger({ url, ...ports })).rejects.toMatchObject({
      code: 'store-unavailable',
      message: `the database has schema version ${POSTGRES_MIGRATIONS.length + 1}, this program knows ${POSTGRES_MIGRATIONS.length}: use a newer program`,
    });
  });

  test('a migration that fails leaves the schema as it was', async () => {
    const url = await server.createDatabase();
    await (await openMigratedDatabase({ url })).release();
    const broken = [...POSTGRES_MIGRATIONS, NEXT, 'CREATE TABLE farthing.charges ()'];
    await expect(openMigratedDatabase({ url }, broken)).rejects.toMatchObject({ code: 'store-unavailable' });
    expect(await server.query('SELECT version FROM farthing.schema_version', url)).toEqual([
      { version: POSTGRES_MIGRATIONS.length },
    ]);
    await expect(server.query('SELECT extra FROM farthing.charges', url)).rejects.toThrow('extra');
  });

  test('a database that is not there, or cannot be reached, is refused by name', async () => {
    const away = { code: 'store-unavailable', retryable: true };
    await expect(openPostgresLedger({ url: `${server.url}_not_there`, ...ports })).rejects.toMatchObject(away);
    await expect(
      openPostgresLedger({ url: 'postgres://postgres@127.0.0.1:1/postgres', ...ports }),
    ).rejects.toMatchObject(away);
  });
});

function never(): never {
  throw new Error('no instance');
}
