import {
  PASSING_RESOURCES,
  RESOURCE_LIFE_MS,
  type ResourceClaim,
  type ResourceKind,
} from '../../core/model/resource.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ResourceQuery, ResourceRegistry } from '../../ports/resource-registry.ts';
import { PreparedStatements } from './prepared-statements.ts';
import {
  openDatabase,
  type SqliteDatabase,
  type SqliteDriver,
  type SqlRow,
  type SqlValue,
  storeFault,
} from './sqlite-database.ts';
import type { SqliteThread } from './sqlite-thread.ts';
import { SqliteWriter, type WriteOperation } from './sqlite-writer.ts';

/** Settings of {@link openSqliteResourceRegistry}. @internal */
export interface SqliteResourceRegistryOptions {
  /** The file; made when it is not there. Its folder must exist. */
  readonly path: string;
  /** Tells when passing claims are old. */
  readonly clock: Clock;
  /** @defaultValue better-sqlite3 where it is installed, else Node's own */
  readonly driver?: SqliteDriver;
  /** The thread that writes, which several files may share. @defaultValue one of its own */
  readonly thread?: SqliteThread | undefined;
}

const IS_PASSING = `kind IN (${PASSING_RESOURCES.map((kind) => `'${kind}'`).join(', ')})`;

/** `sequence` is the order in which claims were made; clocks of several processes are not. */
const MIGRATIONS: readonly string[] = [
  `
CREATE TABLE resources (
  sequence INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  provider TEXT NOT NULL,
  kind TEXT NOT NULL,
  project TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  UNIQUE (id, provider)
) STRICT;
CREATE INDEX resources_listed ON resources (project, kind, provider, sequence);
CREATE INDEX resources_passing ON resources (at_ms) WHERE kind IN ('responses', 'items', 'containers');
`,
];

type StatementName = 'claim' | 'remove' | 'forget';

const STATEMENTS: Readonly<Record<StatementName, string>> = {
  claim: `INSERT INTO resources (id, provider, kind, project, at_ms) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (id, provider) DO NOTHING`,
  remove: 'DELETE FROM resources WHERE provider = ? AND id = ?',
  forget: `DELETE FROM resources WHERE sequence IN
    (SELECT sequence FROM resources WHERE ${IS_PASSING} AND at_ms < ? ORDER BY at_ms LIMIT 1000)`,
};

const IS_LISTED = 'project = ? AND kind = ? AND provider = ?';
/** What comes behind the claim on an id; nothing behind one that is not listed, since no number is above or below NULL. */
const BEHIND = `(SELECT sequence FROM resources WHERE ${IS_LISTED} AND id = ?)`;

/** The least time between two sweeps of what is past its life, in milliseconds: each drops at most a thousand. */
const SWEEP_MS = 10_000;

/**
 * Claims in a SQLite file that every process of a data folder shares. Reads run on the calling thread (some microseconds), writes in a thread of
 * their own, where claims made at once share a sync of the disk.
 * @internal
 */
export class SqliteResourceRegistry implements ResourceRegistry {
  readonly #clock: Clock;
  readonly #writer: SqliteWriter<StatementName>;
  readonly #reader: SqliteDatabase;
  readonly #statements: PreparedStatements;
  #nextSweepMs = 0;
  #closing: Promise<void> | undefined;

  /** Use {@link openSqliteResourceRegistry}. */
  constructor(clock: Clock, writer: SqliteWriter<StatementName>, reader: SqliteDatabase) {
    this.#clock = clock;
    this.#writer = writer;
    this.#reader = reader;
    this.#statements = new PreparedStatements(reader);
  }

  async claim(claims: readonly ResourceClaim[]): Promise<void> {
    const operations: WriteOperation<StatementName>[] = claims.map(({ id, provider, kind, project, atMs }) => [
      'claim',
      id,
      provider,
      kind,
      project,
      atMs,
    ]);
    const nowMs = this.#clock.nowMs();
    if (nowMs >= this.#nextSweepMs) {
      this.#nextSweepMs = nowMs + SWEEP_MS;
      operations.push(['forget', nowMs - RESOURCE_LIFE_MS]);
    }
    if (operations.length > 0) await this.#writer.write(operations);
  }

  async owners(ids: readonly string[]): Promise<readonly ResourceClaim[]> {
    return this.#all('SELECT * FROM resources WHERE id IN (SELECT value FROM json_each(?))', JSON.stringify(ids));
  }

  async list({ project, kind, provider, order, after, limit }: ResourceQuery): Promise<readonly ResourceClaim[]> {
    const listed: readonly SqlValue[] = [project, kind, provider];
    const [sign, direction] = order === 'newest' ? ['<', 'DESC'] : ['>', 'ASC'];
    const start = after === undefined ? '' : `AND sequence ${sign} ${BEHIND}`;
    return this.#all(
      `SELECT * FROM resources WHERE ${IS_LISTED} ${start} ORDER BY sequence ${direction} LIMIT ?`,
      ...listed,
      ...(after === undefined ? [] : [...listed, after]),
      limit,
    );
  }

  async remove(provider: string, id: string): Promise<boolean> {
    const [changes] = await this.#writer.write([['remove', provider, id]]);
    return changes === 1;
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    await this.#writer.close();
    this.#reader.close();
  }

  #all(sql: string, ...parameters: readonly SqlValue[]): readonly ResourceClaim[] {
    try {
      return this.#statements
        .of(sql)
        .all(...parameters)
        .map(claimOf);
    } catch (error) {
      throw storeFault('cannot read the registry of ids', error);
    }
  }
}

function claimOf(row: SqlRow): ResourceClaim {
  return {
    id: String(row['id']),
    provider: String(row['provider']),
    kind: String(row['kind']) as ResourceKind,
    project: String(row['project']),
    atMs: Number(row['at_ms']),
  };
}

/**
 * Opens the registry.
 * @throws FarthingError `store-unavailable`
 * @internal
 */
export async function openSqliteResourceRegistry(
  options: SqliteResourceRegistryOptions,
): Promise<SqliteResourceRegistry> {
  const driver = options.driver === undefined ? {} : { driver: options.driver };
  const pragmas = { synchronous: 'FULL' };
  const writer = new SqliteWriter({
    path: options.path,
    statements: STATEMENTS,
    pragmas,
    migrations: MIGRATIONS,
    thread: options.thread,
    ...driver,
  });
  try {
    await writer.ready();
    const reader = await openDatabase(options.path, { readonly: true, ...driver });
    return new SqliteResourceRegistry(options.clock, writer, reader);
  } catch (error) {
    await writer.close();
    throw error;
  }
}
