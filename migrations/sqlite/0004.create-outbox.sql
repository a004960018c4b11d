-- depends: 0003.create-idempotency-keys

CREATE TABLE outbox (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  shard INTEGER NOT NULL,
  post_id INTEGER NOT NULL,
  type TEXT NOT NULL,
  occurred_at INTEGER NOT NULL,
  payload TEXT NOT NULL,
  failures INTEGER NOT NULL DEFAULT 0,
  reason TEXT,
  due_at INTEGER NOT NULL DEFAULT 0,
  is_dead INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX outbox_by_shard ON outbox (shard, is_dead, position);
