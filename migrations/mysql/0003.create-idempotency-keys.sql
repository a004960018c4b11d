-- depends: 0002.create-features

CREATE TABLE idempotency_keys (
  id CHAR(64) NOT NULL PRIMARY KEY,
  fingerprint CHAR(64) NOT NULL,
  token VARCHAR(64) NOT NULL,
  expires_at BIGINT NOT NULL COMMENT 'milliseconds since 1970, UTC',
  status INT NULL,
  content_type VARCHAR(100) NULL,
  headers TEXT NULL,
  body MEDIUMBLOB NULL,
  KEY idempotency_keys_by_end (expires_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE /*M! utf8mb4_nopad_bin */ /*!80017 utf8mb4_0900_bin */;
