-- Text is compared by code point and without padding; the two databases have different names for that.
CREATE TABLE posts (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  title VARCHAR(100) NOT NULL,
  content VARCHAR(500) NOT NULL,
  additional_data MEDIUMTEXT NOT NULL,
  created_at BIGINT NOT NULL COMMENT 'milliseconds since 1970, UTC',
  version BIGINT NOT NULL,
  UNIQUE KEY posts_by_title (title),
  KEY posts_by_created_at (created_at, id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE /*M! utf8mb4_nopad_bin */ /*!80017 utf8mb4_0900_bin */;
