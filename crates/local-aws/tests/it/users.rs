//! The rights of the secrets' users, on either engine.

use fleet_local_aws::Storage;

use crate::support::{ADD, Aws, instance, options};

/// Runs statements as each user in turn.
pub(crate) async fn may_do_what_they_must_and_nothing_else(aws: &mut Aws) {
    let reads = "SELECT aws_instance_id, package_name FROM ec2 LEFT JOIN ec2_package USING (aws_instance_id)";
    let deletes = "DELETE FROM ec2 WHERE aws_instance_id = 'i-1'";
    let adds_package = "INSERT INTO ec2_package VALUES ('i-1', 'p', '1')";
    // A DELETE plus an INSERT.
    let replaces = "REPLACE INTO ec2_package VALUES ('i-1', 'p', '1')";
    let for_nobody = [
        "UPDATE ec2 SET aws_region = 'x'",
        "INSERT INTO ec2_package VALUES ('i-1', 'p', '1') ON DUPLICATE KEY UPDATE package_name = 'q'",
        "DROP TABLE ec2_package",
        "TRUNCATE TABLE ec2_package",
        "CREATE TABLE other (n INT)",
        "CREATE INDEX other ON ec2 (add_token)",
    ];
    aws.secret = "fleet-db-writer".into();
    aws.add(None, "i-1").await.unwrap();
    for sql in [reads, adds_package, replaces] {
        aws.sql(sql, &[]).await.unwrap();
    }
    let open = aws.begin().await;
    aws.add(Some(&open), "i-2").await.unwrap();
    aws.commit(&open).await.unwrap();

    aws.secret = "fleet-db-reader".into();
    aws.sql(reads, &[]).await.unwrap();
    aws.sql("SELECT MAX(version) FROM schema_version", &[])
        .await
        .unwrap();
    let added = aws.refusal(ADD, &instance("i-3")).await;
    assert!(added.contains("denied to user 'fleet_reader'"), "{added}");
    let open = aws.begin().await;
    assert!(aws.add(Some(&open), "i-3").await.is_err());
    aws.rollback(&open).await.unwrap();

    for (secret, refused) in [
        ("fleet-db-reader", &[deletes, adds_package, replaces][..]),
        ("fleet-db-writer", &[]),
    ] {
        aws.secret = secret.into();
        let user = secret.replace("-db-", "_");
        for sql in refused.iter().chain(&for_nobody) {
            let said = aws.refusal(sql, &[]).await;
            assert!(
                said.contains(&format!("denied to user '{user}'"))
                    && said.contains("Error code: 1142"),
                "{user}, {sql}: {said}"
            );
        }
    }
    aws.secret = "fleet-db-writer".into();
    aws.sql(deletes, &[]).await.unwrap();
    aws.secret = "fleet-db".into();
    assert_eq!(aws.count(None).await, 1);
}

#[tokio::test]
async fn a_reader_reads_and_a_writer_adds_and_deletes_and_no_more() {
    let mut aws = Aws::with(options(Storage::InMemory)).await;
    may_do_what_they_must_and_nothing_else(&mut aws).await;
    aws.local.stop().await;
}
