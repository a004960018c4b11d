-- depends: 0004.create-outbox

CREATE TABLE outbox_shards (
  shard integer PRIMARY KEY,
  token text,
  expires_at timestamptz NOT NULL DEFAULT '-infinity'
);

INSERT INTO outbox_shards (shard) VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12), (13), (14), (15), (16);
