DROP TABLE uniq;
DROP TABLE rise;
DROP TABLE start;
DROP TABLE flow_limit;
DROP TABLE share;
DROP TABLE turn;

ALTER TABLE ready RENAME TO ready_after;
CREATE TABLE ready (
  lane INTEGER NOT NULL,
  rank INTEGER NOT NULL,                   -- 100 - priority: lower comes first
  seq INTEGER NOT NULL,
  PRIMARY KEY (lane, rank, seq)
) WITHOUT ROWID;
INSERT INTO ready (lane, rank, seq) SELECT lane, rank, seq FROM ready_after;
DROP TABLE ready_after;

ALTER TABLE lease DROP COLUMN uniq;
ALTER TABLE lease DROP COLUMN grp;
ALTER TABLE job DROP COLUMN uniq;
ALTER TABLE job DROP COLUMN grp;
DROP INDEX queue_start;
ALTER TABLE queue DROP COLUMN group_start;
ALTER TABLE queue DROP COLUMN start;
ALTER TABLE queue DROP COLUMN pass;
ALTER TABLE queue DROP COLUMN escalation;
ALTER TABLE sequence DROP COLUMN flow;
