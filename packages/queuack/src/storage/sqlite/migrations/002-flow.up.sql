-- Groups, limits, fair shares, escalation, uniqueness. A group is a key on a job, `''` where it has none.

ALTER TABLE sequence ADD COLUMN flow INTEGER NOT NULL DEFAULT 0;     -- raised when a limit or an escalation changes

ALTER TABLE queue ADD COLUMN escalation TEXT;                       -- JSON, NULL: priorities stay
-- How far the tenant has been served in this queue beside others, in jobs over weight; where it stood when it was last
-- served; and where a group of it stood when that was last served: nobody starts from further behind.
ALTER TABLE queue ADD COLUMN pass REAL NOT NULL DEFAULT 0;
ALTER TABLE queue ADD COLUMN start REAL NOT NULL DEFAULT 0;
ALTER TABLE queue ADD COLUMN group_start REAL NOT NULL DEFAULT 0;
CREATE INDEX queue_start ON queue (name, start);

ALTER TABLE job ADD COLUMN grp TEXT NOT NULL DEFAULT '';
ALTER TABLE job ADD COLUMN uniq TEXT;                               -- states it is unique in (bits), ':', its key

ALTER TABLE lease ADD COLUMN grp TEXT NOT NULL DEFAULT '';
ALTER TABLE lease ADD COLUMN uniq INTEGER NOT NULL DEFAULT 0;       -- whether job.uniq is set

ALTER TABLE ready RENAME TO ready_before;
CREATE TABLE ready (
  lane INTEGER NOT NULL,
  grp TEXT NOT NULL,
  rank INTEGER NOT NULL,                   -- 100 - priority: lower comes first
  seq INTEGER NOT NULL,
  PRIMARY KEY (lane, grp, rank, seq)
) WITHOUT ROWID;
INSERT INTO ready (lane, grp, rank, seq) SELECT lane, '', rank, seq FROM ready_before;
DROP TABLE ready_before;

-- The lists of `ready` that may hold something, in the order of their turns: a claim reads the first few, however many
-- groups wait. A list whose group is full is parked, out of its way. One may stand here empty; a claim clears it away.
CREATE TABLE turn (
  lane INTEGER NOT NULL,
  grp TEXT NOT NULL,
  rank INTEGER NOT NULL,
  pass REAL NOT NULL,                      -- how far the group has been served in its queue, in jobs over weight
  parked INTEGER NOT NULL DEFAULT 0,       -- 0: not; else until when, milliseconds; 2^53 - 1: until a job of it ends
  PRIMARY KEY (lane, grp, rank)
) WITHOUT ROWID;
CREATE INDEX turn_next ON turn (lane, rank, pass) WHERE parked = 0;
CREATE INDEX turn_parked ON turn (parked) WHERE parked > 0;
CREATE INDEX turn_parked_group ON turn (grp) WHERE parked > 0;
INSERT INTO turn (lane, grp, rank, pass) SELECT DISTINCT lane, '', rank, 0 FROM ready;

-- How far a group was served that has nothing waiting: it must not be served again before those who waited meanwhile.
CREATE TABLE share (
  queue INTEGER NOT NULL,
  grp TEXT NOT NULL,
  pass REAL NOT NULL,
  PRIMARY KEY (queue, grp)
) WITHOUT ROWID;
CREATE INDEX share_pass ON share (queue, pass);

-- `''` in a scope: all of them. A group `*`: each group by itself.
CREATE TABLE flow_limit (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant TEXT NOT NULL,
  queue TEXT NOT NULL,
  task TEXT NOT NULL,
  grp TEXT NOT NULL,
  concurrency INTEGER,
  rate INTEGER,                            -- starts within the period
  period INTEGER,                          -- milliseconds
  weight REAL,
  UNIQUE (tenant, queue, task, grp)
);

-- When jobs started that a rate counts; no longer kept than its period.
CREATE TABLE start (
  flow_limit INTEGER NOT NULL,
  grp TEXT NOT NULL,
  at INTEGER NOT NULL,
  n INTEGER NOT NULL,
  PRIMARY KEY (flow_limit, grp, at)
) WITHOUT ROWID;

-- Ready jobs whose priority rises when they have waited so long.
CREATE TABLE rise (
  seq INTEGER PRIMARY KEY,
  at INTEGER NOT NULL
);
CREATE INDEX rise_at ON rise (at);

-- The job that holds a unique key.
CREATE TABLE uniq (
  key TEXT PRIMARY KEY,
  seq INTEGER NOT NULL UNIQUE
) WITHOUT ROWID;
