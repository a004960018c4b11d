DELETE FROM outbox_shards;
