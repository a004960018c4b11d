-- depends: 0004.create-outbox

CREATE TABLE outbox_shards (
  shard INT NOT NULL PRIMARY KEY,
  token VARCHAR(64) NULL,
  expires_at BIGINT NOT NULL DEFAULT 0
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE /*M! utf8mb4_nopad_bin */ /*!80017 utf8mb4_0900_bin */;
