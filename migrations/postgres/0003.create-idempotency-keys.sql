-- depends: 0002.create-features

CREATE TABLE idempotency_keys (
  id text COLLATE "C" PRIMARY KEY,
  fingerprint text NOT NULL,
  token text NOT NULL,
  expires_at timestamptz NOT NULL,
  status integer,
  content_type text,
  headers text,
  body bytea
);

CREATE INDEX idempotency_keys_by_end ON idempotency_keys (expires_at);
