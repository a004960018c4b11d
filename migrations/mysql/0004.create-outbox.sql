-- depends: 0003.create-idempotency-keys

CREATE TABLE outbox (
  position BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  id CHAR(36) NOT NULL,
  shard INT NOT NULL,
  post_id BIGINT NOT NULL,
  type VARCHAR(50) NOT NULL,
  occurred_at BIGINT NOT NULL COMMENT 'milliseconds since 1970, UTC',
  payload MEDIUMTEXT NOT NULL,
  failures INT NOT NULL DEFAULT 0,
  reason VARCHAR(500) NULL,
  due_at BIGINT NOT NULL DEFAULT 0,
  is_dead BOOLEAN NOT NULL DEFAULT FALSE,
  UNIQUE KEY outbox_by_id (id),
  KEY outbox_by_shard (shard, is_dead, position)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE /*M! utf8mb4_nopad_bin */ /*!80017 utf8mb4_0900_bin */;
