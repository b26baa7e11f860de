import {
  PASSING_RESOURCES,
  RESOURCE_LIFE_MS,
  type ResourceClaim,
  type ResourceKind,
} from '../../core/model/resource.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ResourceQuery, ResourceRegistry } from '../../ports/resource-registry.ts';
import type { PostgresConnectionOptions, PostgresDatabase, PostgresQueries } from './postgres-database.ts';
import { openMigratedDatabase } from './postgres-migrations.ts';

/** Settings of {@link openPostgresResourceRegistry}. @public */
export interface PostgresResourceRegistryOptions extends PostgresConnectionOptions {
  /** Tells when the claims on stored responses are old; they go after 60 days. */
  readonly clock: Clock;
}

const FAULT = 'cannot use the registry of ids';

/** The least time between two sweeps of what is past its life, in milliseconds: each drops at most a thousand. */
const SWEEP_MS = 10_000;
const SWEPT_ROWS = 1_000;

/**
 * Claims in Postgres, shared by all that open the database. A claim is durable when its promise resolves.
 * @public
 */
export class PostgresResourceRegistry implements ResourceRegistry {
  readonly #database: PostgresDatabase;
  readonly #clock: Clock;
  #nextSweepMs = 0;
  #closing: Promise<void> | undefined;

  /** @internal Use {@link openPostgresResourceRegistry}. */
  constructor(database: PostgresDatabase, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  async claim(claims: readonly ResourceClaim[]): Promise<void> {
    if (claims.length === 0) return;
    const rows = claims.map(({ id, provider, kind, project, atMs }) => ({ id, provider, kind, project, at_ms: atMs }));
    await this.#database.use(FAULT, async (queries) => {
      await queries
        .insertInto('resources')
        .values(rows)
        .onConflict((conflict) => conflict.columns(['id', 'provider']).doNothing())
        .execute();
      await this.#sweep(queries);
    });
  }

  async owners(ids: readonly string[]): Promise<readonly ResourceClaim[]> {
    if (ids.length === 0) return [];
    const rows = await this.#database.use(FAULT, (queries) =>
      queries
        .selectFrom('resources')
        .selectAll()
        .where('id', 'in', [...new Set(ids)])
        .execute(),
    );
    return rows.map(claimOf);
  }

  async list({ project, kind, provider, order, after, limit }: ResourceQuery): Promise<readonly ResourceClaim[]> {
    const rows = await this.#database.use(FAULT, (queries) => {
      const listed = queries
        .selectFrom('resources')
        .where('project', '=', project)
        .where('kind', '=', kind)
        .where('provider', '=', provider);
      const page = listed
        .selectAll()
        .orderBy('sequence', order === 'newest' ? 'desc' : 'asc')
        .limit(limit);
      if (after === undefined) return page.execute();
      // No number is above or below NULL: nothing comes behind an id that is not listed.
      const start = listed.where('id', '=', after).select('sequence');
      return page.where('sequence', order === 'newest' ? '<' : '>', start).execute();
    });
    return rows.map(claimOf);
  }

  async remove(provider: string, id: string): Promise<boolean> {
    const removed = await this.#database.use(FAULT, (queries) =>
      queries
        .deleteFrom('resources')
        .where('provider', '=', provider)
        .where('id', '=', id)
        .returning('sequence')
        .execute(),
    );
    return removed.length > 0;
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#database.release());
  }

  async #sweep(queries: PostgresQueries): Promise<void> {
    const nowMs = this.#clock.nowMs();
    if (nowMs < this.#nextSweepMs) return;
    this.#nextSweepMs = nowMs + SWEEP_MS;
    await queries
      .deleteFrom('resources')
      .where((expression) =>
        expression(
          'sequence',
          'in',
          expression
            .selectFrom('resources')
            .select('sequence')
            .where('kind', 'in', PASSING_RESOURCES)
            .where('at_ms', '<', nowMs - RESOURCE_LIFE_MS)
            .orderBy('at_ms')
            .limit(SWEPT_ROWS),
        ),
      )
      .execute();
  }
}

function claimOf(row: Omit<ResourceClaim, 'kind' | 'atMs'> & { kind: string; at_ms: number }): ResourceClaim {
  const { id, provider, kind, project, at_ms: atMs } = row;
  return { id, provider, kind: kind as ResourceKind, project, atMs };
}

/**
 * Opens the registry of ids. The schema is made, or brought up to date, where it must be.
 * @throws FarthingError `store-unavailable`, or `configuration` when a package is missing.
 * @public
 */
export async function openPostgresResourceRegistry(
  options: PostgresResourceRegistryOptions,
): Promise<PostgresResourceRegistry> {
  return new PostgresResourceRegistry(await openMigratedDatabase(options), options.clock);
}
