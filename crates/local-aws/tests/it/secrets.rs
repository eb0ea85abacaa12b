//! Secrets Manager, through its SDK.

use aws_sdk_secretsmanager::{
    Client,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig},
    error::ProvideErrorMetadata,
};

use crate::support::{Aws, SECRET};

fn client(aws: &Aws) -> Client {
    let config = aws_sdk_secretsmanager::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("any", "any", None, None, "tests"))
        .retry_config(RetryConfig::disabled())
        .endpoint_url(aws.local.endpoint_url())
        .build();
    Client::from_conf(config)
}

#[tokio::test]
async fn the_secret_is_found_by_name_arn_and_partial_arn() {
    let aws = Aws::start().await;
    let secrets = client(&aws);
    let by_name = secrets
        .get_secret_value()
        .secret_id(SECRET)
        .send()
        .await
        .unwrap();
    let value: serde_json::Value = serde_json::from_str(by_name.secret_string().unwrap()).unwrap();
    assert_eq!(
        (&value["username"], &value["password"], &value["engine"]),
        (&"fleet".into(), &"not-shown".into(), &"mysql".into())
    );
    assert_eq!(
        (&value["dbname"], &value["port"]),
        (&"ec2_inventory_db".into(), &3306.into())
    );
    assert_eq!(by_name.version_stages(), ["AWSCURRENT"]);
    let arn = by_name.arn().unwrap();
    assert!(
        arn.starts_with("arn:aws:secretsmanager:us-east-1:000000000000:secret:fleet-db-"),
        "{arn}"
    );
    for id in [arn, arn.rsplit_once('-').unwrap().0] {
        assert_eq!(
            secrets
                .get_secret_value()
                .secret_id(id)
                .send()
                .await
                .unwrap()
                .name(),
            Some(SECRET)
        );
    }
}

#[tokio::test]
async fn versions_and_stages_are_minded() {
    let aws = Aws::start().await;
    let secrets = client(&aws);
    let version = secrets
        .get_secret_value()
        .secret_id(SECRET)
        .version_stage("AWSCURRENT")
        .send()
        .await
        .unwrap();
    let version = version.version_id().unwrap().to_owned();
    assert!(
        secrets
            .get_secret_value()
            .secret_id(SECRET)
            .version_id(&version)
            .send()
            .await
            .is_ok()
    );
    let previous = secrets
        .get_secret_value()
        .secret_id(SECRET)
        .version_stage("AWSPREVIOUS")
        .send()
        .await;
    assert!(
        previous
            .unwrap_err()
            .into_service_error()
            .is_resource_not_found_exception()
    );
    let other = secrets
        .get_secret_value()
        .secret_id(SECRET)
        .version_id(version.replace('0', "1"))
        .send()
        .await;
    assert!(
        other
            .unwrap_err()
            .into_service_error()
            .is_resource_not_found_exception()
    );
    let described = secrets
        .describe_secret()
        .secret_id(SECRET)
        .send()
        .await
        .unwrap();
    assert_eq!(
        described.version_ids_to_stages().unwrap()[&version],
        ["AWSCURRENT"]
    );
}

#[tokio::test]
async fn another_secret_is_not_found_and_other_operations_are_refused() {
    let aws = Aws::start().await;
    let secrets = client(&aws);
    let error = secrets
        .get_secret_value()
        .secret_id("other")
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    assert!(error.is_resource_not_found_exception());
    assert_eq!(
        error.message(),
        Some("Secrets Manager can't find the specified secret.")
    );
    let error = secrets.list_secrets().send().await.unwrap_err();
    assert_eq!(error.code(), Some("UnknownOperationException"));
    assert!(error.message().unwrap().contains("ListSecrets"));
}
