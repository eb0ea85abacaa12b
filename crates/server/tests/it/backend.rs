//! The location of the functions' stores.

use std::net::TcpListener;

use serde_json::json;
use tempfile::TempDir;

use crate::{
    binary::Binary,
    client::{send, send_with},
    support::TestServer,
};

const READY: &str = "/v1/health/ready";
const BODY: &str = r#"{"aws_region":"us-east-1","aws_account":"123456789012"}"#;

/// A server with `--backend aws`, which uses another server's local endpoints as AWS.
async fn on_aws(aws: &TestServer, secret: &str) -> Binary {
    let variables = [
        (
            "DB_CLUSTER_ARN",
            "arn:aws:rds:us-east-1:000000000000:cluster:fleet",
        ),
        ("DB_SECRET", secret),
        ("DB_NAME", "ec2_inventory_db"),
        ("DIMENSIONS_TABLE", "fleet-dimensions"),
        ("AWS_ACCESS_KEY_ID", "a"),
        ("AWS_SECRET_ACCESS_KEY", "b"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL", &aws.aws_endpoint_url()),
    ];
    Binary::start_with(&["--backend", "aws"], &variables).await
}

#[tokio::test]
async fn the_backend_aws_goes_where_the_sdks_configuration_says() {
    let aws = TestServer::start().await;
    let server = on_aws(&aws, "fleet-db").await;
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
async fn the_functions_have_the_rights_of_their_secret_and_no_others() {
    let aws = TestServer::start().await;
    assert_eq!(aws.send("POST", "/ec2/i-1", BODY).await.status, 200);
    for (secret, status) in [("fleet-db-reader", 500), ("fleet-db-writer", 200)] {
        let server = on_aws(&aws, secret).await;
        for (method, path, body, expected) in [
            ("GET", READY, "", 200),
            ("GET", "/ec2/i-1", "", 200),
            ("GET", "/ec2", "", 200),
            ("POST", "/ec2/i-2", BODY, status),
            ("DELETE", "/ec2/i-1", "", status),
        ] {
            let answer = send(server.address(), method, path, body).await;
            assert_eq!(
                answer.status, expected,
                "{secret}, {method} {path}: {}",
                answer.text
            );
            // The database's own message is only for the log.
            assert!(!answer.text.contains("denied"), "{}", answer.text);
        }
        let kept = if status == 200 { "i-2" } else { "i-1" };
        let records = &aws.get("/ec2").await.body["records"];
        assert_eq!(records.as_array().map(Vec::len), Some(1), "{records}");
        assert_eq!(records[0]["aws_instance_id"], kept);
    }
}

#[tokio::test]
async fn the_embedded_backend_stays_on_the_machine_whatever_the_shell_is_set_up_for() {
    // From the documentation block (RFC 5737), where nothing responds.
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
    // Any signature is accepted.
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

/// A proxy that only listens, and its URL.
fn proxy() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

#[tokio::test]
async fn calls_within_the_server_use_no_proxy_of_the_environment_and_the_log_names_it() {
    for variable in ["http_proxy", "HTTP_PROXY", "ALL_PROXY"] {
        let (proxy, url) = proxy();
        let server = Binary::start_with(&["--in-memory"], &[(variable, &url)]).await;
        let answer = send(server.address(), "GET", READY, "").await;
        assert_eq!(answer.status, 200, "{variable}: {}", answer.text);
        let added = send(server.address(), "POST", "/ec2/i-1", BODY).await;
        assert_eq!(added.status, 200, "{variable}: {}", added.text);
        assert!(proxy.accept().is_err(), "{variable}: a call went there");
        let said = format!("{variable} is set; calls to the local AWS endpoints do not use");
        assert!(
            server.said.iter().any(|line| line.contains(&said)),
            "{:?}",
            server.said
        );
    }
}

#[tokio::test]
async fn calls_to_aws_use_the_proxy_of_the_environment() {
    let (proxy, url) = proxy();
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
        // From the documentation block (RFC 5737), where nothing responds.
        ("AWS_ENDPOINT_URL", "http://192.0.2.1"),
        ("http_proxy", &url),
    ];
    let server = Binary::start_with(&["--backend", "aws"], &variables).await;
    // Clients of the proxy get no response either.
    let answer = send(server.address(), "GET", READY, "").await;
    assert_eq!(answer.status, 503, "{}", answer.text);
    assert!(proxy.accept().is_ok(), "no call went to the proxy");
}

#[tokio::test]
async fn the_dimensions_table_may_be_named_by_its_arn() {
    let arn = "arn:aws:dynamodb:us-east-1:000000000000:table/fleet-dimensions";
    let server = Binary::start_with(&["--in-memory"], &[("DIMENSIONS_TABLE", arn)]).await;
    let path = "/v1/scalableTargetDimensions/d-1";
    let patched = send(
        server.address(),
        "PATCH",
        path,
        r#"{"desiredCapacity":2.0}"#,
    )
    .await;
    assert_eq!(patched.status, 200, "{}", patched.text);
    assert_eq!(send(server.address(), "GET", READY, "").await.status, 200);
}
