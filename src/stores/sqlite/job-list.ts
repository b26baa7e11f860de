import type { JobState } from '../../core/model/deferred-call.ts';
import type { JobQuery } from '../../ports/job-store.ts';
import { PASSING, UNTOLD } from './job-schema.ts';
import type { SqlValue } from './sqlite-database.ts';

/** A statement and its parameters. @internal */
export interface JobSelection {
  readonly sql: string;
  readonly parameters: readonly SqlValue[];
}

const STATES: readonly JobState[] = ['accepting', 'waiting', 'batched', 'live', 'done'];
const IN_ORDER = 'ORDER BY position, call_id LIMIT ?';

/**
 * The statement of a list. Each goes along one index in the order that is wanted; a plus sign before a column keeps SQLite from taking another. Jobs of
 * a run lie by state in their index, so that finding the few that wait does not pass the many that are done; those of no named run, batch or passing
 * state have no index and are sorted. At least one state must be asked for.
 * @internal
 */
export function jobSelection({ run, batchId, states, isUntold, after, limit }: JobQuery): JobSelection {
  const given = STATES.filter((state) => states?.includes(state) ?? true);
  const named = given.map((state) => `'${state}'`).join(', ');
  const behind = after === undefined ? '' : ' AND (position, call_id) > (?, ?)';
  const place: readonly SqlValue[] = after === undefined ? [] : [after.position, after.callId];
  const isOfStates = states === undefined ? '' : ` AND +state IN (${named})`;
  const isOfRun = run === undefined ? '' : ' AND +run = ?';
  const runs: readonly SqlValue[] = run === undefined ? [] : [run];
  const along = (condition: string, ...parameters: readonly SqlValue[]): JobSelection => ({
    sql: withContents(`SELECT sequence FROM jobs WHERE ${condition}${isOfStates}${isOfRun}${behind} ${IN_ORDER}`),
    parameters: [...parameters, ...runs, ...place, limit],
  });
  if (batchId !== undefined) {
    return along(
      isUntold === true
        ? `batch_id = ? AND +has_webhook = 1 AND +state = 'done' AND +told_at_ms IS NULL`
        : 'batch_id = ?',
      batchId,
    );
  }
  if (isUntold === true) return along(UNTOLD);
  if (run !== undefined) return ofRun(run, given, behind, place, limit);
  const isPassing = given.every((state) => state === 'accepting' || state === 'live');
  return along(isPassing ? `${PASSING} AND state IN (${named})` : 'true');
}

/** The first of each state, and of these the first. */
function ofRun(
  run: string,
  states: readonly JobState[],
  behind: string,
  place: readonly SqlValue[],
  limit: number,
): JobSelection {
  const parts = states.map(
    (state) =>
      `SELECT * FROM (SELECT sequence, position, call_id FROM jobs WHERE run = ? AND state = '${state}'${behind} ${IN_ORDER})`,
  );
  const parameters = states.flatMap(() => [run, ...place, limit]);
  return {
    sql: withContents(`SELECT sequence FROM (${parts.join(' UNION ALL ')} ${IN_ORDER})`),
    parameters: [...parameters, limit],
  };
}

function withContents(selection: string): string {
  return `SELECT * FROM jobs JOIN contents USING (sequence) WHERE sequence IN (${selection}) ORDER BY position, call_id`;
}
