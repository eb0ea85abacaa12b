//! Statements of MySQL's dialect, one by one.

use aws_sdk_rdsdata::types::{Field, SqlParameter};

use crate::support::{ADD, Aws, CLUSTER, DATABASE, SECRET, instance, long, only, parameter, text};

#[tokio::test]
async fn an_instance_with_packages_is_read_back_in_one_statement() {
    let aws = Aws::start().await;
    let added = aws.add(None, "i-1").await.unwrap();
    assert_eq!(
        (
            added.number_of_records_updated(),
            added.generated_fields().len()
        ),
        (1, 0)
    );
    let two = "INSERT INTO ec2_package (aws_instance_id, package_name, package_version) VALUES (:id, :n0, :v0), (:id, :n1, :v1)";
    let packages = [
        ("id", text("i-1")),
        ("n0", text("b")),
        ("v0", text("2")),
        ("n1", text("a")),
        ("v1", text("1")),
    ];
    assert_eq!(
        aws.sql(two, &packages)
            .await
            .unwrap()
            .number_of_records_updated(),
        2
    );

    let read = "SELECT 0 AS kind, aws_region, aws_account, creation_date_utc FROM ec2 WHERE aws_instance_id = :id \
                UNION ALL SELECT 1, package_name, package_version, NULL FROM ec2_package WHERE aws_instance_id = :id \
                AND (package_name > :name OR (package_name = :name AND package_version > :version)) ORDER BY 1, 2, 3 LIMIT 1001";
    let output = aws
        .sql(
            read,
            &[
                ("id", text("i-1")),
                ("name", text("")),
                ("version", text("")),
            ],
        )
        .await
        .unwrap();
    let rows = output.records();
    assert_eq!(rows.len(), 3);
    assert_eq!(
        rows[0][..3],
        [Field::LongValue(0), text("us-east-1"), text("123456789012")]
    );
    let date = rows[0][3].as_string_value().unwrap();
    assert!(date.len() == 19 && date.as_bytes()[10] == b' ', "{date}");
    assert_eq!(
        rows[1],
        [
            Field::LongValue(1),
            text("a"),
            text("1"),
            Field::IsNull(true)
        ]
    );
    assert_eq!(
        rows[2],
        [
            Field::LongValue(1),
            text("b"),
            text("2"),
            Field::IsNull(true)
        ]
    );
}

#[tokio::test]
async fn instances_are_searched_by_package_page_by_page() {
    let aws = Aws::start().await;
    for id in ["i-1", "i-2", "i-3"] {
        aws.add(None, id).await.unwrap();
        aws.sql(
            "INSERT INTO ec2_package VALUES (:id, 'nginx', '1')",
            &[("id", text(id))],
        )
        .await
        .unwrap();
    }
    let search = "SELECT e.aws_instance_id, e.aws_region, e.aws_account, e.creation_date_utc FROM ec2 e \
                  WHERE e.aws_instance_id > :after AND e.aws_region = :region AND EXISTS (SELECT 1 FROM ec2_package p \
                  WHERE p.aws_instance_id = e.aws_instance_id AND p.package_name = :package_name) ORDER BY e.aws_instance_id LIMIT 2";
    let search = |after: &'static str, package: &'static str| {
        let parameters = [
            ("after", text(after)),
            ("region", text("us-east-1")),
            ("package_name", text(package)),
        ];
        async {
            aws.sql(search, &{ parameters })
                .await
                .unwrap()
                .records()
                .iter()
                .map(|row| row[0].clone())
                .collect::<Vec<_>>()
        }
    };
    assert_eq!(search("", "nginx").await, [text("i-1"), text("i-2")]);
    assert_eq!(search("i-2", "nginx").await, [text("i-3")]);
    assert!(search("", "apache").await.is_empty());
}

#[tokio::test]
async fn two_thousand_rows_go_in_with_one_statement() {
    let aws = Aws::start().await;
    aws.add(None, "i-1").await.unwrap();
    let rows: Vec<String> = (0..2_000).map(|n| format!("(:id, :n{n}, :v{n})")).collect();
    let sql = format!(
        "INSERT INTO ec2_package (aws_instance_id, package_name, package_version) VALUES {}",
        rows.join(", ")
    );
    let mut parameters: Vec<SqlParameter> = vec![parameter("id", text("i-1"))];
    for n in 0..2_000 {
        parameters.push(parameter(&format!("n{n}"), text(&format!("package-{n}"))));
        parameters.push(parameter(&format!("v{n}"), text("v1")));
    }
    let call = aws
        .data
        .execute_statement()
        .resource_arn(CLUSTER)
        .secret_arn(SECRET)
        .database(DATABASE);
    let output = call
        .sql(sql)
        .set_parameters(Some(parameters))
        .send()
        .await
        .unwrap();
    assert_eq!(output.number_of_records_updated(), 2_000);
    assert_eq!(
        long(
            &aws.sql("SELECT COUNT(*) FROM ec2_package", &[])
                .await
                .unwrap()
        ),
        2_000
    );
}

#[tokio::test]
async fn deleting_an_instance_takes_its_packages_along() {
    let aws = Aws::start().await;
    aws.add(None, "i-1").await.unwrap();
    aws.sql("INSERT INTO ec2_package VALUES ('i-1', 'a', '1')", &[])
        .await
        .unwrap();
    let delete = "DELETE FROM ec2 WHERE aws_instance_id = :id";
    assert_eq!(
        aws.sql(delete, &[("id", text("i-1"))])
            .await
            .unwrap()
            .number_of_records_updated(),
        1
    );
    assert_eq!(
        aws.sql(delete, &[("id", text("i-1"))])
            .await
            .unwrap()
            .number_of_records_updated(),
        0
    );
    assert_eq!(
        long(
            &aws.sql("SELECT COUNT(*) FROM ec2_package", &[])
                .await
                .unwrap()
        ),
        0
    );
}

#[tokio::test]
async fn text_is_compared_case_by_case_in_any_script() {
    let aws = Aws::start().await;
    for id in [
        "i-a",
        "I-A",
        "ид-1",
        "ИД-1",
        "é",
        "🦀",
        "it's \\ `odd` \"one\" ''",
    ] {
        aws.add(None, id).await.unwrap();
        let found = aws
            .sql(
                "SELECT aws_instance_id FROM ec2 WHERE aws_instance_id = :id",
                &[("id", text(id))],
            )
            .await
            .unwrap();
        assert_eq!(found.records(), [[text(id)]]);
    }
    assert_eq!(
        long(
            &aws.sql(
                "SELECT COUNT(*) FROM ec2 WHERE aws_instance_id LIKE 'i-_'",
                &[]
            )
            .await
            .unwrap()
        ),
        1
    );
}

#[tokio::test]
async fn string_literals_mean_what_they_mean_to_mysql() {
    let aws = Aws::start().await;
    for (literal, meaning) in [
        ("'a''b'", "a'b"),
        ("'a''''b'", "a''b"),
        (r"'a\'b'", "a'b"),
        (r"'a\\b'", r"a\b"),
        (r#""a'b""#, "a'b"),
        (r"'tab\tend'", "tab\tend"),
        ("':id ?1'", ":id ?1"),
    ] {
        let output = aws.sql(&format!("SELECT {literal}"), &[]).await.unwrap();
        assert_eq!(only(&output), &text(meaning), "{literal}");
    }
}

#[tokio::test]
async fn mysql_functions_and_operators_work() {
    let aws = Aws::start().await;
    for (expression, value) in [
        ("CONCAT('a', 1, 'b')", text("a1b")),
        ("CONCAT('a', NULL)", Field::IsNull(true)),
        ("CHAR_LENGTH('né')", Field::LongValue(2)),
        ("LENGTH('né')", Field::LongValue(3)),
        ("UPPER('né')", text("NÉ")),
        ("LEFT('crab', 2)", text("cr")),
        ("RIGHT('crab', 2)", text("ab")),
        ("SUBSTRING('crab', 2, 2)", text("ra")),
        ("IF(1 = 1, 'y', 'n')", text("y")),
        ("IFNULL(NULL, 7)", Field::LongValue(7)),
        ("COALESCE(NULL, 'x')", text("x")),
        ("ISNULL(NULL)", Field::LongValue(1)),
        ("NULL <=> NULL", Field::LongValue(1)),
        ("0 || 1", Field::LongValue(1)),
        ("7 DIV 2", Field::LongValue(3)),
        ("1 / 4", text("0.2500")),
        ("1.50", text("1.50")),
        ("5e-1", Field::DoubleValue(0.5)),
        (
            "SUM(a) FROM (SELECT 1 AS a UNION ALL SELECT 2) AS t",
            text("3"),
        ),
        (
            "AVG(a) FROM (SELECT 1 AS a UNION ALL SELECT 2) AS t",
            text("1.5000"),
        ),
        ("GREATEST(1, 3)", Field::LongValue(3)),
        ("CAST('7' AS SIGNED)", Field::LongValue(7)),
        ("'50%' LIKE '50\\%'", Field::LongValue(1)),
        ("'50x' LIKE '50\\%'", Field::LongValue(0)),
        ("DATABASE()", text(DATABASE)),
        ("CURRENT_TIMESTAMP = NOW()", Field::LongValue(1)),
        ("CHAR_LENGTH(UTC_TIMESTAMP)", Field::LongValue(19)),
        ("CHAR_LENGTH(NOW(3))", Field::LongValue(23)),
    ] {
        let output = aws
            .sql(&format!("SELECT {expression}"), &[])
            .await
            .unwrap_or_else(|error| panic!("{expression}: {error:?}"));
        assert_eq!(only(&output), &value, "{expression}");
    }
    assert_eq!(long(&aws.sql("SELECT 1 FROM DUAL", &[]).await.unwrap()), 1);
}

#[tokio::test]
async fn insert_ignore_skips_duplicates_and_nothing_else() {
    let aws = Aws::start().await;
    aws.add(None, "i-1").await.unwrap();
    let ignore = ADD.replace("INSERT", "INSERT IGNORE");
    assert_eq!(
        aws.sql(&ignore, &instance("i-1"))
            .await
            .unwrap()
            .number_of_records_updated(),
        0
    );
    assert_eq!(
        aws.sql(&ignore, &instance("i-2"))
            .await
            .unwrap()
            .number_of_records_updated(),
        1
    );
    assert!(
        aws.refusal(&ignore, &instance(&"x".repeat(256)))
            .await
            .starts_with(
                "This version of MySQL doesn't yet support 'INSERT IGNORE of a row that is wrong'"
            )
    );
    let copy = "INSERT IGNORE INTO ec2_package SELECT aws_instance_id, 'a', '1' FROM ec2";
    assert_eq!(
        aws.sql(copy, &[])
            .await
            .unwrap()
            .number_of_records_updated(),
        2
    );
    assert_eq!(
        aws.sql(copy, &[])
            .await
            .unwrap()
            .number_of_records_updated(),
        0
    );
}

#[tokio::test]
async fn on_duplicate_key_update_changes_the_row_that_is_there() {
    let aws = Aws::start().await;
    let upsert = "INSERT INTO kinds (name, number) VALUES (:name, :number) ON DUPLICATE KEY UPDATE number = number + VALUES(number)";
    for _ in 0..2 {
        aws.sql(
            upsert,
            &[("name", text("a")), ("number", Field::LongValue(2))],
        )
        .await
        .unwrap();
    }
    let aliased = "INSERT INTO kinds (name, number) VALUES ('a', 10) AS new ON DUPLICATE KEY UPDATE number = new.number";
    assert_eq!(
        long(&aws.sql("SELECT number FROM kinds", &[]).await.unwrap()),
        4
    );
    aws.sql(aliased, &[]).await.unwrap();
    assert_eq!(
        long(
            &aws.sql("SELECT number FROM kinds WHERE name = 'a'", &[])
                .await
                .unwrap()
        ),
        10
    );
    aws.sql("INSERT INTO kinds SET name = 'b', number = 1", &[])
        .await
        .unwrap();
    aws.sql("REPLACE INTO kinds (name, number) VALUES ('b', 2)", &[])
        .await
        .unwrap();
    assert_eq!(
        long(
            &aws.sql("SELECT number FROM kinds WHERE name = 'b'", &[])
                .await
                .unwrap()
        ),
        2
    );
}

#[tokio::test]
async fn update_and_truncate_work() {
    let aws = Aws::start().await;
    aws.add(None, "i-1").await.unwrap();
    let update = "UPDATE ec2 e SET e.aws_region = 'eu-west-1' WHERE e.aws_instance_id = :id";
    assert_eq!(
        aws.sql(update, &[("id", text("i-1"))])
            .await
            .unwrap()
            .number_of_records_updated(),
        1
    );
    aws.sql("TRUNCATE TABLE ec2_package", &[]).await.unwrap();
    let region = aws.sql("SELECT aws_region FROM ec2_inventory_db.ec2 WHERE ec2.aws_region = 'eu-west-1' FOR UPDATE", &[]).await.unwrap();
    assert_eq!(only(&region), &text("eu-west-1"));
}

#[tokio::test]
async fn the_tables_are_listed() {
    let aws = Aws::start().await;
    let tables = aws.sql("SHOW TABLES", &[]).await.unwrap();
    assert_eq!(
        tables.records(),
        [
            [text("ec2")],
            [text("ec2_package")],
            [text("kinds")],
            [text("schema_version")]
        ]
    );
    let named = "SELECT table_name FROM information_schema.tables WHERE table_schema = :db ORDER BY table_name";
    assert_eq!(
        aws.sql(named, &[("db", text(DATABASE))])
            .await
            .unwrap()
            .records(),
        tables.records()
    );
    let columns = "SELECT column_name FROM information_schema.columns WHERE table_name = 'ec2_package' ORDER BY ordinal_position LIMIT 1";
    assert_eq!(
        only(&aws.sql(columns, &[]).await.unwrap()),
        &text("aws_instance_id")
    );
}

#[tokio::test]
async fn definitions_can_be_made_and_dropped() {
    let aws = Aws::start().await;
    aws.sql("CREATE TABLE extra (a INT, b VARCHAR(9), INDEX (b))", &[])
        .await
        .unwrap();
    aws.sql("CREATE UNIQUE INDEX extra_a ON extra (a)", &[])
        .await
        .unwrap();
    aws.sql("INSERT INTO extra VALUES (1, 'x')", &[])
        .await
        .unwrap();
    let twice = aws.refusal("INSERT INTO extra VALUES (1, 'y')", &[]).await;
    assert_eq!(
        twice,
        "Duplicate entry '1' for key 'extra.extra_a'; Error code: 1062; SQLState: 23000"
    );
    aws.sql("DROP INDEX extra_a ON extra", &[]).await.unwrap();
    aws.sql("INSERT INTO extra VALUES (1, 'y')", &[])
        .await
        .unwrap();
    aws.sql("DROP TABLE extra", &[]).await.unwrap();
    assert!(
        aws.refusal("SELECT * FROM extra", &[])
            .await
            .contains("doesn't exist")
    );
}

#[tokio::test]
async fn a_batch_runs_once_for_each_set_and_all_or_nothing() {
    let aws = Aws::start().await;
    let batch = |sets: Vec<Vec<SqlParameter>>| {
        let call = aws
            .data
            .batch_execute_statement()
            .resource_arn(CLUSTER)
            .secret_arn(SECRET)
            .database(DATABASE);
        call.sql("INSERT INTO kinds (name) VALUES (:name)")
            .set_parameter_sets(Some(sets))
            .send()
    };
    let set = |name: &str| vec![parameter("name", text(name))];
    let done = batch(vec![set("a"), set("b")]).await.unwrap();
    let ids: Vec<_> = done
        .update_results()
        .iter()
        .map(|result| result.generated_fields()[0].clone())
        .collect();
    assert_eq!(ids, [Field::LongValue(1), Field::LongValue(2)]);
    let refused = batch(vec![set("c"), set("a")])
        .await
        .unwrap_err()
        .into_service_error();
    assert!(refused.is_database_error_exception(), "{refused:?}");
    assert_eq!(
        long(&aws.sql("SELECT COUNT(*) FROM kinds", &[]).await.unwrap()),
        2
    );
}

#[tokio::test]
async fn generated_fields_hold_the_new_ids() {
    let aws = Aws::start().await;
    let one = aws
        .sql("INSERT INTO kinds (name) VALUES ('a')", &[])
        .await
        .unwrap();
    assert_eq!(one.generated_fields(), [Field::LongValue(1)]);
    let two = aws
        .sql("INSERT INTO kinds (name) VALUES ('b'), ('c')", &[])
        .await
        .unwrap();
    assert_eq!(
        two.generated_fields(),
        [Field::LongValue(2), Field::LongValue(3)]
    );
    aws.sql("DELETE FROM kinds", &[]).await.unwrap();
    let next = aws
        .sql("INSERT INTO kinds (name) VALUES ('d')", &[])
        .await
        .unwrap();
    assert_eq!(next.generated_fields(), [Field::LongValue(4)]);
}

/// Both engines: see also `mysql.rs`.
#[tokio::test]
async fn upserts_name_and_count_only_what_they_wrote() {
    let aws = Aws::start().await;
    crate::mysql::upserts(&aws).await;
}

/// Both engines: see also `mysql.rs`.
#[tokio::test]
async fn a_parameter_with_the_hint_decimal_is_a_decimal() {
    let aws = Aws::start().await;
    crate::mysql::decimals(&aws).await;
}

#[tokio::test]
async fn a_batch_without_sets_runs_nothing() {
    let aws = Aws::start().await;
    let call = || {
        let call = aws.data.batch_execute_statement();
        call.resource_arn(CLUSTER)
            .secret_arn(SECRET)
            .sql("INSERT INTO kinds (name) VALUES ('a')")
    };
    let done = call().send().await.unwrap();
    assert!(done.update_results().is_empty());
    let none = aws.sql("SELECT COUNT(*) FROM kinds", &[]).await.unwrap();
    assert_eq!(long(&none), 0);
    let once = call().parameter_sets(Vec::new()).send().await.unwrap();
    assert_eq!(once.update_results().len(), 1);
    let gone = call().transaction_id("gone").send().await.unwrap_err();
    assert!(
        gone.into_service_error()
            .is_transaction_not_found_exception()
    );
}

#[tokio::test]
async fn assignments_take_effect_from_left_to_right() {
    let aws = Aws::start().await;
    aws.sql("INSERT INTO kinds (name, number) VALUES ('a', 7)", &[])
        .await
        .unwrap();
    for (sql, numbers) in [
        ("UPDATE kinds SET number = 1, small = number", (1, 1)),
        (
            "INSERT INTO kinds (name) VALUES ('a') ON DUPLICATE KEY UPDATE number = 5, small = number + 1",
            (5, 6),
        ),
    ] {
        aws.sql(sql, &[]).await.unwrap();
        let read = aws
            .sql("SELECT number, small FROM kinds", &[])
            .await
            .unwrap();
        let expected = [Field::LongValue(numbers.0), Field::LongValue(numbers.1)];
        assert_eq!(read.records(), [expected], "{sql}");
    }
}
