-- depends: 0005.create-outbox-shards

INSERT INTO outbox_shards (shard) VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12), (13), (14), (15), (16);
