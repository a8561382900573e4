-- Batches: jobs, and other batches, that belong together, and the jobs that follow when all of them are over.

CREATE TABLE batch (
  seq INTEGER PRIMARY KEY,                 -- above that of its parent
  id BLOB NOT NULL UNIQUE,
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,
  parent INTEGER,                          -- seq of the batch that it is a member of
  total INTEGER NOT NULL DEFAULT 0,        -- members; those that were deleted when they were over count on
  open INTEGER NOT NULL DEFAULT 0,         -- members that are not final
  failed INTEGER NOT NULL DEFAULT 0,       -- members that are final and neither completed nor skipped
  sealed INTEGER NOT NULL DEFAULT 0,       -- whether all members of its submission are in
  created_at INTEGER NOT NULL,
  completed_at INTEGER,                    -- when on_complete was made a job
  succeeded_at INTEGER,                    -- when on_success was made a job
  cancelled_at INTEGER,
  on_complete TEXT,                        -- JSON of a whole new job
  on_success TEXT,
  options TEXT                             -- JSON of what is rarely set: tags, metadata
);
CREATE INDEX batch_parent ON batch (parent) WHERE parent IS NOT NULL;
CREATE INDEX batch_completed ON batch (completed_at) WHERE completed_at IS NOT NULL;

ALTER TABLE job ADD COLUMN batch INTEGER;                           -- seq of the batch that it is a member of
CREATE INDEX job_batch ON job (batch) WHERE batch IS NOT NULL;

ALTER TABLE lease ADD COLUMN batch INTEGER;                         -- the same as job.batch
