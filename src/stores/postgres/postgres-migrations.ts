import { FarthingError } from '../../core/errors.ts';
import { JOBS_MIGRATION } from './jobs-migration.ts';
import { type PostgresConnectionOptions, openPostgresDatabase, type PostgresDatabase } from './postgres-database.ts';
import { postgresFault } from './postgres-fault.ts';

/**
 * Forward migrations of the schema `farthing`. Amounts are whole nano-dollars, times Unix milliseconds, JSON is kept as text: `jsonb`
 * refuses U+0000, which a tag may hold.
 *
 * - `owners`: who may write. Rows are written under a lock on their owner's row which conflicts with its removal, so that no row
 *   slips in behind an ending.
 * - `intents`: those without a charge; few, so that they need no index but their key's.
 * - `charges`: append-only. `charge_id` begins with the call's id, so that its index finds a call's charges too (which needs the
 *   collation by bytes). `booked_at_ms` is empty where it is `at_ms`: in all but corrections.
 * - `resources`: whose the things are that providers keep. `sequence` is the order in which they were claimed.
 * - `jobs`: deferred calls, what of them is counted, compared and changed; `job_contents` is what is written once, and the result, so that a change
 *   copies little. `batches`: those at providers; `sequence` is the order in which they were made.
 * - `counters`: change counters of the smaller tables; a change holds its counter's row until it is committed, so that numbers
 *   become visible in their order.
 * @internal
 */
export const POSTGRES_MIGRATIONS: readonly string[] = [
  `
CREATE TABLE farthing.owners (
  owner_id text COLLATE "C" PRIMARY KEY,
  lease_until_ms bigint NOT NULL,
  pid integer NOT NULL,
  host text,
  process_start text
);

CREATE TABLE farthing.intents (
  charge_id text COLLATE "C" PRIMARY KEY,
  owner_id text COLLATE "C" NOT NULL,
  call_id text COLLATE "C",
  at_ms bigint NOT NULL,
  project text COLLATE "C" NOT NULL,
  key_id text COLLATE "C" NOT NULL,
  upper_bound_nano_usd bigint,
  facts text NOT NULL
);

CREATE TABLE farthing.charges (
  sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  charge_id text COLLATE "C" NOT NULL UNIQUE,
  owner_id text COLLATE "C" NOT NULL,
  call_id text COLLATE "C",
  at_ms bigint NOT NULL,
  booked_at_ms bigint,
  project text COLLATE "C" NOT NULL,
  key_id text COLLATE "C" NOT NULL,
  certainty text NOT NULL,
  amount_nano_usd bigint,
  corrects text COLLATE "C",
  outcome text NOT NULL,
  facts text NOT NULL
);
CREATE INDEX charges_at ON farthing.charges (at_ms, sequence);
CREATE INDEX charges_owner ON farthing.charges (owner_id, sequence);
CREATE INDEX charges_corrects ON farthing.charges (corrects) WHERE corrects IS NOT NULL;

CREATE TABLE farthing.calls (
  sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  call_id text COLLATE "C" NOT NULL UNIQUE,
  at_ms bigint NOT NULL,
  project text COLLATE "C" NOT NULL,
  key_id text COLLATE "C" NOT NULL,
  record text NOT NULL
);
CREATE INDEX calls_at ON farthing.calls (at_ms, sequence);

CREATE TABLE farthing.keys (
  key_id text COLLATE "C" PRIMARY KEY,
  secret_sha256 text COLLATE "C" NOT NULL UNIQUE,
  created_at_ms bigint NOT NULL,
  record text NOT NULL
);

CREATE TABLE farthing.budgets (
  name text COLLATE "C" PRIMARY KEY,
  budget text NOT NULL
);
CREATE TABLE farthing.adjustments (
  adjustment_id text COLLATE "C" PRIMARY KEY,
  account_id text NOT NULL,
  at_ms bigint NOT NULL,
  amounts text NOT NULL
);
CREATE TABLE farthing.announcements (
  sequence bigint PRIMARY KEY,
  at_ms bigint NOT NULL,
  topic text NOT NULL,
  text text NOT NULL
);
CREATE TABLE farthing.counters (
  name text PRIMARY KEY,
  value bigint NOT NULL
);
INSERT INTO farthing.counters VALUES ('keys', 0), ('budgets', 0), ('announcements', 0);
`,
  `
CREATE TABLE farthing.resources (
  sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id text COLLATE "C" NOT NULL,
  provider text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,
  project text COLLATE "C" NOT NULL,
  at_ms bigint NOT NULL,
  UNIQUE (id, provider)
);
CREATE INDEX resources_listed ON farthing.resources (project, kind, provider, sequence);
CREATE INDEX resources_passing ON farthing.resources (at_ms) WHERE kind IN ('responses', 'items', 'containers');
`,
  JOBS_MIGRATION,
];

/** Any number will do that other programs on the same database do not take. */
const ADVISORY_LOCK = 7_016_998_241;

/** For how long a migration, or the wait for another instance's, may take, in milliseconds. */
const MIGRATION_TIMEOUT_MS = 10 * 60_000;

async function storedVersion(database: PostgresDatabase, on = database.queries): Promise<number> {
  const known = await database.run<{ table: string | null }>(
    `SELECT to_regclass('farthing.schema_version')::text AS table`,
    [],
    on,
  );
  if (known.rows[0]?.table == null) return 0;
  const { rows } = await database.run<{ version: number }>('SELECT version FROM farthing.schema_version', [], on);
  return rows[0]?.version ?? 0;
}

async function migrate(database: PostgresDatabase, migrations: readonly string[]): Promise<void> {
  await database.queries.transaction().execute(async (transaction) => {
    // Held until the commit: one instance migrates, the others find its work done.
    await database.run('SELECT pg_advisory_xact_lock($1)', [ADVISORY_LOCK], transaction);
    const version = await storedVersion(database, transaction);
    refuseNewer(version, migrations.length);
    if (version === 0) {
      await database.run('CREATE SCHEMA IF NOT EXISTS farthing', [], transaction);
      await database.run('CREATE TABLE farthing.schema_version (version integer NOT NULL)', [], transaction);
      await database.run('INSERT INTO farthing.schema_version VALUES (0)', [], transaction);
    }
    for (const migration of migrations.slice(version)) {
      await database.run(migration, [], transaction); // oxlint-disable-line no-await-in-loop -- in their order
    }
    await database.run('UPDATE farthing.schema_version SET version = $1', [migrations.length], transaction);
  });
}

function refuseNewer(version: number, known: number): void {
  if (version <= known) return;
  throw new FarthingError(
    'store-unavailable',
    `the database has schema version ${version}, this program knows ${known}: use a newer program`,
  );
}

/**
 * Opens a database and brings its schema up to date; any number of instances may do so at once.
 * @throws FarthingError `store-unavailable` when it cannot be reached, or was written by a newer version.
 * @internal
 */
export async function openMigratedDatabase(
  options: PostgresConnectionOptions,
  migrations: readonly string[] = POSTGRES_MIGRATIONS,
): Promise<PostgresDatabase> {
  const database = await openPostgresDatabase(options);
  try {
    const version = await storedVersion(database);
    refuseNewer(version, migrations.length);
    if (version < migrations.length) await migrateApart(options, migrations);
    return database;
  } catch (error) {
    await database.release();
    throw postgresFault('cannot open the database', error);
  }
}

/** On a connection of its own, since migrations of large tables take longer than a statement may. */
async function migrateApart(options: PostgresConnectionOptions, migrations: readonly string[]): Promise<void> {
  const patient = await openPostgresDatabase({ ...options, maxConnections: 1, timeoutMs: MIGRATION_TIMEOUT_MS });
  try {
    await migrate(patient, migrations);
  } finally {
    await patient.release();
  }
}
