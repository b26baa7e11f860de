import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { CompiledQuery, Kysely, PostgresPool, PostgresPoolClient, QueryResult, Transaction } from 'kysely';
import type * as KyselyModule from 'kysely';
import type PgModule from 'pg';
import type { Pool, PoolClient } from 'pg';
import { FarthingError } from '../../core/errors.ts';
import { isConnectionUsable, postgresFault, UnsentStatement } from './postgres-fault.ts';
import type { PostgresTables } from './postgres-tables.ts';

/** How to reach a database. @public */
export interface PostgresConnectionOptions {
  /** `postgres://user:password@host:5432/database`; `?sslmode=verify-full` and the other settings of `pg` work. */
  readonly url: string;
  /**
   * The most connections that are open at a time. A ledger writes on one and reads on the others; idle ones close after half a minute.
   * Times the number of instances it must stay below the server's `max_connections`.
   * @defaultValue 8
   */
  readonly maxConnections?: number;
  /**
   * For how long a statement or a connection is waited for, in milliseconds. A server that is frozen fails calls after this time at the
   * latest instead of holding them. Shorter than a server's fail-over or a slow report makes errors of both.
   * @defaultValue 5_000
   */
  readonly timeoutMs?: number;
}

/** The tables in their schema, or a transaction on them. @internal */
export type PostgresQueries = Kysely<PostgresTables>;

const DEFAULTS = { maxConnections: 8, timeoutMs: 5_000 };

/** After this time without a statement a connection is closed, in milliseconds. */
const IDLE_MS = 30_000;

/** The server ends a statement at the limit; the client waits a little longer, so that it hears of it and keeps the connection. */
const CLIENT_GRACE_MS = 250;

const SCHEMA = 'farthing';

/** Postgres's number of the type `bigint`, as in its catalogue. */
const INT8 = 20;

/** What acknowledges a commit must have it on disk, whatever the server's default is. */
const DURABLE = `SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'`;

interface Packages {
  readonly pg: typeof PgModule;
  readonly kysely: typeof KyselyModule;
}

async function loadPackages(): Promise<Packages> {
  try {
    const [pg, kysely] = await Promise.all([import('pg'), import('kysely')]);
    return { pg: pg.default, kysely };
  } catch (error) {
    throw new FarthingError('configuration', 'stores on Postgres need two packages: npm install pg kysely', {
      cause: error,
    });
  }
}

/**
 * Connections to one database, shared by the stores that were opened on it. They are made when needed, so that a server that was started anew is
 * found again; each that failed is thrown away.
 * @internal
 */
export class PostgresDatabase {
  /** Builds and runs statements on the tables of the schema. */
  readonly queries: PostgresQueries;
  readonly timeoutMs: number;
  readonly #raw: <Row>(sql: string, parameters: readonly unknown[]) => CompiledQuery<Row>;
  readonly #end: () => Promise<void>;
  #users = 1;

  constructor(
    queries: PostgresQueries,
    timeoutMs: number,
    raw: <Row>(sql: string, parameters: readonly unknown[]) => CompiledQuery<Row>,
    end: () => Promise<void>,
  ) {
    this.queries = queries.withSchema(SCHEMA);
    this.timeoutMs = timeoutMs;
    this.#raw = raw;
    this.#end = end;
  }

  /** Runs work on the tables. @throws FarthingError `store-unavailable` */
  async use<Result>(what: string, work: (queries: PostgresQueries) => Promise<Result>): Promise<Result> {
    try {
      return await work(this.queries);
    } catch (error) {
      throw postgresFault(what, error);
    }
  }

  /** Runs work in one transaction; a throw rolls back. @throws FarthingError `store-unavailable` */
  inTransaction<Result>(
    what: string,
    work: (transaction: Transaction<PostgresTables>) => Promise<Result>,
  ): Promise<Result> {
    return this.use(what, (queries) => queries.transaction().execute(work));
  }

  /** Runs SQL that names its schema, inside a transaction where one is given. Errors come as Postgres gave them. */
  run<Row>(sql: string, parameters: readonly unknown[], on: PostgresQueries = this.queries): Promise<QueryResult<Row>> {
    return on.executeQuery(this.#raw<Row>(sql, parameters));
  }

  /** One more store uses the connections. */
  share(): this {
    this.#users += 1;
    return this;
  }

  /** A store needs the connections no more; the last one closes them. */
  async release(): Promise<void> {
    this.#users -= 1;
    if (this.#users === 0) await this.#end();
  }
}

/** Whole numbers beyond 2^53 would lose their last digits without a word. */
function safeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError('a number that is too large');
  return value;
}

/** The clients of a pool for Kysely: a client that failed is not used again. */
class GuardedPool implements PostgresPool {
  readonly options: object;
  readonly #pool: Pool;
  readonly #guarded = new WeakMap<PoolClient, PostgresPoolClient>();

  constructor(pool: Pool) {
    this.#pool = pool;
    this.options = pool.options;
    pool.on('error', () => undefined); // an idle connection that the server cut: the pool has removed it
    // A connection that is cut between two statements of a transaction says so too; the next statement fails.
    pool.on('connect', (client) => client.on('error', () => undefined));
  }

  async connect(): Promise<PostgresPoolClient> {
    const client = await this.#pool.connect().catch((error: unknown) => {
      throw new UnsentStatement(error);
    });
    let guarded = this.#guarded.get(client);
    if (guarded === undefined) {
      guarded = guard(client);
      this.#guarded.set(client, guarded);
    }
    return guarded;
  }

  end(): Promise<void> {
    return this.#pool.end();
  }
}

function guard(client: PoolClient): PostgresPoolClient {
  let isBroken = false;
  const query = async (sql: string, parameters: readonly unknown[]): Promise<unknown> => {
    try {
      return await client.query(sql, [...parameters]);
    } catch (error) {
      isBroken ||= !isConnectionUsable(error);
      throw error;
    }
  };
  return {
    query: query as PostgresPoolClient['query'],
    release: (isDiscarded) => client.release(isDiscarded === true || isBroken),
  };
}

/**
 * Prepares connections; none is made yet.
 * @throws FarthingError `configuration` when a package is missing.
 * @internal
 */
export async function openPostgresDatabase(options: PostgresConnectionOptions): Promise<PostgresDatabase> {
  const { pg, kysely } = await loadPackages();
  const { Socket } = await import('node:net');
  const { maxConnections, timeoutMs } = { ...DEFAULTS, ...options };
  const sockets = new Set<Socket>();
  const pool = new pg.Pool({
    connectionString: options.url,
    application_name: 'farthing',
    max: maxConnections,
    connectionTimeoutMillis: timeoutMs,
    statement_timeout: timeoutMs,
    query_timeout: timeoutMs + CLIENT_GRACE_MS,
    idleTimeoutMillis: IDLE_MS,
    allowExitOnIdle: true,
    keepAlive: true,
    types: {
      getTypeParser: ((type: number, format?: 'text' | 'binary') =>
        type === INT8 ? safeInteger : pg.types.getTypeParser(type, format)) as typeof pg.types.getTypeParser,
    },
    stream: () => {
      const socket = new Socket();
      sockets.add(socket);
      return socket.once('close', () => sockets.delete(socket));
    },
  });
  const queries = new kysely.Kysely<PostgresTables>({
    dialect: new kysely.PostgresDialect({
      pool: new GuardedPool(pool),
      onCreateConnection: async (connection) => {
        await connection.executeQuery(kysely.CompiledQuery.raw(DURABLE));
      },
    }),
  });
  const raw = <Row>(sql: string, parameters: readonly unknown[]): CompiledQuery<Row> =>
    kysely.CompiledQuery.raw(sql, [...parameters]);
  return new PostgresDatabase(queries, timeoutMs, raw, async () => {
    // A frozen server never says good-bye.
    await Promise.race([queries.destroy(), delay(Math.min(timeoutMs, DEFAULTS.timeoutMs), undefined, { ref: false })]);
    for (const socket of sockets) socket.destroy();
  });
}
