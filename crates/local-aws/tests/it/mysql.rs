//! The same Data API over a real MySQL or MariaDB, if `FLEET_TEST_DATABASE_URL` names one that may be written to, or is
//! `mariadb` for the one that the endpoints start themselves.

use aws_sdk_rdsdata::{
    primitives::Blob,
    types::{Field, TypeHint},
};
use fleet_local_aws::{Engine, Schema, Storage};

use crate::as_mysql::{answer, hinted};
use crate::support::{ADD, Aws, instance, long, only, options, text};

const VARIABLE: &str = "FLEET_TEST_DATABASE_URL";

fn engine() -> Option<Engine> {
    match std::env::var(VARIABLE) {
        Ok(own) if own == "mariadb" => Some(Engine::MariaDb),
        Ok(url) => Some(Engine::MySql(url)),
        Err(_) => {
            println!("not run: {VARIABLE} names no database");
            None
        }
    }
}

async fn start() -> Option<Aws> {
    let mut options = options(Storage::InMemory);
    options.engine = engine()?;
    let mut empty = options.clone();
    empty.schema = Schema::default();
    let aws = Aws::with(empty).await;
    let drop = "DROP TABLE IF EXISTS ec2_package, ec2, kinds, extra, up, schema_version";
    aws.sql(drop, &[]).await.unwrap();
    aws.local.stop().await;
    Some(Aws::with(options).await)
}

#[tokio::test]
async fn a_real_database_answers_alike() {
    let Some(aws) = start().await else { return };
    instances(&aws).await;
    values(&aws).await;
    transactions(&aws).await;
    batches(&aws).await;
    upserts(&aws).await;
    decimals(&aws).await;
    refusals(&aws).await;
    aws.local.stop().await;
}

async fn instances(aws: &Aws) {
    aws.add(None, "i-a").await.unwrap();
    aws.add(None, "I-A").await.unwrap();
    let duplicate = aws.refusal(ADD, &instance("i-a")).await;
    assert!(
        duplicate.starts_with("Duplicate entry 'i-a' for key '"),
        "{duplicate}"
    );
    assert!(
        duplicate.ends_with("; Error code: 1062; SQLState: 23000"),
        "{duplicate}"
    );
    let too_long = aws.refusal(ADD, &instance(&"é".repeat(256))).await;
    assert_eq!(
        too_long,
        "Data too long for column 'aws_instance_id' at row 1; Error code: 1406; SQLState: 22001"
    );
    aws.sql(
        "INSERT INTO ec2_package VALUES ('i-a', 'b', '2'), ('i-a', 'a', '1')",
        &[],
    )
    .await
    .unwrap();
    let read = "SELECT 0 AS kind, aws_region, aws_account, creation_date_utc FROM ec2 WHERE aws_instance_id = :id \
                UNION ALL SELECT 1, package_name, package_version, NULL FROM ec2_package WHERE aws_instance_id = :id \
                AND (package_name > :name OR (package_name = :name AND package_version > :version)) ORDER BY 1, 2, 3 LIMIT 1001";
    let output = aws
        .sql(
            read,
            &[
                ("id", text("i-a")),
                ("name", text("")),
                ("version", text("")),
            ],
        )
        .await
        .unwrap();
    assert_eq!(
        output.records()[0][..3],
        [Field::LongValue(0), text("us-east-1"), text("123456789012")]
    );
    assert_eq!(output.records()[0][3].as_string_value().unwrap().len(), 19);
    assert_eq!(
        output.records()[1],
        [
            Field::LongValue(1),
            text("a"),
            text("1"),
            Field::IsNull(true)
        ]
    );
    assert_eq!(
        aws.sql("SHOW TABLES", &[]).await.unwrap().records().len(),
        4
    );
    assert_eq!(
        aws.sql("DELETE FROM ec2", &[])
            .await
            .unwrap()
            .number_of_records_updated(),
        2
    );
}

async fn values(aws: &Aws) {
    let sql = "INSERT INTO kinds (flag, small, number, price, ratio, name, raw, day, at, doc) \
               VALUES (:flag, 65535, -1, :price, 0.5, :name, :raw, '2019-03-06', '2019-03-06 02:45:32', :doc)";
    let parameters = [
        ("flag", Field::BooleanValue(true)),
        ("price", text("12.50")),
        ("name", text("héé")),
        ("raw", Field::BlobValue(Blob::new([0, 255]))),
        ("doc", text(r#"{"a": 1}"#)),
    ];
    assert_eq!(
        aws.sql(sql, &parameters).await.unwrap().generated_fields(),
        [Field::LongValue(1)]
    );
    let output = aws
        .sql(
            "SELECT flag, small, number, price, ratio, name, raw, day, at FROM kinds",
            &[],
        )
        .await
        .unwrap();
    let expected = [
        Field::BooleanValue(true),
        Field::LongValue(65_535),
        Field::LongValue(-1),
        text("12.50"),
        Field::DoubleValue(0.5),
        text("héé"),
        Field::BlobValue(Blob::new([0, 255])),
        text("2019-03-06"),
        text("2019-03-06 02:45:32"),
    ];
    assert_eq!(output.records(), [expected]);
    let missing = aws.refusal("SELECT * FROM nowhere", &[]).await;
    assert!(
        missing.ends_with("doesn't exist; Error code: 1146; SQLState: 42S02"),
        "{missing}"
    );
}

async fn transactions(aws: &Aws) {
    let id = aws.begin().await;
    aws.add(Some(&id), "i-1").await.unwrap();
    assert_eq!((aws.count(Some(&id)).await, aws.count(None).await), (1, 0));
    aws.rollback(&id).await.unwrap();
    assert_eq!(aws.count(None).await, 0);
    let id = aws.begin().await;
    aws.add(Some(&id), "i-1").await.unwrap();
    aws.commit(&id).await.unwrap();
    assert_eq!(aws.count(None).await, 1);
    assert_eq!(
        aws.commit(&id).await,
        Err("TransactionNotFoundException".into())
    );
}

async fn batches(aws: &Aws) {
    let two = aws
        .sql("INSERT INTO kinds (name) VALUES ('a'), ('b')", &[])
        .await
        .unwrap();
    assert_eq!(two.generated_fields().len(), 2);
    // MySQL does not say which rows have the ids that it generated.
    let mixed = "INSERT INTO kinds (id, name) VALUES (90, 'c'), (NULL, 'd'), (NULL, 'e')";
    let mixed = aws.sql(mixed, &[]).await.unwrap();
    assert_eq!(mixed.number_of_records_updated(), 3);
    assert!(mixed.generated_fields().is_empty());
    assert_eq!(
        only(&aws.sql("SELECT :v", &[("v", text("a:b ?"))]).await.unwrap()),
        &text("a:b ?")
    );
    assert_eq!(
        long(&aws.sql("SELECT COUNT(*) FROM kinds", &[]).await.unwrap()),
        6
    );
}

/// The result of `sql`: the number of records updated, and the generated ids.
async fn write(aws: &Aws, sql: &str) -> (i64, Vec<i64>) {
    let output = aws.sql(sql, &[]).await.unwrap();
    let ids = output.generated_fields().iter();
    (
        output.number_of_records_updated(),
        ids.map(|id| *id.as_long_value().unwrap()).collect(),
    )
}

pub(crate) async fn upserts(aws: &Aws) {
    let table = "CREATE TABLE up (id INT AUTO_INCREMENT PRIMARY KEY, n VARCHAR(20) UNIQUE, c INT DEFAULT 0)";
    aws.sql(table, &[]).await.unwrap();
    let insert = "INSERT INTO up (n) VALUES ('a'), ('b'), ('c')";
    assert_eq!(write(aws, insert).await, (3, vec![1, 2, 3]));
    let upsert = |n: &str, c: &str| {
        format!("INSERT INTO up (n) VALUES ('{n}') ON DUPLICATE KEY UPDATE c = {c}")
    };
    let (updated, ids) = write(aws, &upsert("b", "c + 1")).await;
    assert!(updated == 2 && (ids.is_empty() || ids == [2]), "{ids:?}");
    assert_eq!(write(aws, &upsert("b", "c")).await, (0, vec![]));
    let (updated, ids) = write(aws, &upsert("d", "c + 1")).await;
    let d = aws
        .sql("SELECT id FROM up WHERE n = 'd'", &[])
        .await
        .unwrap();
    assert_eq!((updated, ids), (1, vec![long(&d)]));
    let two = "INSERT INTO up (n) VALUES ('a'), ('e') ON DUPLICATE KEY UPDATE c = c + 1";
    let (updated, ids) = write(aws, two).await;
    let e = aws
        .sql("SELECT id FROM up WHERE n = 'e'", &[])
        .await
        .unwrap();
    assert_eq!(updated, 3);
    assert!(ids.is_empty() || ids == [long(&e)], "{ids:?}");
    let (updated, ids) = write(aws, "REPLACE INTO up (n, c) VALUES ('a', 9)").await;
    let a = aws
        .sql("SELECT id FROM up WHERE n = 'a'", &[])
        .await
        .unwrap();
    assert_eq!((updated, ids), (2, vec![long(&a)]));
    let given = "INSERT INTO up (id, n) VALUES (50, 'x'), (70, 'y')";
    assert_eq!(write(aws, given).await, (2, vec![]));
    let ignored = "INSERT IGNORE INTO up (n) VALUES ('x'), ('y')";
    assert_eq!(write(aws, ignored).await, (0, vec![]));
    let same = "UPDATE up SET c = 9 WHERE n = 'a'";
    assert_eq!(write(aws, same).await, (1, vec![]));
}

/// A parameter with the hint DECIMAL is a DECIMAL, not a text that holds one.
pub(crate) async fn decimals(aws: &Aws) {
    let table = "CREATE TABLE extra (id INT PRIMARY KEY, i INT, d DECIMAL(10, 3))";
    answer(aws, table, Vec::new()).await;
    let half = |value: &str| hinted(value, TypeHint::Decimal);
    for (sql, value, expected) in [
        (
            "INSERT INTO extra VALUES (1, :p, :p)",
            "-1.005",
            "updated 1",
        ),
        (
            "SELECT i, d FROM extra WHERE d = :p",
            "-1.0050",
            "-1,'-1.005'",
        ),
        (
            "UPDATE extra SET i = CAST(:p AS UNSIGNED)",
            "1.5",
            "updated 1",
        ),
        ("SELECT i FROM extra", "0", "2"),
        ("SELECT 0.1 + :p", "+0.2", "'0.3'"),
        (
            "SELECT :p * 2 FROM extra",
            "12345678901.5",
            "'24691357803.0'",
        ),
        ("SELECT :p, ':p' /* :p */", ".50", "'0.50',':p'"),
        ("SELECT :p", "007", "'7'"),
    ] {
        assert_eq!(answer(aws, sql, half(value)).await, expected, "{sql}");
    }
    let output = aws
        .described("SELECT :p + 1, :p", half("1.5"))
        .await
        .unwrap();
    let labels = output.column_metadata().iter();
    let labels: Vec<_> = labels.filter_map(|column| column.label()).collect();
    assert_eq!(labels, ["? + 1", "?"]);
}

/// Statements that both engines refuse.
pub(crate) async fn refusals(aws: &Aws) {
    let nothing_bound = aws.sql("SELECT ?", &[]).await.unwrap_err();
    assert!(
        nothing_bound.is_bad_request_exception(),
        "{nothing_bound:?}"
    );
    let load = "LOAD DATA LOCAL INFILE '/etc/hostname' INTO TABLE kinds";
    let refused = aws.refusal(load, &[]).await;
    assert!(
        refused.ends_with("; Error code: 3948; SQLState: 42000"),
        "{refused}"
    );
}

#[tokio::test]
async fn the_users_of_a_mariadb_of_its_own_may_do_no_more_than_they_must() {
    let mut options = options(Storage::InMemory);
    // A database by URL keeps its own users.
    let Some(Engine::MariaDb) = engine() else {
        println!("left to a run with {VARIABLE}=mariadb");
        return;
    };
    options.engine = Engine::MariaDb;
    let mut aws = Aws::with(options).await;
    crate::users::may_do_what_they_must_and_nothing_else(&mut aws).await;
    // On a real server the writer may only write to its two tables.
    aws.secret = "fleet-db-writer".into();
    aws.sql("SELECT MAX(version) FROM schema_version", &[])
        .await
        .unwrap();
    for sql in [
        "DELETE FROM schema_version",
        "INSERT INTO kinds (name) VALUES ('a')",
        "SELECT * FROM mysql.global_priv",
    ] {
        let said = aws.refusal(sql, &[]).await;
        assert!(
            said.contains("denied to user 'fleet_writer'"),
            "{sql}: {said}"
        );
    }
    aws.local.stop().await;
}

#[tokio::test]
async fn a_slow_statement_is_stopped_on_a_real_database() {
    let Some(engine) = engine() else { return };
    let mut options = options(Storage::InMemory);
    options.engine = engine;
    options.schema = Schema::default();
    options.timeouts.statement = crate::support::SHORT;
    let aws = Aws::with(options).await;
    assert!(
        aws.sql("SELECT SLEEP(30)", &[])
            .await
            .unwrap_err()
            .is_statement_timeout_exception()
    );
    assert!(aws.sql("SELECT 1", &[]).await.is_ok());
}
