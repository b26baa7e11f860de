/** The tables of deferred calls and their batches; see `POSTGRES_MIGRATIONS`. @internal */
export const JOBS_MIGRATION = `
CREATE TABLE farthing.jobs (
  sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  call_id text COLLATE "C" NOT NULL UNIQUE,
  queue text COLLATE "C" NOT NULL,
  run text COLLATE "C" NOT NULL,
  position bigint NOT NULL,
  at_ms bigint NOT NULL,
  size_bytes bigint NOT NULL,
  input_tokens bigint NOT NULL,
  has_webhook boolean NOT NULL,
  state text COLLATE "C" NOT NULL,
  version integer NOT NULL,
  attempts integer NOT NULL,
  batch_id text COLLATE "C",
  live_at_ms bigint,
  live_tier text NOT NULL,
  batches integer NOT NULL,
  lease_until_ms bigint NOT NULL,
  told_at_ms bigint
);
CREATE INDEX jobs_of_run ON farthing.jobs (run, state, position, call_id);
CREATE INDEX jobs_of_batch ON farthing.jobs (batch_id, position, call_id) WHERE batch_id IS NOT NULL;
CREATE INDEX jobs_accepting ON farthing.jobs (position, call_id) WHERE state = 'accepting';
CREATE INDEX jobs_live ON farthing.jobs (position, call_id) WHERE state = 'live';
CREATE INDEX jobs_untold ON farthing.jobs (position, call_id)
  WHERE has_webhook AND state = 'done' AND told_at_ms IS NULL;
CREATE INDEX jobs_waiting ON farthing.jobs (queue, run, at_ms, sequence)
  INCLUDE (size_bytes, input_tokens, live_at_ms) WHERE state = 'waiting';
CREATE INDEX jobs_timed ON farthing.jobs (live_at_ms, sequence)
  WHERE live_at_ms IS NOT NULL AND state IN ('waiting', 'batched', 'live');

CREATE TABLE farthing.job_contents (
  sequence bigint PRIMARY KEY,
  call text NOT NULL,
  body text NOT NULL,
  sent_body text,
  result text,
  result_body text
);

CREATE TABLE farthing.batches (
  sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  batch_id text COLLATE "C" NOT NULL UNIQUE,
  run text COLLATE "C" NOT NULL,
  stage text NOT NULL,
  requests bigint NOT NULL,
  size_bytes bigint NOT NULL,
  input_tokens bigint NOT NULL,
  next_at_ms bigint NOT NULL,
  is_cancelled boolean NOT NULL,
  settled_at_ms bigint,
  worker_id text COLLATE "C",
  lease_until_ms bigint NOT NULL,
  facts text NOT NULL
);
CREATE INDEX batches_due ON farthing.batches (next_at_ms, sequence) WHERE stage NOT IN ('settled', 'abandoned');
CREATE INDEX batches_settled ON farthing.batches (settled_at_ms) WHERE settled_at_ms IS NOT NULL;
`;
