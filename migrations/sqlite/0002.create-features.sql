-- depends: 0001.create-posts

CREATE TABLE features (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  post_id INTEGER NOT NULL REFERENCES posts (id) ON DELETE CASCADE,
  feature_name TEXT NOT NULL,
  is_active INTEGER NOT NULL
) STRICT;

CREATE INDEX features_by_post ON features (post_id, id);
