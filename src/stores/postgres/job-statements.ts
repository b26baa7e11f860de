import type { JobState } from '../../core/model/deferred-call.ts';
import type { JobQuery } from '../../ports/job-store.ts';

const UNDER_WAY = `stage NOT IN ('settled', 'abandoned')`;

/** Jobs by columns; a row that is there already keeps its contents, too. @internal */
export const ADD_JOBS: string = `
WITH given AS (
  SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
    $8::boolean[], $9::text[], $10::integer[], $11::integer[], $12::text[], $13::bigint[], $14::text[], $15::integer[],
    $16::bigint[], $17::bigint[], $18::text[], $19::text[], $20::text[], $21::text[], $22::text[])
  AS given (call_id, queue, run, position, at_ms, size_bytes, input_tokens, has_webhook, state, version, attempts,
    batch_id, live_at_ms, live_tier, batches, lease_until_ms, told_at_ms, call, body, sent_body, result, result_body)
), added AS (
  INSERT INTO farthing.jobs (call_id, queue, run, position, at_ms, size_bytes, input_tokens, has_webhook, state, version,
    attempts, batch_id, live_at_ms, live_tier, batches, lease_until_ms, told_at_ms)
  SELECT call_id, queue, run, given.position, at_ms, size_bytes, input_tokens, has_webhook, state, version, attempts,
    batch_id, live_at_ms, live_tier, batches, lease_until_ms, told_at_ms FROM given ORDER BY given.position, call_id
  ON CONFLICT (call_id) DO NOTHING RETURNING sequence, call_id
)
INSERT INTO farthing.job_contents (sequence, call, body, sent_body, result, result_body)
SELECT sequence, call, body, sent_body, result, result_body FROM added JOIN given USING (call_id)`;

/** @internal */
export const READ_JOBS: string = `
SELECT jobs.*, contents.* FROM farthing.jobs AS jobs JOIN farthing.job_contents AS contents USING (sequence)
WHERE call_id = ANY ($1::text[])`;

/** Locks in one order, so that two processes never wait for each other; what has another version by then is left out. @internal */
export const CHANGE_JOBS: string = `
WITH given AS MATERIALIZED (
  SELECT * FROM unnest($1::text[], $2::integer[], $3::text[], $4::integer[], $5::text[], $6::bigint[], $7::boolean[],
    $8::text[], $9::boolean[], $10::bigint[], $11::boolean[], $12::bigint[], $13::text[], $14::text[])
  AS given (call_id, version, state, attempts, live_tier, lease_until_ms, sets_batch, batch_id, sets_hour, live_at_ms,
    sets_told, told_at_ms, result, result_body)
), held AS MATERIALIZED (
  SELECT jobs.sequence, jobs.call_id FROM farthing.jobs AS jobs JOIN given USING (call_id)
  WHERE jobs.version = given.version ORDER BY jobs.call_id FOR UPDATE OF jobs
), changed AS (
  UPDATE farthing.jobs AS jobs SET
    state = coalesce(given.state, jobs.state),
    attempts = coalesce(given.attempts, jobs.attempts),
    live_tier = coalesce(given.live_tier, jobs.live_tier),
    lease_until_ms = coalesce(given.lease_until_ms, jobs.lease_until_ms),
    batch_id = CASE WHEN sets_batch THEN given.batch_id ELSE jobs.batch_id END,
    live_at_ms = CASE WHEN sets_hour THEN given.live_at_ms ELSE jobs.live_at_ms END,
    told_at_ms = CASE WHEN sets_told THEN given.told_at_ms ELSE jobs.told_at_ms END,
    version = jobs.version + 1
  FROM held JOIN given USING (call_id) WHERE jobs.sequence = held.sequence RETURNING jobs.sequence, jobs.call_id
), written AS (
  UPDATE farthing.job_contents AS contents SET result = given.result, result_body = given.result_body
  FROM changed JOIN given USING (call_id) WHERE contents.sequence = changed.sequence AND given.result IS NOT NULL
)
SELECT call_id FROM changed`;

/** @internal */
export const REMOVE_JOBS: string = `
WITH held AS MATERIALIZED (
  SELECT sequence FROM farthing.jobs WHERE call_id = ANY ($1::text[]) ORDER BY call_id FOR UPDATE
), contents AS (
  DELETE FROM farthing.job_contents USING held WHERE job_contents.sequence = held.sequence
)
DELETE FROM farthing.jobs USING held WHERE jobs.sequence = held.sequence`;

/** @internal */
export const QUEUES: string = `
SELECT queue, run, count(*)::bigint AS jobs, sum(size_bytes)::bigint AS size_bytes,
  sum(input_tokens)::bigint AS input_tokens, min(at_ms) AS oldest_at_ms, min(live_at_ms) AS earliest_live_at_ms
FROM farthing.jobs WHERE state = 'waiting' GROUP BY queue, run`;

/** Takes the oldest that fit for a batch and whose hour has not come, the very first whatever its size. What another worker is taking is passed over. @internal */
export const TAKE_JOBS: string = `
WITH oldest AS MATERIALIZED (
  SELECT sequence, at_ms, size_bytes + $4::bigint AS size_bytes, input_tokens FROM farthing.jobs
  WHERE state = 'waiting' AND queue = $1 AND run = $2 AND (live_at_ms IS NULL OR live_at_ms > $9::bigint)
  ORDER BY at_ms, sequence LIMIT $3::bigint FOR UPDATE SKIP LOCKED
), sums AS (
  SELECT sequence, size_bytes, input_tokens, row_number() OVER oldest_first AS place,
    sum(size_bytes) OVER oldest_first AS bytes, sum(input_tokens) OVER oldest_first AS tokens
  FROM oldest WINDOW oldest_first AS (ORDER BY at_ms, sequence ROWS UNBOUNDED PRECEDING)
), taken AS (
  UPDATE farthing.jobs AS jobs
  SET state = 'batched', batch_id = $7, batches = jobs.batches + 1, version = jobs.version + 1
  FROM sums WHERE jobs.sequence = sums.sequence
    AND ((place = 1 AND $8::boolean) OR (bytes <= $5::bigint AND tokens <= $6::bigint))
  RETURNING sums.size_bytes, sums.input_tokens
)
SELECT count(*)::bigint AS requests, coalesce(sum(size_bytes), 0)::bigint AS size_bytes,
  coalesce(sum(input_tokens), 0)::bigint AS input_tokens FROM taken`;

/** @internal */
export const FORM_BATCH: string = `
INSERT INTO farthing.batches (batch_id, run, stage, next_at_ms, is_cancelled, worker_id, lease_until_ms, facts, requests,
  size_bytes, input_tokens)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING *`;

/** @internal */
export const LEASE_BATCH: string = `
WITH due AS MATERIALIZED (
  SELECT sequence FROM farthing.batches WHERE ${UNDER_WAY} AND next_at_ms <= $1 AND lease_until_ms <= $1
  ORDER BY next_at_ms, sequence LIMIT 1 FOR UPDATE SKIP LOCKED
)
UPDATE farthing.batches AS batches SET worker_id = $2, lease_until_ms = $3
FROM due WHERE batches.sequence = due.sequence RETURNING batches.*`;

/** Whoever saves it may not know yet that it is to be cancelled, and must not put that off. @internal */
export const SAVE_BATCH: string = `
UPDATE farthing.batches SET stage = $1, requests = $2, size_bytes = $3, input_tokens = $4, facts = $5,
  next_at_ms = CASE WHEN is_cancelled AND NOT $6::boolean THEN least(next_at_ms, $7::bigint) ELSE $7::bigint END,
  is_cancelled = is_cancelled OR $6::boolean, settled_at_ms = coalesce(settled_at_ms, $8::bigint), worker_id = $9,
  lease_until_ms = $10
WHERE batch_id = $11 AND worker_id = $12 AND lease_until_ms > $13 RETURNING sequence`;

/** @internal */
export const LEASE_LIVE: string = `
WITH due AS MATERIALIZED (
  SELECT sequence FROM farthing.jobs
  WHERE live_at_ms IS NOT NULL AND state IN ('waiting', 'batched', 'live') AND live_at_ms <= $1
    AND (state <> 'live' OR lease_until_ms <= $1)
  ORDER BY live_at_ms, sequence LIMIT $2::bigint FOR UPDATE SKIP LOCKED
), leased AS (
  UPDATE farthing.jobs AS jobs SET state = 'live', lease_until_ms = $3, version = jobs.version + 1
  FROM due WHERE jobs.sequence = due.sequence RETURNING jobs.*
)
SELECT leased.*, contents.* FROM leased JOIN farthing.job_contents AS contents USING (sequence)
ORDER BY leased.live_at_ms, leased.sequence`;

/** @internal */
export const BATCHES: string = `
SELECT * FROM farthing.batches
WHERE ($1::text IS NULL OR run = $1) AND ($2::text[] IS NULL OR batch_id = ANY ($2::text[]))
  AND CASE WHEN $3::bigint IS NOT NULL THEN settled_at_ms >= $3::bigint
    ELSE $2::text[] IS NOT NULL OR ${UNDER_WAY} END
ORDER BY sequence`;

/** @internal */
export const CANCEL_BATCHES: string = `
WITH held AS MATERIALIZED (
  SELECT sequence FROM farthing.batches WHERE batch_id = ANY ($1::text[]) AND ${UNDER_WAY} ORDER BY sequence FOR UPDATE
)
UPDATE farthing.batches AS batches SET is_cancelled = true, next_at_ms = least(next_at_ms, $2::bigint)
FROM held WHERE batches.sequence = held.sequence`;

/** @internal */
export const ADOPT_BATCH: string = `
INSERT INTO farthing.batches (batch_id, run, stage, requests, size_bytes, input_tokens, next_at_ms, is_cancelled,
  facts, worker_id, lease_until_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (batch_id) DO NOTHING`;

/** A statement and its parameters. @internal */
export interface JobSelection {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

const STATES: readonly JobState[] = ['accepting', 'waiting', 'batched', 'live', 'done'];

/**
 * The statement of a list. Where no batch is named it asks for the first of each state, and of these for the first: jobs lie by state in their index, so
 * that finding the few that wait does not pass the many that are done.
 * @internal
 */
export function jobSelection({ run, batchId, states, isUntold, after, limit }: JobQuery): JobSelection {
  const parameters: unknown[] = [];
  const bound = (value: unknown): string => `$${parameters.push(value)}`;
  const conditions: string[] = [];
  if (run !== undefined) conditions.push(`jobs.run = ${bound(run)}`);
  if (batchId !== undefined) conditions.push(`jobs.batch_id = ${bound(batchId)}`);
  if (isUntold === true) conditions.push(`jobs.has_webhook AND jobs.state = 'done' AND jobs.told_at_ms IS NULL`);
  if (after !== undefined) {
    const place = `${bound(after.position)}::bigint, ${bound(after.callId)}::text`;
    conditions.push(`(jobs.position, jobs.call_id) > (${place})`);
  }
  const order = `LIMIT ${bound(limit)}::bigint`;
  const given = STATES.filter((state) => states?.includes(state) ?? true).map((state) => `jobs.state = '${state}'`);
  const isByState = batchId === undefined && isUntold !== true;
  const alternatives = isByState ? given : [`(${given.join(' OR ')})`];
  const parts = alternatives.map(
    (state) =>
      `(SELECT jobs.* FROM farthing.jobs AS jobs WHERE ${[...conditions, state].join(' AND ')}
        ORDER BY jobs.position, jobs.call_id ${order})`,
  );
  const sql = `SELECT jobs.*, contents.* FROM (${parts.join(' UNION ALL ')}) AS jobs
    JOIN farthing.job_contents AS contents USING (sequence) ORDER BY jobs.position, jobs.call_id ${order}`;
  return { sql, parameters };
}
