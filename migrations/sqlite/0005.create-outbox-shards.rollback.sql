DROP TABLE outbox_shards;
