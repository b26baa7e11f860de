/** Stages of batches that are over. Stands in partial indices as it does in queries. */
const UNDER_WAY = `stage NOT IN ('settled', 'abandoned')`;

/** Jobs that may be asked live when their hour has come. Stands in partial indices as it does in queries. */
const TIMED = `live_at_ms IS NOT NULL AND state IN ('waiting', 'batched', 'live')`;

/** Jobs that are in a state for a moment only. Stands in partial indices as it does in queries. @internal */
export const PASSING = `state IN ('accepting', 'live')`;

/** Jobs whose client is to be told. Stands in partial indices as it does in queries. @internal */
export const UNTOLD = `has_webhook = 1 AND state = 'done' AND told_at_ms IS NULL`;

/**
 * - `lines`: what waits in a queue of one run, counted by triggers: a million waiting jobs are not counted every second.
 * - `jobs`: what is counted, compared and changed; some hundred bytes, so that a change writes little.
 * - `contents`: the bodies, written once, and the result.
 * - `batches`: `sequence` is the order in which they were made.
 * - `lease_token` finds what a statement has just leased; any later change takes it away.
 * @internal
 */
export const JOB_MIGRATIONS: readonly string[] = [
  `
CREATE TABLE lines (
  line_id INTEGER PRIMARY KEY,
  queue TEXT NOT NULL,
  run TEXT NOT NULL,
  jobs INTEGER NOT NULL DEFAULT 0,
  size_bytes INTEGER NOT NULL DEFAULT 0,
  input_tokens INTEGER NOT NULL DEFAULT 0,
  UNIQUE (run, queue)
) STRICT;

CREATE TABLE jobs (
  sequence INTEGER PRIMARY KEY,
  call_id TEXT NOT NULL UNIQUE,
  line_id INTEGER NOT NULL,
  run TEXT NOT NULL,
  position INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL,
  has_webhook INTEGER NOT NULL,
  state TEXT NOT NULL,
  version INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  batch_id TEXT,
  live_at_ms INTEGER,
  live_tier TEXT NOT NULL,
  batches INTEGER NOT NULL,
  lease_until_ms INTEGER NOT NULL,
  told_at_ms INTEGER,
  lease_token TEXT
) STRICT;
CREATE INDEX jobs_of_run ON jobs (run, state, position, call_id);
CREATE INDEX jobs_of_batch ON jobs (batch_id, position, call_id) WHERE batch_id IS NOT NULL;
CREATE INDEX jobs_passing ON jobs (state, position, call_id) WHERE ${PASSING};
CREATE INDEX jobs_untold ON jobs (position, call_id) WHERE ${UNTOLD};
CREATE INDEX jobs_waiting ON jobs (line_id, at_ms, sequence, size_bytes, input_tokens) WHERE state = 'waiting';
CREATE INDEX jobs_timed_of_line ON jobs (line_id, live_at_ms) WHERE state = 'waiting' AND live_at_ms IS NOT NULL;
CREATE INDEX jobs_timed ON jobs (live_at_ms, sequence) WHERE ${TIMED};
CREATE INDEX jobs_leased ON jobs (lease_token) WHERE lease_token IS NOT NULL;

CREATE TABLE contents (
  sequence INTEGER PRIMARY KEY,
  call TEXT NOT NULL,
  body TEXT NOT NULL,
  sent_body TEXT,
  result TEXT,
  result_body TEXT
) STRICT;

CREATE TRIGGER jobs_added AFTER INSERT ON jobs WHEN new.state = 'waiting' BEGIN
  UPDATE lines SET jobs = jobs + 1, size_bytes = size_bytes + new.size_bytes,
    input_tokens = input_tokens + new.input_tokens WHERE line_id = new.line_id;
END;
CREATE TRIGGER jobs_returned AFTER UPDATE OF state ON jobs WHEN old.state <> 'waiting' AND new.state = 'waiting' BEGIN
  UPDATE lines SET jobs = jobs + 1, size_bytes = size_bytes + new.size_bytes,
    input_tokens = input_tokens + new.input_tokens WHERE line_id = new.line_id;
END;
CREATE TRIGGER jobs_left AFTER UPDATE OF state ON jobs WHEN old.state = 'waiting' AND new.state <> 'waiting' BEGIN
  UPDATE lines SET jobs = jobs - 1, size_bytes = size_bytes - old.size_bytes,
    input_tokens = input_tokens - old.input_tokens WHERE line_id = old.line_id;
END;
CREATE TRIGGER jobs_dropped AFTER DELETE ON jobs WHEN old.state = 'waiting' BEGIN
  UPDATE lines SET jobs = jobs - 1, size_bytes = size_bytes - old.size_bytes,
    input_tokens = input_tokens - old.input_tokens WHERE line_id = old.line_id;
END;
CREATE TRIGGER jobs_removed AFTER DELETE ON jobs BEGIN
  DELETE FROM contents WHERE sequence = old.sequence;
END;

CREATE TABLE batches (
  sequence INTEGER PRIMARY KEY,
  batch_id TEXT NOT NULL UNIQUE,
  run TEXT NOT NULL,
  stage TEXT NOT NULL,
  requests INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL,
  next_at_ms INTEGER NOT NULL,
  is_cancelled INTEGER NOT NULL,
  settled_at_ms INTEGER,
  worker_id TEXT,
  lease_until_ms INTEGER NOT NULL,
  lease_token TEXT,
  facts TEXT NOT NULL
) STRICT;
CREATE INDEX batches_due ON batches (next_at_ms, sequence) WHERE ${UNDER_WAY};
CREATE INDEX batches_settled ON batches (settled_at_ms) WHERE settled_at_ms IS NOT NULL;
CREATE INDEX batches_leased ON batches (lease_token) WHERE lease_token IS NOT NULL;
`,
];

/** Names of what the writing thread runs. @internal */
export type JobStatement =
  | 'line'
  | 'job'
  | 'content'
  | 'result'
  | 'change'
  | 'remove'
  | 'take'
  | 'form'
  | 'leaseBatch'
  | 'saveBatch'
  | 'leaseLive'
  | 'cancel'
  | 'adopt';

/** Whose hour has come: parameters are the time, twice. */
const DUE_JOBS = `FROM jobs WHERE ${TIMED} AND live_at_ms <= ? AND (state <> 'live' OR lease_until_ms <= ?)`;
/** Parameters are the time, twice. */
const DUE_BATCHES = `FROM batches WHERE ${UNDER_WAY} AND next_at_ms <= ? AND lease_until_ms <= ?`;

/** @internal */
export const JOB_STATEMENTS: Readonly<Record<JobStatement, string>> = {
  line: 'INSERT INTO lines (queue, run) VALUES (?, ?) ON CONFLICT DO NOTHING',
  job: `INSERT INTO jobs (call_id, run, position, at_ms, size_bytes, input_tokens, has_webhook, state, version, attempts,
      batch_id, live_at_ms, live_tier, batches, lease_until_ms, told_at_ms, line_id)
    SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, line_id FROM lines WHERE run = ? AND queue = ?
    ON CONFLICT DO NOTHING`,
  content: `INSERT INTO contents (call, body, sent_body, result, result_body, sequence)
    SELECT ?, ?, ?, ?, ?, sequence FROM jobs WHERE call_id = ? ON CONFLICT DO NOTHING`,
  result: `UPDATE contents SET result = ?, result_body = ?
    WHERE sequence = (SELECT sequence FROM jobs WHERE call_id = ? AND version = ?)`,
  change: `UPDATE jobs SET state = coalesce(?, state), attempts = coalesce(?, attempts),
      live_tier = coalesce(?, live_tier), lease_until_ms = coalesce(?, lease_until_ms),
      batch_id = iif(?, ?, batch_id), live_at_ms = iif(?, ?, live_at_ms), told_at_ms = iif(?, ?, told_at_ms),
      version = version + 1, lease_token = NULL
    WHERE call_id = ? AND version = ?`,
  remove: 'DELETE FROM jobs WHERE call_id IN (SELECT value FROM json_each(?))',
  take: `UPDATE jobs SET state = 'batched', batch_id = ?, batches = batches + 1, version = version + 1, lease_token = NULL
    WHERE sequence IN (
      SELECT sequence FROM (
        SELECT sequence, row_number() OVER oldest AS place,
          sum(size_bytes + ?) OVER oldest AS bytes, sum(input_tokens) OVER oldest AS tokens
        FROM (SELECT sequence, at_ms, size_bytes, input_tokens FROM jobs
          WHERE line_id = (SELECT line_id FROM lines WHERE run = ? AND queue = ?) AND state = 'waiting'
            AND sequence NOT IN (SELECT due.sequence FROM jobs AS due
              WHERE due.line_id = (SELECT line_id FROM lines WHERE run = ? AND queue = ?) AND due.state = 'waiting'
                AND due.live_at_ms IS NOT NULL AND due.live_at_ms <= ?)
          ORDER BY at_ms, sequence LIMIT ?)
        WINDOW oldest AS (ORDER BY at_ms, sequence ROWS UNBOUNDED PRECEDING)
      ) WHERE place = 1 OR (bytes <= ? AND tokens <= ?))`,
  form: `INSERT INTO batches (batch_id, run, stage, next_at_ms, is_cancelled, worker_id, lease_until_ms, facts,
      requests, size_bytes, input_tokens)
    SELECT ?, ?, ?, ?, ?, ?, ?, ?, count(*), sum(size_bytes) + count(*) * ?, sum(input_tokens)
    FROM jobs WHERE batch_id = ? HAVING count(*) > 0`,
  leaseBatch: `UPDATE batches SET worker_id = ?, lease_until_ms = ?, lease_token = ?
    WHERE sequence = (SELECT sequence ${DUE_BATCHES} ORDER BY next_at_ms, sequence LIMIT 1)`,
  // Whoever saves it may not know yet that it is to be cancelled, and must not put that off.
  saveBatch: `UPDATE batches SET stage = ?, requests = ?, size_bytes = ?, input_tokens = ?, facts = ?,
      next_at_ms = iif(is_cancelled > ?, min(next_at_ms, ?), ?), is_cancelled = max(is_cancelled, ?),
      settled_at_ms = coalesce(settled_at_ms, ?), worker_id = ?, lease_until_ms = ?, lease_token = NULL
    WHERE batch_id = ? AND worker_id = ? AND lease_until_ms > ?`,
  leaseLive: `UPDATE jobs SET state = 'live', lease_until_ms = ?, lease_token = ?, version = version + 1
    WHERE sequence IN (SELECT sequence ${DUE_JOBS} ORDER BY live_at_ms, sequence LIMIT ?)`,
  cancel: `UPDATE batches SET is_cancelled = 1, next_at_ms = min(next_at_ms, ?)
    WHERE batch_id IN (SELECT value FROM json_each(?)) AND ${UNDER_WAY}`,
  adopt: `INSERT INTO batches (batch_id, run, stage, requests, size_bytes, input_tokens, next_at_ms, is_cancelled,
      worker_id, lease_until_ms, facts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
};

/** Names of what is read on the calling thread. @internal */
export type JobRead =
  | 'read'
  | 'queues'
  | 'isJobDue'
  | 'leasedJobs'
  | 'isBatchDue'
  | 'leasedBatch'
  | 'batches'
  | 'settledOf'
  | 'settled'
  | 'underWay';

/** @internal */
export const JOB_READS: Readonly<Record<JobRead, string>> = {
  read: 'SELECT * FROM jobs JOIN contents USING (sequence) WHERE call_id IN (SELECT value FROM json_each(?))',
  queues: `SELECT queue, run, jobs, size_bytes, input_tokens,
      (SELECT at_ms FROM jobs WHERE line_id = lines.line_id AND state = 'waiting' ORDER BY at_ms LIMIT 1) AS oldest_at_ms,
      (SELECT live_at_ms FROM jobs WHERE line_id = lines.line_id AND state = 'waiting' AND live_at_ms IS NOT NULL
        ORDER BY live_at_ms LIMIT 1) AS earliest_live_at_ms
    FROM lines WHERE jobs > 0`,
  isJobDue: `SELECT 1 ${DUE_JOBS} LIMIT 1`,
  leasedJobs: `SELECT * FROM jobs JOIN contents USING (sequence) WHERE lease_token = ? ORDER BY live_at_ms, sequence`,
  isBatchDue: `SELECT 1 ${DUE_BATCHES} LIMIT 1`,
  leasedBatch: 'SELECT * FROM batches WHERE lease_token = ?',
  batches: 'SELECT * FROM batches WHERE batch_id IN (SELECT value FROM json_each(?)) ORDER BY sequence',
  settledOf: `SELECT * FROM batches WHERE batch_id IN (SELECT value FROM json_each(?)) AND settled_at_ms >= ?
    ORDER BY sequence`,
  settled: 'SELECT * FROM batches WHERE settled_at_ms >= ? ORDER BY sequence',
  underWay: `SELECT * FROM batches WHERE ${UNDER_WAY} ORDER BY sequence`,
};
