-- Text of collation "C" is compared by code point, the same on every server.
CREATE TABLE posts (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  title text COLLATE "C" NOT NULL,
  content text NOT NULL,
  additional_data json NOT NULL, -- not jsonb, which sorts keys and forgets the sign of -0.0
  created_at timestamptz NOT NULL,
  version bigint NOT NULL,
  CONSTRAINT posts_title_key UNIQUE (title)
);

CREATE INDEX posts_by_created_at ON posts (created_at, id);
