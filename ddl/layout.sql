-- Names every column that the functions use and reads no row. It is run after the migrations, since a table that was
-- there before them with other columns is left as it is by CREATE TABLE IF NOT EXISTS.
SELECT ec2.aws_instance_id, ec2.aws_region, ec2.aws_account, ec2.creation_date_utc, ec2.add_token,
       ec2_package.package_name, ec2_package.package_version
FROM ec2 LEFT JOIN ec2_package ON ec2_package.aws_instance_id = ec2.aws_instance_id
LIMIT 0;
