-- One EC2 instance a row.
--
-- utf8mb4_bin compares text case by case, so `I-A` and `i-a` are two instances. It ignores trailing spaces, which is
-- why the API takes no text that begins or ends with white space.
CREATE TABLE IF NOT EXISTS ec2 (
    aws_instance_id   VARCHAR(255) NOT NULL,
    aws_region        VARCHAR(30)  NOT NULL,
    aws_account       VARCHAR(13)  NOT NULL,
    creation_date_utc DATETIME     NOT NULL,
    -- Names the request that added the row: an add whose answer was lost finds out here whether it succeeded.
    add_token         CHAR(36)     NOT NULL,
    PRIMARY KEY (aws_instance_id),
    INDEX ec2_by_region (aws_region),
    INDEX ec2_by_account (aws_account)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
