//! DynamoDB, through its SDK and the front end.

use aws_sdk_dynamodb::{
    Client,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig},
    operation::put_item::PutItemError,
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure},
};

use crate::support::{Aws, KEY, TABLE};

pub(crate) fn client(aws: &Aws) -> Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("any", "any", None, None, "tests"))
        .retry_config(RetryConfig::disabled())
        .endpoint_url(aws.local.endpoint_url())
        .build();
    Client::from_conf(config)
}

fn string(text: &str) -> AttributeValue {
    AttributeValue::S(text.into())
}

#[tokio::test]
async fn the_tables_are_there_at_the_start() {
    let aws = Aws::start().await;
    let tables = client(&aws).list_tables().send().await.unwrap();
    assert_eq!(tables.table_names(), [TABLE]);
}

#[tokio::test]
async fn a_failed_condition_brings_the_old_item() {
    let aws = Aws::start().await;
    let dynamodb = client(&aws);
    let put = |revision: &str| {
        let put = dynamodb
            .put_item()
            .table_name(TABLE)
            .item(KEY, string("1-2"))
            .item("revision", string(revision));
        put.condition_expression("attribute_not_exists(revision)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
    };
    put("a").await.unwrap();
    match put("b").await.unwrap_err().into_service_error() {
        PutItemError::ConditionalCheckFailedException(error) => {
            assert_eq!(error.item().unwrap()["revision"], string("a"))
        }
        other => panic!("{other:?}"),
    }
    let got = dynamodb
        .get_item()
        .table_name(TABLE)
        .key(KEY, string("1-2"))
        .consistent_read(true)
        .send()
        .await
        .unwrap();
    assert_eq!(got.item().unwrap()["revision"], string("a"));
}

#[tokio::test]
async fn many_requests_at_once_are_all_answered() {
    let aws = Aws::start().await;
    let dynamodb = client(&aws);
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..50 {
        let dynamodb = dynamodb.clone();
        tasks.spawn(async move {
            let id = string(&format!("id-{n}"));
            dynamodb
                .put_item()
                .table_name(TABLE)
                .item(KEY, id.clone())
                .send()
                .await
                .unwrap();
            assert!(
                dynamodb
                    .get_item()
                    .table_name(TABLE)
                    .key(KEY, id)
                    .send()
                    .await
                    .unwrap()
                    .item()
                    .is_some()
            );
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    assert_eq!(
        dynamodb
            .scan()
            .table_name(TABLE)
            .send()
            .await
            .unwrap()
            .count(),
        50
    );
}

#[tokio::test]
async fn its_own_errors_pass_through() {
    let aws = Aws::start().await;
    let error = client(&aws)
        .get_item()
        .table_name("other")
        .key(KEY, string("1"))
        .send()
        .await
        .unwrap_err();
    assert!(error.into_service_error().is_resource_not_found_exception());
}
