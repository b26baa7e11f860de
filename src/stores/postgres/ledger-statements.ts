import { DEFERRED, OWNER_DIED, PROVISIONAL_OUTCOMES } from '../../core/model/charge.ts';
import type { NewCall, NewCharge, NewIntent } from './ledger-rows.ts';

/** A statement and its parameters. @internal */
export type Statement = readonly [sql: string, parameters: readonly unknown[]];

/** What goes into one commit. @internal */
export interface CommitRows {
  readonly calls: readonly NewCall[];
  readonly intents: readonly NewIntent[];
  readonly charges: readonly NewCharge[];
}

/** What a statement that adds charges gives. @internal */
export interface CommitAnswer {
  /** False when the owner was ended: nothing was written. */
  readonly isOwner: boolean;
  /** Ids of the rows that were added; the others were there. */
  readonly newCharges: readonly string[];
}

/** The columns of a new row with their types, in the order of their arrays. */
const CALL_COLUMNS = { call_id: 'text', at_ms: 'bigint', project: 'text', key_id: 'text', record: 'text' };
const INTENT_COLUMNS = {
  charge_id: 'text',
  call_id: 'text',
  at_ms: 'bigint',
  project: 'text',
  key_id: 'text',
  upper_bound_nano_usd: 'bigint',
  facts: 'text',
};
const CHARGE_COLUMNS = {
  charge_id: 'text',
  call_id: 'text',
  at_ms: 'bigint',
  project: 'text',
  key_id: 'text',
  certainty: 'text',
  amount_nano_usd: 'bigint',
  corrects: 'text',
  outcome: 'text',
  facts: 'text',
};

function namesOf(columns: Readonly<Record<string, string>>): string {
  return Object.keys(columns).join(', ');
}

/** Rows from one array parameter a column, as a table called `new`. */
function rowsFrom(columns: Readonly<Record<string, string>>, firstParameter: number): string {
  const arrays = Object.values(columns).map((type, index) => `$${firstParameter + index}::${type}[]`);
  return `unnest(${arrays.join(', ')}) AS new (${namesOf(columns)})`;
}

function arraysOf<Column extends string>(
  rows: readonly Readonly<Record<Column, unknown>>[],
  columns: Readonly<Record<Column, string>>,
): readonly (readonly unknown[])[] {
  return (Object.keys(columns) as Column[]).map((column) => rows.map((row) => row[column]));
}

/**
 * The owner of a statement, locked until its commit: shared with the owner's other statements and renewals, but not with its removal. Empty
 * when the owner was ended, also by somebody whom this had to wait for.
 */
const OWNER = 'SELECT owner_id FROM farthing.owners WHERE owner_id = $1 FOR KEY SHARE';

const FIRST_CALL = 4;
const FIRST_INTENT = FIRST_CALL + Object.keys(CALL_COLUMNS).length;
const FIRST_CHARGE = FIRST_INTENT + Object.keys(INTENT_COLUMNS).length;

/** One commit in one round trip: all of it or nothing. An id that is taken stays as it is. */
const COMMIT = `WITH owner AS MATERIALIZED (${OWNER}),
  renewed AS (
    UPDATE farthing.owners SET lease_until_ms = greatest(lease_until_ms, $2::bigint)
    WHERE owner_id = $1 AND $2::bigint IS NOT NULL AND EXISTS (SELECT FROM owner)),
  spent AS (
    DELETE FROM farthing.intents WHERE charge_id = ANY ($3::text[]) AND EXISTS (SELECT FROM owner)),
  calls AS (
    INSERT INTO farthing.calls (${namesOf(CALL_COLUMNS)})
    SELECT new.* FROM owner, ${rowsFrom(CALL_COLUMNS, FIRST_CALL)}
    ON CONFLICT (call_id) DO NOTHING),
  intents AS (
    INSERT INTO farthing.intents (owner_id, ${namesOf(INTENT_COLUMNS)})
    SELECT owner.owner_id, new.* FROM owner, ${rowsFrom(INTENT_COLUMNS, FIRST_INTENT)}
    ON CONFLICT (charge_id) DO NOTHING),
  charges AS (
    INSERT INTO farthing.charges (owner_id, ${namesOf(CHARGE_COLUMNS)})
    SELECT owner.owner_id, new.* FROM owner, ${rowsFrom(CHARGE_COLUMNS, FIRST_CHARGE)}
    ON CONFLICT (charge_id) DO NOTHING RETURNING charge_id)
SELECT EXISTS (SELECT FROM owner) AS "isOwner", ARRAY (SELECT charge_id FROM charges) AS "newCharges"`;

/**
 * Writes rows under an owner.
 * @param leaseUntilMs - renews the owner's lease; undefined leaves it.
 * @internal
 */
export function commitStatement(ownerId: string, leaseUntilMs: number | undefined, rows: CommitRows): Statement {
  return [
    COMMIT,
    [
      ownerId,
      leaseUntilMs ?? null,
      rows.charges.map((charge) => charge.charge_id),
      ...arraysOf(rows.calls, CALL_COLUMNS),
      ...arraysOf(rows.intents, INTENT_COLUMNS),
      ...arraysOf(rows.charges, CHARGE_COLUMNS),
    ],
  ];
}

/** Removes intents. @internal */
export function removeStatement(chargeIds: readonly string[]): Statement {
  return ['DELETE FROM farthing.intents WHERE charge_id = ANY ($1::text[])', [chargeIds]];
}

const PROVISIONAL = PROVISIONAL_OUTCOMES.map((outcome) => `'${outcome}'`).join(', ');

/**
 * The rows get the difference to the estimate as their amount, so that both together are the truth, and its time: money given back in a window
 * that is over is not there to be spent today. When they were booked is the time of the late charges.
 */
const CORRECT = `WITH owner AS MATERIALIZED (${OWNER}),
  charges AS (
    INSERT INTO farthing.charges (owner_id, ${namesOf(CHARGE_COLUMNS)}, booked_at_ms)
    SELECT owner.owner_id, new.charge_id || '.c1', new.call_id, estimate.at_ms, new.project, new.key_id, new.certainty,
      new.amount_nano_usd - coalesce(estimate.amount_nano_usd, 0), new.charge_id, new.outcome, new.facts, new.at_ms
    FROM owner, ${rowsFrom(CHARGE_COLUMNS, 2)} JOIN farthing.charges AS estimate USING (charge_id)
    WHERE estimate.outcome IN (${PROVISIONAL}) AND new.outcome <> '${DEFERRED}'
    ON CONFLICT (charge_id) DO NOTHING RETURNING charge_id)
SELECT EXISTS (SELECT FROM owner) AS "isOwner", ARRAY (SELECT charge_id FROM charges) AS "newCharges"`;

/** Writes the true figures of charges that stand as estimates, under the owner that hands them over. @internal */
export function correctStatement(ownerId: string, charges: readonly NewCharge[]): Statement {
  return [CORRECT, [ownerId, ...arraysOf(charges, CHARGE_COLUMNS)]];
}

/** A charge that was there, and the correction that stands in its place. @internal */
export interface StandingCharge {
  readonly chargeId: string;
  readonly ownerId: string;
  readonly amountNanoUsd: number | null;
  readonly atMs: number;
  readonly bookedAtMs: number;
  /** Whether it is an estimate that only its true figure may stand for. */
  readonly isProvisional: boolean;
  readonly corrected: boolean;
}

/** The rows that stand for charges: a correction where an estimate has one. @internal */
export const STANDING_CHARGES: string = `SELECT charge.charge_id AS "chargeId",
    coalesce(correction.owner_id, charge.owner_id) AS "ownerId",
    CASE WHEN correction.charge_id IS NULL THEN charge.amount_nano_usd ELSE correction.amount_nano_usd END AS "amountNanoUsd",
    coalesce(correction.at_ms, charge.at_ms) AS "atMs",
    coalesce(correction.booked_at_ms, correction.at_ms, charge.booked_at_ms, charge.at_ms) AS "bookedAtMs",
    charge.outcome IN (${PROVISIONAL}) AS "isProvisional", correction.charge_id IS NOT NULL AS corrected
  FROM farthing.charges AS charge LEFT JOIN farthing.charges AS correction
    ON charge.outcome IN (${PROVISIONAL}) AND correction.charge_id = charge.charge_id || '.c1'
  WHERE charge.charge_id = ANY ($1::text[])`;

/** Locks what is to be ended, in one order, once nobody writes under it any more. A lease that was renewed meanwhile is left alone. @internal */
export const LOCK_ENDED = `SELECT owner_id FROM farthing.owners
  WHERE owner_id = ANY ($1::text[]) OR (lease_until_ms <= $2::bigint AND owner_id <> $3)
  ORDER BY owner_id FOR UPDATE`;

/** What locked owners left open becomes charges at the upper bound, as of now. Those that were charged stay as they are. @internal */
export const CHARGE_ORPHANS: string = `INSERT INTO farthing.charges (owner_id, ${namesOf(CHARGE_COLUMNS)})
  SELECT owner_id, charge_id, call_id, greatest(at_ms, $2::bigint), project, key_id,
    CASE WHEN upper_bound_nano_usd IS NULL THEN 'unpriced' ELSE 'estimate' END, upper_bound_nano_usd, NULL, '${OWNER_DIED}', facts
  FROM farthing.intents WHERE owner_id = ANY ($1::text[]) ORDER BY at_ms, charge_id
  ON CONFLICT (charge_id) DO NOTHING`;
