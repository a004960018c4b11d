-- depends: 0001.create-posts

CREATE TABLE features (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  post_id bigint NOT NULL,
  feature_name text NOT NULL,
  is_active boolean NOT NULL,
  CONSTRAINT features_post_id_fkey FOREIGN KEY (post_id) REFERENCES posts (id) ON DELETE CASCADE
);

CREATE INDEX features_by_post ON features (post_id, id);
