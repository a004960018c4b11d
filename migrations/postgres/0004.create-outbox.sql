-- depends: 0003.create-idempotency-keys

CREATE TABLE outbox (
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id text COLLATE "C" NOT NULL UNIQUE,
  shard integer NOT NULL,
  post_id bigint NOT NULL,
  type text NOT NULL,
  occurred_at timestamptz NOT NULL,
  payload text NOT NULL,
  failures integer NOT NULL DEFAULT 0,
  reason text,
  due_at timestamptz NOT NULL DEFAULT '-infinity',
  is_dead boolean NOT NULL DEFAULT FALSE
);

CREATE INDEX outbox_by_shard ON outbox (shard, position) WHERE NOT is_dead;
