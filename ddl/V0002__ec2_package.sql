-- The packages of an instance, each once. They go with their instance.
CREATE TABLE IF NOT EXISTS ec2_package (
    aws_instance_id VARCHAR(255) NOT NULL,
    package_name    VARCHAR(100) NOT NULL,
    package_version VARCHAR(50)  NOT NULL,
    PRIMARY KEY (aws_instance_id, package_name, package_version),
    -- Answers "which instances have this package, in this version".
    INDEX ec2_package_by_package (package_name, package_version, aws_instance_id),
    CONSTRAINT ec2_package_of_ec2 FOREIGN KEY (aws_instance_id) REFERENCES ec2 (aws_instance_id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
