//! Where the functions find their stores.

use serde_json::json;
use tempfile::TempDir;

use crate::{
    binary::Binary,
    client::{send, send_with},
    support::TestServer,
};

const READY: &str = "/v1/health/ready";
const BODY: &str = r#"{"aws_region":"us-east-1","aws_account":"123456789012"}"#;

#[tokio::test]
async fn the_backend_aws_goes_where_the_sdks_configuration_says() {
    let aws = TestServer::start().await;
    let variables = [
        (
            "DB_CLUSTER_ARN",
            "arn:aws:rds:us-east-1:000000000000:cluster:fleet",
        ),
        ("DB_SECRET", "fleet-db"),
        ("DB_NAME", "ec2_inventory_db"),
        ("DIMENSIONS_TABLE", "fleet-dimensions"),
        ("AWS_ACCESS_KEY_ID", "a"),
        ("AWS_SECRET_ACCESS_KEY", "b"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL", &aws.aws_endpoint_url()),
    ];
    let server = Binary::start_with(&["--backend", "aws"], &variables).await;
    assert!(
        server.said.iter().any(|line| line.contains("on AWS")),
        "{:?}",
        server.said
    );
    assert_eq!(send(server.address(), "GET", READY, "").await.status, 200);
    assert_eq!(
        send(server.address(), "POST", "/ec2/i-1", BODY)
            .await
            .status,
        200
    );
    assert_eq!(aws.get("/ec2/i-1").await.body["record_found"], true);
}

#[tokio::test]
async fn the_embedded_backend_stays_on_the_machine_whatever_the_shell_is_set_up_for() {
    // Of the block for documentation (RFC 5737), where nobody answers.
    let elsewhere = "http://192.0.2.1";
    let variables = [
        ("AWS_ENDPOINT_URL", elsewhere),
        ("AWS_ENDPOINT_URL_DYNAMODB", elsewhere),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_PROFILE", "production"),
        ("DB_SECRET", "another-name"),
    ];
    let server = Binary::start_with(&["--in-memory"], &variables).await;
    let answer = send(server.address(), "GET", READY, "").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test]
async fn the_local_aws_endpoints_serve_other_clients_too() {
    let server = TestServer::start().await;
    let address = server
        .aws_endpoint_url()
        .strip_prefix("http://")
        .unwrap()
        .parse()
        .unwrap();
    let target = ("x-amz-target", "secretsmanager.GetSecretValue");
    let unsigned = send_with(
        address,
        "POST",
        "/",
        &[target],
        r#"{"SecretId":"fleet-db"}"#,
    )
    .await;
    assert_eq!(
        (unsigned.status, &unsigned.body["message"]),
        (403, &json!("Missing Authentication Token"))
    );
    // Any signature will do.
    let headers = [
        target,
        ("content-type", "application/x-amz-json-1.1"),
        ("authorization", "AWS4-HMAC-SHA256 Credential=any"),
    ];
    let answer = send_with(address, "POST", "/", &headers, r#"{"SecretId":"fleet-db"}"#).await;
    assert_eq!(
        (answer.status, &answer.body["Name"]),
        (200, &json!("fleet-db")),
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn data_in_memory_leaves_the_data_folder_alone() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let server = TestServer::start_with(|options| options.data_dir = data.clone()).await;
    assert_eq!(server.send("POST", "/ec2/i-1", BODY).await.status, 200);
    assert!(!data.exists());
}
