-- depends: 0001.create-posts

CREATE TABLE features (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  post_id BIGINT NOT NULL,
  feature_name VARCHAR(20) NOT NULL,
  is_active BOOLEAN NOT NULL,
  KEY features_by_post (post_id, id),
  CONSTRAINT features_of_post FOREIGN KEY (post_id) REFERENCES posts (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE /*M! utf8mb4_nopad_bin */ /*!80017 utf8mb4_0900_bin */;
