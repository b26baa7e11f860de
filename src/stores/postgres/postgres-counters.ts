import type { PostgresQueries } from './postgres-database.ts';
import type { CounterName } from './postgres-tables.ts';

/**
 * Counts one more change in a transaction and gives the new count. The counter's row stays locked until the commit, so that counts become visible in
 * their order and never before what they count.
 * @internal
 */
export async function countChange(transaction: PostgresQueries, name: CounterName): Promise<number> {
  const { value } = await transaction
    .updateTable('counters')
    .set(({ eb }) => ({ value: eb('value', '+', 1) }))
    .where('name', '=', name)
    .returning('value')
    .executeTakeFirstOrThrow();
  return value;
}

/** The count of changes so far. @internal */
export async function readCounter(queries: PostgresQueries, name: CounterName): Promise<number> {
  const { value } = await queries
    .selectFrom('counters')
    .select('value')
    .where('name', '=', name)
    .executeTakeFirstOrThrow();
  return value;
}
