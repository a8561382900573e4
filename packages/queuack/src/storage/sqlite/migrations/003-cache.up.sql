-- Results that later jobs of the same task and key may have without running. Rows with a number of their own, because a
-- result may be large: the index over the keys then stays small.

CREATE TABLE cache (
  id INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL,
  task TEXT NOT NULL,
  key TEXT NOT NULL,
  version TEXT NOT NULL,                   -- of the code that made the result; empty: none was given
  expires_at INTEGER NOT NULL,
  result TEXT,
  UNIQUE (tenant, task, key)
);
CREATE INDEX cache_expiry ON cache (expires_at);
