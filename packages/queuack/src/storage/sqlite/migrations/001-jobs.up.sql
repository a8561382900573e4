-- A job is one row in `job`, written once, and one row in exactly one of the tables that say where it stands:
--   ready (available) · timer (scheduled, retryable) · pending · lease (running) · done (the final states)
-- so that what lives stays small, a large payload is never rewritten, and no index grows with history on the way of a job.
-- States and outcomes are the positions in `jobStates` and `outcomes` of core/job.ts. Times are milliseconds.

CREATE TABLE sequence (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  seq INTEGER NOT NULL,    -- last job number given out; never reused
  token INTEGER NOT NULL   -- last fencing token given out; leaps ahead at every opening
);
INSERT INTO sequence VALUES (1, 0, 0);

CREATE TABLE queue (
  id INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,
  paused_at INTEGER,
  backpressure TEXT,       -- JSON, NULL: the defaults of the connection
  retention TEXT,          -- JSON, NULL: the defaults of the connection
  UNIQUE (tenant, name)
);

-- The jobs of one task in one queue: what can be skipped as a whole when a queue is paused or a task has no worker,
-- and where jobs are counted by state.
CREATE TABLE lane (
  id INTEGER PRIMARY KEY,
  queue INTEGER NOT NULL REFERENCES queue (id),
  task TEXT NOT NULL,
  scheduled INTEGER NOT NULL DEFAULT 0,
  pending INTEGER NOT NULL DEFAULT 0,
  available INTEGER NOT NULL DEFAULT 0,
  running INTEGER NOT NULL DEFAULT 0,
  retryable INTEGER NOT NULL DEFAULT 0,
  completed INTEGER NOT NULL DEFAULT 0,
  discarded INTEGER NOT NULL DEFAULT 0,
  cancelled INTEGER NOT NULL DEFAULT 0,
  skipped INTEGER NOT NULL DEFAULT 0,
  upstream_failed INTEGER NOT NULL DEFAULT 0,
  UNIQUE (queue, task)
);

-- What ended in a minute, for rates.
CREATE TABLE throughput (
  lane INTEGER NOT NULL,
  minute INTEGER NOT NULL,
  completed INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (lane, minute)
) WITHOUT ROWID;

CREATE TABLE job (
  seq INTEGER PRIMARY KEY,
  id BLOB NOT NULL UNIQUE,
  lane INTEGER NOT NULL,
  priority INTEGER NOT NULL,
  max_attempts INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,     -- consumed in this generation, the running one not counted
  generation INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL,
  run_at INTEGER NOT NULL,
  expires_at INTEGER,
  options TEXT,                            -- JSON of what is rarely set: retry, timeoutMs, tags, metadata
  input TEXT
);
CREATE INDEX job_expiry ON job (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE ready (
  lane INTEGER NOT NULL,
  rank INTEGER NOT NULL,                   -- 100 - priority: lower comes first
  seq INTEGER NOT NULL,
  PRIMARY KEY (lane, rank, seq)
) WITHOUT ROWID;

CREATE TABLE timer (
  at INTEGER NOT NULL,                     -- the same as job.run_at
  seq INTEGER NOT NULL,
  state INTEGER NOT NULL,                  -- scheduled or retryable
  PRIMARY KEY (at, seq)
) WITHOUT ROWID;

CREATE TABLE pending (
  seq INTEGER PRIMARY KEY,
  waiting_for TEXT NOT NULL
);

CREATE TABLE lease (
  seq INTEGER PRIMARY KEY,                 -- at most one lease a job
  token INTEGER NOT NULL,
  lane INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  worker INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  until INTEGER NOT NULL,
  cancel_requested INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE done (
  seq INTEGER PRIMARY KEY,
  lane INTEGER NOT NULL,
  state INTEGER NOT NULL,
  outcome INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  worker INTEGER,
  started_at INTEGER,
  finished_at INTEGER NOT NULL,
  result TEXT
);
CREATE INDEX done_finished ON done (lane, state, finished_at);

-- Failed attempts, kept with their job.
CREATE TABLE failure (
  seq INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  outcome INTEGER NOT NULL,
  error TEXT NOT NULL,
  worker INTEGER,
  started_at INTEGER NOT NULL,
  finished_at INTEGER NOT NULL,
  PRIMARY KEY (seq, generation, attempt)
) WITHOUT ROWID;

CREATE TABLE log (
  seq INTEGER NOT NULL,
  line INTEGER NOT NULL,
  at INTEGER NOT NULL,
  level TEXT NOT NULL,
  message TEXT NOT NULL,
  data TEXT,
  attempt INTEGER NOT NULL,
  PRIMARY KEY (seq, line)
) WITHOUT ROWID;

CREATE TABLE progress (
  seq INTEGER PRIMARY KEY,
  value TEXT NOT NULL
);

CREATE TABLE idempotency (
  tenant TEXT NOT NULL,
  key TEXT NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (tenant, key)
) WITHOUT ROWID;
CREATE INDEX idempotency_job ON idempotency (seq);

CREATE TABLE worker (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  instance TEXT NOT NULL,                  -- names the lock that the worker's process holds
  state TEXT NOT NULL,                     -- running, stopped, dead
  info TEXT NOT NULL,                      -- JSON
  vitals TEXT,                             -- JSON
  started_at INTEGER NOT NULL,
  beat_at INTEGER NOT NULL
);
CREATE INDEX worker_running ON worker (instance) WHERE state = 'running';

CREATE TABLE record (
  collection TEXT NOT NULL,
  key TEXT NOT NULL,
  value TEXT,
  version INTEGER NOT NULL,
  PRIMARY KEY (collection, key)
) WITHOUT ROWID;
