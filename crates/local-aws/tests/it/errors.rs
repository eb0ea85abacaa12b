//! Errors: MySQL's messages in the service's exceptions, as modelled by the SDK.

use aws_sdk_rdsdata::{error::ProvideErrorMetadata, types::Field};
use fleet_local_aws::Timeouts;

use crate::support::{ADD, Aws, CLUSTER, DATABASE, SECRET, SHORT, instance, text};

#[tokio::test]
async fn a_duplicate_names_the_entry_and_the_key() {
    let aws = Aws::start().await;
    aws.add(None, "i-1").await.unwrap();
    assert_eq!(
        aws.refusal(ADD, &instance("i-1")).await,
        "Duplicate entry 'i-1' for key 'ec2.PRIMARY'; Error code: 1062; SQLState: 23000"
    );
    let twice =
        "INSERT INTO ec2_package VALUES ('i-1', 'a', '1'), ('i-1', 'b', '2'), ('i-1', 'b', '2')";
    assert_eq!(
        aws.refusal(twice, &[]).await,
        "Duplicate entry 'i-1-b-2' for key 'ec2_package.PRIMARY'; Error code: 1062; SQLState: 23000"
    );
    aws.sql("INSERT INTO kinds (name) VALUES ('a'), ('b')", &[])
        .await
        .unwrap();
    let update = aws
        .refusal(
            "UPDATE kinds SET name = :to WHERE name = 'b'",
            &[("to", text("a"))],
        )
        .await;
    assert_eq!(
        update,
        "Duplicate entry 'a' for key 'kinds.kinds_by_name'; Error code: 1062; SQLState: 23000"
    );
    let id = aws.refusal("INSERT INTO kinds (id) VALUES (1)", &[]).await;
    assert_eq!(
        id,
        "Duplicate entry '1' for key 'kinds.PRIMARY'; Error code: 1062; SQLState: 23000"
    );
}

#[tokio::test]
async fn what_strict_mode_refuses_is_refused() {
    let aws = Aws::start().await;
    let long = "é".repeat(256);
    assert_eq!(
        aws.refusal(ADD, &instance(&long)).await,
        "Data too long for column 'aws_instance_id' at row 1; Error code: 1406; SQLState: 22001"
    );
    assert!(aws.add(None, &"é".repeat(255)).await.is_ok());
    for (sql, message) in [
        (
            "INSERT INTO kinds (name) VALUES ('a'), ('123456')",
            "Data too long for column 'name' at row 2; Error code: 1406; SQLState: 22001",
        ),
        (
            "INSERT INTO kinds (raw) VALUES ('12345')",
            "Data too long for column 'raw' at row 1; Error code: 1406; SQLState: 22001",
        ),
        (
            "INSERT INTO kinds (small) VALUES (65536)",
            "Out of range value for column 'small' at row 1; Error code: 1264; SQLState: 22003",
        ),
        (
            "INSERT INTO kinds (number) VALUES ('x')",
            "Incorrect integer value: 'x' for column 'number' at row 1; Error code: 1366; SQLState: HY000",
        ),
        (
            "INSERT INTO kinds (at) VALUES ('x')",
            "Incorrect datetime value: 'x' for column 'at' at row 1; Error code: 1292; SQLState: 22007",
        ),
        (
            "INSERT INTO kinds (number) VALUES (-100)",
            "Check constraint 'positive' is violated.; Error code: 3819; SQLState: HY000",
        ),
        (
            "INSERT INTO ec2_package VALUES ('i', NULL, '1')",
            "Column 'package_name' cannot be null; Error code: 1048; SQLState: 23000",
        ),
        (
            "INSERT INTO ec2_package (aws_instance_id, package_name) VALUES ('i', 'a')",
            "Field 'package_version' doesn't have a default value; Error code: 1364; SQLState: HY000",
        ),
        (
            "INSERT INTO ec2_package VALUES ('i', 'a', '1')",
            "Cannot add or update a child row: a foreign key constraint fails (`ec2_inventory_db`.`ec2_package`, CONSTRAINT \
             `ec2_package_of_ec2` FOREIGN KEY (`aws_instance_id`) REFERENCES `ec2` (`aws_instance_id`) ON DELETE CASCADE); \
             Error code: 1452; SQLState: 23000",
        ),
    ] {
        assert_eq!(aws.refusal(sql, &[]).await, message);
    }
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let aws = Aws::start().await;
    for (sql, message) in [
        (
            "SELECT * FROM nowhere",
            "Table 'ec2_inventory_db.nowhere' doesn't exist; Error code: 1146; SQLState: 42S02",
        ),
        (
            "SELECT * FROM sqlite_master",
            "Table 'ec2_inventory_db.sqlite_master' doesn't exist; Error code: 1146; SQLState: 42S02",
        ),
        (
            "SELECT * FROM other.ec2",
            "Unknown database 'other'; Error code: 1049; SQLState: 42000",
        ),
        (
            "SELECT colour FROM ec2",
            "Unknown column 'colour' in 'field list'; Error code: 1054; SQLState: 42S22",
        ),
        (
            "SELECT 1 FROM ec2 WHERE colour = 1",
            "Unknown column 'colour' in 'where clause'; Error code: 1054; SQLState: 42S22",
        ),
        (
            "INSERT INTO ec2 (colour) VALUES (1)",
            "Unknown column 'colour' in 'field list'; Error code: 1054; SQLState: 42S22",
        ),
        (
            "SELECT SHOUT('a')",
            "FUNCTION ec2_inventory_db.shout does not exist; Error code: 1305; SQLState: 42000",
        ),
        (
            "DROP TABLE nowhere",
            "Unknown table 'ec2_inventory_db.nowhere'; Error code: 1051; SQLState: 42S02",
        ),
        (
            "CREATE TABLE ec2 (a INT)",
            "Table 'ec2' already exists; Error code: 1050; SQLState: 42S01",
        ),
        (
            "INSERT INTO ec2_package VALUES ('a')",
            "Column count doesn't match value count at row 1; Error code: 1136; SQLState: 21S01",
        ),
        (
            "SELEC 1",
            "You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version for the right \
             syntax to use near 'SELEC 1' at line 1; Error code: 1064; SQLState: 42000",
        ),
    ] {
        assert_eq!(aws.refusal(sql, &[]).await, message);
    }
}

#[tokio::test]
async fn what_the_embedded_engine_cannot_do_is_refused_clearly() {
    let aws = Aws::start().await;
    for sql in [
        "PRAGMA table_info(ec2)",
        "ATTACH DATABASE 'x' AS y",
        "ALTER TABLE ec2 ADD FULLTEXT (aws_region)",
        "SELECT NOW() - INTERVAL 1 DAY",
        "CREATE VIEW v AS SELECT 1",
        "SELECT '2024-01-02 10:00:00' BETWEEN CAST('2024-01-01' AS DATETIME) AND '2024-01-03'",
        "SELECT FLOOR(COALESCE(0.5, 9007199254740993))",
        "SELECT CAST('2024-01-01' AS DATETIME) < CAST('2024-00-01' AS DATETIME)",
    ] {
        let message = aws.refusal(sql, &[]).await;
        assert!(
            message.contains("Error code: 1235") || message.contains("Error code: 1064"),
            "{sql}: {message}"
        );
    }
    assert!(
        aws.refusal("COMMIT", &[])
            .await
            .contains("Error code: 1295")
    );
}

#[tokio::test]
async fn a_missing_parameter_and_several_statements_are_bad_requests() {
    let aws = Aws::start().await;
    let missing = aws.sql("SELECT :a", &[("b", text("x"))]).await.unwrap_err();
    assert!(missing.is_bad_request_exception());
    assert_eq!(missing.message(), Some("Cannot find parameter: a"));
    let several = aws.sql("SELECT 1; SELECT 2", &[]).await.unwrap_err();
    assert!(several.is_bad_request_exception());
    assert_eq!(several.message(), Some("Multistatements aren't supported"));
    assert!(
        aws.sql("", &[])
            .await
            .unwrap_err()
            .is_bad_request_exception()
    );
}

#[tokio::test]
async fn an_unused_parameter_is_ignored() {
    let aws = Aws::start().await;
    assert!(
        aws.sql("SELECT 1", &[("b", Field::LongValue(1))])
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_wrong_cluster_secret_or_database_is_told_apart() {
    let aws = Aws::start().await;
    let call = |cluster: &str, secret: &str, database: &str| {
        aws.data
            .execute_statement()
            .resource_arn(cluster)
            .secret_arn(secret)
            .database(database)
            .sql("SELECT 1")
            .send()
    };
    let other_cluster = CLUSTER.replace("fleet", "other");
    let error = call(&other_cluster, SECRET, DATABASE)
        .await
        .unwrap_err()
        .into_service_error();
    assert!(error.is_database_not_found_exception(), "{error:?}");
    let error = call("cluster", SECRET, DATABASE)
        .await
        .unwrap_err()
        .into_service_error();
    assert!(error.is_bad_request_exception(), "{error:?}");
    let error = call(CLUSTER, "another-secret", DATABASE)
        .await
        .unwrap_err()
        .into_service_error();
    assert!(error.is_secrets_error_exception(), "{error:?}");
    let error = call(CLUSTER, SECRET, "another")
        .await
        .unwrap_err()
        .into_service_error();
    assert!(error.is_database_error_exception(), "{error:?}");
    assert_eq!(
        error.message(),
        Some("Unknown database 'another'; Error code: 1049; SQLState: 42000")
    );
    let partial_arn = "arn:aws:secretsmanager:us-east-1:000000000000:secret:fleet-db";
    assert!(call(CLUSTER, partial_arn, DATABASE).await.is_ok());
}

#[tokio::test]
async fn a_statement_may_go_on_after_its_time() {
    let aws = Aws::with_timeouts(|timeouts: &mut Timeouts| timeouts.statement = SHORT / 4).await;
    let sql = "INSERT INTO kinds (number) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) \
               SELECT COUNT(*) FROM n a, n b, n c WHERE c.i < 50";
    let call = aws
        .data
        .execute_statement()
        .resource_arn(CLUSTER)
        .secret_arn(SECRET)
        .database(DATABASE);
    let error = call
        .sql(sql)
        .continue_after_timeout(true)
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    assert!(error.is_statement_timeout_exception(), "{error:?}");
    while aws
        .sql("SELECT number FROM kinds", &[])
        .await
        .unwrap()
        .records()
        .is_empty()
    {}
}

/// Counts until it is stopped.
const ENDLESS: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT COUNT(*) FROM n a, n b, n c, n d";

#[tokio::test]
async fn a_statement_that_takes_too_long_is_stopped() {
    let aws = Aws::with_timeouts(|timeouts: &mut Timeouts| timeouts.statement = SHORT).await;
    let error = aws.sql(ENDLESS, &[]).await.unwrap_err();
    assert!(error.is_statement_timeout_exception(), "{error:?}");
    assert!(aws.sql("SELECT 1", &[]).await.is_ok());

    let transaction = aws.begin().await;
    let error = aws
        .sql_in(Some(&transaction), ENDLESS, &[])
        .await
        .unwrap_err();
    assert!(error.is_statement_timeout_exception(), "{error:?}");
    assert_eq!(
        aws.commit(&transaction).await,
        Err("TransactionNotFoundException".into())
    );
}

#[tokio::test]
async fn what_has_no_value_or_needs_a_file_of_the_client_is_refused() {
    let aws = Aws::start().await;
    crate::mysql::refusals(&aws).await;
}

#[tokio::test]
async fn a_schema_and_an_unknown_format_are_refused() {
    let aws = Aws::start().await;
    let call = || {
        let call = aws.data.execute_statement();
        call.resource_arn(CLUSTER)
            .secret_arn(SECRET)
            .sql("SELECT 1")
    };
    let schema = call().schema("public").send().await.unwrap_err();
    let schema = schema.into_service_error();
    assert!(schema.is_bad_request_exception(), "{schema:?}");
    let format = call()
        .format_records_as("XML".into())
        .send()
        .await
        .unwrap_err();
    let format = format.into_service_error();
    assert!(format.is_bad_request_exception(), "{format:?}");
    assert_eq!(
        aws_sdk_rdsdata::error::ProvideErrorMetadata::message(&format),
        Some("formatRecordsAs must be NONE or JSON")
    );
    assert!(call().format_records_as("NONE".into()).send().await.is_ok());
}
