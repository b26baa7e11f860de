import { DEFERRED, OWNER_DIED, PROVISIONAL_OUTCOMES } from '../../core/model/charge.ts';
import type { WriteOperation } from './sqlite-writer.ts';

/**
 * Forward migrations of the ledger's file. Amounts are whole nano-dollars, times Unix milliseconds.
 *
 * - `intent_packs`: the intents of one commit, as a JSON array of `intentText`. A pack goes when all of it is charged; what counts as
 *   open is what has no charge, so that a pack that stays too long does no harm.
 * - `owners`: those that have not been ended. Nothing is written under an id that is not here, so that the rows of an ended owner are final.
 * - `charges`: one row each; `owner_id` is empty in rows from before there were owners, `booked_at_ms` where it is
 *   `at_ms`: in all but corrections. What queries, corrections and audits ask for has a column, the rest is JSON of `chargeOperation`.
 * - `call_packs`: call records that were written together, as a JSON array of `callText`.
 *
 * Few indices on purpose: each costs every call. `charge_id` begins with the call's id, so that its index finds a call's
 * charges too; the index of corrections holds nothing but corrections; those of packs get one row a commit.
 * @internal
 */
export const LEDGER_MIGRATIONS: readonly string[] = [
  `
CREATE TABLE owners (
  owner_id TEXT PRIMARY KEY,
  lease_until_ms INTEGER NOT NULL,
  pid INTEGER NOT NULL,
  host TEXT,
  process_start TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE intent_packs (
  owner_id TEXT NOT NULL,
  pack INTEGER NOT NULL,
  intents TEXT NOT NULL,
  PRIMARY KEY (owner_id, pack)
) STRICT, WITHOUT ROWID;

CREATE TABLE charges (
  sequence INTEGER PRIMARY KEY,
  charge_id TEXT NOT NULL UNIQUE,
  at_ms INTEGER NOT NULL,
  project TEXT NOT NULL,
  key_id TEXT NOT NULL,
  target TEXT NOT NULL,
  certainty TEXT NOT NULL,
  amount_nano_usd INTEGER,
  corrects TEXT,
  outcome TEXT NOT NULL,
  facts TEXT NOT NULL
) STRICT;
CREATE INDEX charges_at ON charges (at_ms);
CREATE INDEX charges_corrects ON charges (corrects) WHERE corrects IS NOT NULL;

CREATE TABLE call_packs (
  sequence INTEGER PRIMARY KEY,
  first_at_ms INTEGER NOT NULL,
  last_at_ms INTEGER NOT NULL,
  records TEXT NOT NULL
) STRICT;
CREATE INDEX call_packs_first ON call_packs (first_at_ms, last_at_ms);
CREATE INDEX call_packs_last ON call_packs (last_at_ms, first_at_ms);
`,
  'ALTER TABLE charges ADD COLUMN owner_id TEXT; ALTER TABLE charges ADD COLUMN booked_at_ms INTEGER',
];

/** The columns of a charge in the order of `chargeOperation`. */
const CHARGE_COLUMNS =
  'charge_id, at_ms, project, key_id, target, certainty, amount_nano_usd, corrects, outcome, facts, owner_id';

const PROVISIONAL = PROVISIONAL_OUTCOMES.map((outcome) => `'${outcome}'`).join(', ');

/** Statements of the writing thread. @internal */
export type LedgerStatement =
  | 'insertIntents'
  | 'deleteIntents'
  | 'insertCharge'
  | 'correctEstimate'
  | 'insertCalls'
  | 'registerOwner'
  | 'renewLease'
  | 'endOwner'
  | 'endLapsedOwners'
  | 'chargeOrphans'
  | 'deleteOrphans';

/** One statement with its parameters. @internal */
export type LedgerOperation = WriteOperation<LedgerStatement>;

/**
 * Everything that is ever written to a ledger. Rows of `charges` and `call_packs` are only ever added. Intents and charges take their owner from
 * its row in `owners`: when that is gone, they change no row, whatever a process that stood still had on its way.
 * @internal
 */
export const LEDGER_STATEMENTS: Readonly<Record<LedgerStatement, string>> = {
  insertIntents: 'INSERT INTO intent_packs SELECT owner_id, ?, ? FROM owners WHERE owner_id = ?',
  deleteIntents: 'DELETE FROM intent_packs WHERE owner_id = ? AND pack = ?',
  insertCharge: `INSERT INTO charges (${CHARGE_COLUMNS}) 
    SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, owner_id FROM owners WHERE owner_id = ?
    ON CONFLICT (charge_id) DO NOTHING`,
  /**
   * The true figure of a charge that stands as an estimate: of a dead owner, or of a call that is answered later. Takes the parameters of `insertCharge`; the row gets the
   * difference as its amount, so that both together are the truth, and the time of the estimate: money given back in a window that is over is not there
   * to be spent today. When it was booked is the time of the late charge. Does nothing where the charge is no such estimate.
   */
  correctEstimate: `WITH late (${CHARGE_COLUMNS}) AS (VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?))
    INSERT INTO charges (${CHARGE_COLUMNS}, booked_at_ms)
    SELECT late.charge_id || '.c1', estimate.at_ms, late.project, late.key_id, late.target, late.certainty,
      late.amount_nano_usd - coalesce(estimate.amount_nano_usd, 0), late.charge_id, late.outcome, late.facts, owners.owner_id,
      late.at_ms
    FROM late JOIN owners ON owners.owner_id = late.owner_id JOIN charges AS estimate ON estimate.charge_id = late.charge_id
    WHERE estimate.outcome IN (${PROVISIONAL}) AND late.outcome <> '${DEFERRED}'
    ON CONFLICT (charge_id) DO NOTHING`,
  insertCalls: 'INSERT INTO call_packs (first_at_ms, last_at_ms, records) VALUES (?, ?, ?)',
  registerOwner: 'INSERT INTO owners VALUES (?, ?, ?, ?, ?)',
  renewLease: 'UPDATE owners SET lease_until_ms = ? WHERE owner_id = ?',
  /** This and the next only with `chargeOrphans` and `deleteOrphans` in the same transaction. */
  endOwner: 'DELETE FROM owners WHERE owner_id = ?',
  endLapsedOwners: 'DELETE FROM owners WHERE lease_until_ms <= ?',
  /** As of the moment of the parameter. Positions as in `intentText`. Intents that were charged are in the table by their id, and stay as they are. */
  chargeOrphans: `INSERT INTO charges (${CHARGE_COLUMNS})
    SELECT value ->> 0, max(CAST(value ->> 1 AS INTEGER), ?), value ->> 2, value ->> 3, value ->> 4,
      CASE WHEN value ->> 5 IS NULL THEN 'unpriced' ELSE 'estimate' END, CAST(value ->> 5 AS INTEGER), NULL, '${OWNER_DIED}', value -> 6, owner_id
    FROM intent_packs, json_each(intents) WHERE owner_id NOT IN (SELECT owner_id FROM owners)
    ON CONFLICT (charge_id) DO NOTHING`,
  deleteOrphans: `DELETE FROM intent_packs WHERE owner_id NOT IN (SELECT owner_id FROM owners)`,
};

/** Intents without a charge, one JSON text a row, each once. @internal */
export const OPEN_INTENTS = `SELECT owner_id, value AS intent FROM intent_packs, json_each(intents)
  WHERE NOT EXISTS (SELECT 1 FROM charges WHERE charge_id = value ->> 0)
  GROUP BY value ->> 0 ORDER BY value ->> 1, value ->> 0`;
