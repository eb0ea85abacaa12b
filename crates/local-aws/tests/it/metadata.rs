//! `includeResultMetadata`.

use aws_sdk_rdsdata::types::ColumnMetadata;

use crate::support::{Aws, CLUSTER, DATABASE, SECRET};

async fn columns(aws: &Aws, sql: &str) -> Vec<ColumnMetadata> {
    let call = aws
        .data
        .execute_statement()
        .resource_arn(CLUSTER)
        .secret_arn(SECRET)
        .database(DATABASE);
    call.sql(sql)
        .include_result_metadata(true)
        .send()
        .await
        .unwrap()
        .column_metadata()
        .to_vec()
}

#[tokio::test]
async fn columns_of_a_table_are_described_as_jdbc_does() {
    let aws = Aws::start().await;
    let described = columns(
        &aws,
        "SELECT id, flag, number, price AS cost, name, raw, at FROM kinds",
    )
    .await;
    let brief: Vec<_> = described
        .iter()
        .map(|column| {
            let (name, label) = (column.name().unwrap(), column.label().unwrap());
            (
                name,
                label,
                column.r#type(),
                column.type_name().unwrap(),
                column.nullable(),
                column.precision(),
                column.scale(),
            )
        })
        .collect();
    assert_eq!(
        brief,
        [
            ("id", "id", -5, "BIGINT", 0, 19, 0),
            ("flag", "flag", -7, "BIT", 1, 1, 0),
            ("number", "number", 4, "INT", 1, 10, 0),
            ("price", "cost", 3, "DECIMAL", 1, 10, 2),
            ("name", "name", 12, "VARCHAR", 1, 5, 0),
            ("raw", "raw", -3, "VARBINARY", 1, 4, 0),
            ("at", "at", 93, "DATETIME", 1, 19, 0),
        ]
    );
    assert!(
        described[0].is_auto_increment()
            && described[0].is_signed()
            && !described[4].is_auto_increment()
    );
    assert!(!described[4].is_case_sensitive());
    assert!(
        described
            .iter()
            .all(|column| column.table_name() == Some("kinds") && column.schema_name() == Some(""))
    );
}

#[tokio::test]
async fn expressions_are_labelled_by_their_text() {
    let aws = Aws::start().await;
    let described = columns(
        &aws,
        "SELECT COUNT(*), 'x', 1 + 1 AS two, aws_region FROM ec2 GROUP BY aws_region",
    )
    .await;
    let labels: Vec<_> = described
        .iter()
        .map(|column| column.label().unwrap())
        .collect();
    assert_eq!(labels, ["COUNT(*)", "x", "two", "aws_region"]);
    let typed = columns(&aws, "SELECT 1, 'x', 0.5e0 * 2, 1 / 2").await;
    let types: Vec<_> = typed
        .iter()
        .map(|column| column.type_name().unwrap())
        .collect();
    assert_eq!(types, ["BIGINT", "VARCHAR", "DOUBLE", "DECIMAL"]);
}

#[tokio::test]
async fn metadata_is_left_out_unless_asked_for() {
    let aws = Aws::start().await;
    assert!(
        aws.sql("SELECT 1", &[])
            .await
            .unwrap()
            .column_metadata()
            .is_empty()
    );
}
