//! Values on their way in and out, by type.

use aws_sdk_rdsdata::{
    primitives::Blob,
    types::{
        ArrayValue, DecimalReturnType, Field, LongReturnType, RecordsFormatType, ResultSetOptions,
        SqlParameter, TypeHint,
    },
};

use crate::support::{Aws, CLUSTER, DATABASE, SECRET, only, text};

const FILL: &str = "INSERT INTO kinds (flag, small, number, price, ratio, name, raw, day, at, doc) \
                    VALUES (:flag, :small, :number, :price, :ratio, :name, :raw, :day, :at, :doc)";
const READ: &str =
    "SELECT flag, small, number, price, ratio, name, raw, day, at, doc, mood FROM kinds";

fn row() -> [(&'static str, Field); 10] {
    [
        ("flag", Field::BooleanValue(true)),
        ("small", Field::LongValue(65_535)),
        ("number", Field::LongValue(-1)),
        ("price", text("12.50")),
        ("ratio", Field::DoubleValue(0.5)),
        ("name", text("héé")),
        ("raw", Field::BlobValue(Blob::new([0, 255]))),
        ("day", text("2019-03-06")),
        ("at", text("2019-03-06 02:45:32")),
        ("doc", text(r#"{"a": 1}"#)),
    ]
}

#[tokio::test]
async fn each_type_comes_back_as_the_service_types_it() {
    let aws = Aws::start().await;
    aws.sql(FILL, &row()).await.unwrap();
    let output = aws.sql(READ, &[]).await.unwrap();
    let mut expected: Vec<Field> = row().into_iter().map(|(_, value)| value).collect();
    expected.push(text("good"));
    assert_eq!(output.records(), [expected]);
}

#[tokio::test]
async fn nulls_come_back_as_nulls() {
    let aws = Aws::start().await;
    let nulls: Vec<_> = row()
        .into_iter()
        .map(|(name, _)| (name, Field::IsNull(true)))
        .collect();
    aws.sql(FILL, &nulls).await.unwrap();
    let output = aws.sql(READ, &[]).await.unwrap();
    assert!(
        output.records()[0][..10]
            .iter()
            .all(|value| *value == Field::IsNull(true))
    );
}

#[tokio::test]
async fn numbers_come_back_in_the_form_asked_for() {
    let aws = Aws::start().await;
    aws.sql(FILL, &row()).await.unwrap();
    let read = |options: ResultSetOptions| {
        let call = aws
            .data
            .execute_statement()
            .resource_arn(CLUSTER)
            .secret_arn(SECRET)
            .database(DATABASE);
        call.sql("SELECT price, number FROM kinds")
            .result_set_options(options)
            .send()
    };
    let numbers = ResultSetOptions::builder()
        .decimal_return_type(DecimalReturnType::DoubleOrLong)
        .build();
    assert_eq!(
        read(numbers).await.unwrap().records(),
        [[Field::DoubleValue(12.5), Field::LongValue(-1)]]
    );
    let strings = ResultSetOptions::builder()
        .long_return_type(LongReturnType::String)
        .build();
    assert_eq!(
        read(strings).await.unwrap().records(),
        [[text("12.50"), text("-1")]]
    );
}

#[tokio::test]
async fn records_can_be_formatted_as_json() {
    let aws = Aws::start().await;
    aws.sql(FILL, &row()).await.unwrap();
    let call = aws
        .data
        .execute_statement()
        .resource_arn(CLUSTER)
        .secret_arn(SECRET)
        .database(DATABASE);
    let sql = "SELECT id, flag, price, name, raw, NULL AS nothing FROM kinds";
    let output = call
        .sql(sql)
        .format_records_as(RecordsFormatType::Json)
        .include_result_metadata(true)
        .send()
        .await
        .unwrap();
    assert_eq!(
        output.formatted_records(),
        Some(r#"[{"id":1,"flag":true,"price":"12.50","name":"héé","raw":"AP8=","nothing":null}]"#)
    );
    assert!(output.records().is_empty() && output.column_metadata().is_empty());
}

#[tokio::test]
async fn type_hints_are_taken_and_checked() {
    let aws = Aws::start().await;
    let send = |hint: TypeHint, value: &str| {
        let parameter = SqlParameter::builder()
            .name("v")
            .value(text(value))
            .type_hint(hint)
            .build();
        let call = aws
            .data
            .execute_statement()
            .resource_arn(CLUSTER)
            .secret_arn(SECRET)
            .database(DATABASE);
        call.sql("SELECT :v").parameters(parameter).send()
    };
    assert_eq!(
        only(
            &send(TypeHint::Timestamp, "2019-03-06 02:45:32")
                .await
                .unwrap()
        ),
        &text("2019-03-06 02:45:32")
    );
    assert_eq!(
        only(&send(TypeHint::Decimal, "1.50").await.unwrap()),
        &text("1.50")
    );
    let refused = send(TypeHint::Date, "06.03.2019")
        .await
        .unwrap_err()
        .into_service_error();
    assert!(refused.is_bad_request_exception(), "{refused:?}");
}

#[tokio::test]
async fn an_array_is_refused() {
    let aws = Aws::start().await;
    let array = Field::ArrayValue(ArrayValue::LongValues(vec![Some(1)]));
    let refused = aws.sql("SELECT :v", &[("v", array)]).await.unwrap_err();
    assert!(refused.is_bad_request_exception());
    assert_eq!(
        refused.meta().message(),
        Some("Array parameters are not supported.")
    );
}
