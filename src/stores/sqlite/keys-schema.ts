/**
 * Forward migrations of the file of keys and of what operators change. `changes` and `budget_changes` count changes, for caches in
 * other processes. Announcements are counted on when old ones have gone, hence AUTOINCREMENT.
 * @internal
 */
export const KEYS_MIGRATIONS: readonly string[] = [
  `
CREATE TABLE keys (
  key_id TEXT PRIMARY KEY,
  secret_sha256 TEXT NOT NULL UNIQUE,
  created_at_ms INTEGER NOT NULL,
  record TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE changes (version INTEGER NOT NULL) STRICT;
INSERT INTO changes VALUES (0);
`,
  `
CREATE TABLE budgets (
  name TEXT PRIMARY KEY,
  budget TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE adjustments (
  adjustment_id TEXT PRIMARY KEY,
  account_id TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  amounts TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE budget_changes (version INTEGER NOT NULL) STRICT;
INSERT INTO budget_changes VALUES (0);
CREATE TABLE announcements (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms INTEGER NOT NULL,
  topic TEXT NOT NULL,
  text TEXT NOT NULL
) STRICT;
CREATE INDEX announcements_at ON announcements (at_ms);
`,
];
