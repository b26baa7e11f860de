/**
 * Forward migrations of the ledger's file. Amounts are whole nano-dollars, times Unix milliseconds.
 *
 * Few indices on purpose: each costs every call. `charge_id` begins with the call's id, so that its index finds a call's
 * charges too; the index of corrections holds nothing but corrections.
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

CREATE TABLE intents (
  charge_id TEXT PRIMARY KEY,
  call_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  owner_id TEXT NOT NULL,
  project TEXT NOT NULL,
  key_id TEXT NOT NULL,
  tags TEXT,
  endpoint TEXT NOT NULL,
  target TEXT NOT NULL,
  upper_bound_nano_usd INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE charges (
  sequence INTEGER PRIMARY KEY,
  charge_id TEXT NOT NULL UNIQUE,
  call_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  project TEXT NOT NULL,
  key_id TEXT NOT NULL,
  tags TEXT,
  endpoint TEXT NOT NULL,
  target TEXT NOT NULL,
  served_model TEXT,
  input_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  usage TEXT NOT NULL,
  certainty TEXT NOT NULL,
  amount_nano_usd INTEGER,
  price_entry TEXT,
  corrects TEXT,
  status INTEGER,
  outcome TEXT NOT NULL
) STRICT;
CREATE INDEX charges_at ON charges (at_ms);
CREATE INDEX charges_corrects ON charges (corrects) WHERE corrects IS NOT NULL;

CREATE TABLE calls (
  sequence INTEGER PRIMARY KEY,
  call_id TEXT NOT NULL UNIQUE,
  at_ms INTEGER NOT NULL,
  project TEXT NOT NULL,
  key_id TEXT NOT NULL,
  tags TEXT,
  model TEXT NOT NULL,
  is_hit INTEGER NOT NULL,
  baseline_nano_usd INTEGER,
  saved_nano_usd INTEGER,
  missed_by_mode_nano_usd INTEGER,
  record TEXT NOT NULL
) STRICT;
CREATE INDEX calls_at ON calls (at_ms);
`,
];

/** The columns of a charge in the order of `chargeParameters`. */
const CHARGE_COLUMNS = `charge_id, call_id, kind, at_ms, project, key_id, tags, endpoint, target, served_model, input_tokens,
  output_tokens, usage, certainty, amount_nano_usd, price_entry, corrects, status, outcome`;

/** Outcome of a charge that was made because its owner died. A late true figure corrects exactly these. */
const OWNER_DIED = 'owner-died';

/** Owners that live at the moment of the parameter. An owner without a row closed, or was declared dead, and is not among them. */
const LIVING_OWNERS = 'SELECT owner_id FROM owners WHERE lease_until_ms > ?';

/** Statements of the writing thread. @internal */
export type LedgerStatement =
  | 'insertIntent'
  | 'deleteIntent'
  | 'insertCharge'
  | 'correctEstimate'
  | 'insertCall'
  | 'renewLease'
  | 'endLease'
  | 'endLapsedLeases'
  | 'chargeOrphans'
  | 'deleteOrphans';

/** Everything that is ever written to a ledger. Rows of `charges` and `calls` are only ever added. @internal */
export const LEDGER_STATEMENTS: Readonly<Record<LedgerStatement, string>> = {
  insertIntent: `INSERT OR IGNORE INTO intents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  deleteIntent: `DELETE FROM intents WHERE charge_id = ?`,
  insertCharge: `INSERT OR IGNORE INTO charges (${CHARGE_COLUMNS})
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  /**
   * The true figure of a charge that stands as an estimate of a dead owner. Takes the parameters of `insertCharge`; the row gets the
   * difference as its amount, so that both together are the truth. Does nothing where the charge is no such estimate.
   */
  correctEstimate: `WITH late (${CHARGE_COLUMNS}) AS (VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?))
    INSERT OR IGNORE INTO charges (${CHARGE_COLUMNS})
    SELECT late.charge_id || '.c1', late.call_id, late.kind, late.at_ms, late.project, late.key_id, late.tags, late.endpoint,
      late.target, late.served_model, late.input_tokens, late.output_tokens, late.usage, late.certainty,
      late.amount_nano_usd - coalesce(estimate.amount_nano_usd, 0), late.price_entry, late.charge_id, late.status, late.outcome
    FROM late JOIN charges AS estimate ON estimate.charge_id = late.charge_id
    WHERE estimate.outcome = '${OWNER_DIED}'`,
  insertCall: `INSERT OR IGNORE INTO calls (call_id, at_ms, project, key_id, tags, model, is_hit, baseline_nano_usd,
    saved_nano_usd, missed_by_mode_nano_usd, record) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  renewLease: `INSERT INTO owners VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (owner_id) DO UPDATE SET lease_until_ms = excluded.lease_until_ms`,
  endLease: `DELETE FROM owners WHERE owner_id = ?`,
  endLapsedLeases: `DELETE FROM owners WHERE lease_until_ms <= ?`,
  chargeOrphans: `INSERT OR IGNORE INTO charges (${CHARGE_COLUMNS})
    SELECT charge_id, call_id, kind, at_ms, project, key_id, tags, endpoint, target, NULL, 0, 0, '{}',
      CASE WHEN upper_bound_nano_usd IS NULL THEN 'unpriced' ELSE 'estimate' END, upper_bound_nano_usd, NULL, NULL, NULL, '${OWNER_DIED}'
    FROM intents WHERE owner_id NOT IN (${LIVING_OWNERS})`,
  deleteOrphans: `DELETE FROM intents WHERE owner_id NOT IN (${LIVING_OWNERS})`,
};
