-- Answers a list that filters by region and account from the index alone, in the order of the ids: InnoDB ends each entry
-- of an index with the primary key. Without it every instance of the region is looked at for its account.
CREATE INDEX ec2_by_region_and_account ON ec2 (aws_region, aws_account);
