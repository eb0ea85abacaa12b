//! `/v1`, `/v1/metadata`, `/v1/health` and `/v1/health/ready`.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use serde_json::json;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{binary::Binary, client, support::TestServer};

#[tokio::test]
async fn the_index_answers_with_and_without_a_slash_and_its_links_lead_somewhere() {
    let server = TestServer::start().await;
    let index = server.get("/v1").await;
    assert_eq!(
        (index.status, &index.body["name"]),
        (200, &json!("fleet-api"))
    );
    assert_eq!(server.get("/v1/").await.body, index.body);
    for (name, path) in index.body["links"].as_object().unwrap() {
        let path = path
            .as_str()
            .unwrap()
            .replace("{id}", "1")
            .replace("{aws_instance_id}", "i")
            .replace("{scalableTargetDimensionId}", "d");
        assert_eq!(server.get(&path).await.status, 200, "{name}: {path}");
    }
}

#[tokio::test]
async fn metadata_says_what_is_running() {
    let metadata = TestServer::start().await.get("/v1/metadata").await.body;
    assert_eq!(
        (&metadata["name"], &metadata["region"]),
        (&json!("fleet-api"), &json!("us-east-1"))
    );
    // Outside a checkout (in a source archive) it is unknown, unless it is set for the build.
    if Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../.git")
        .exists()
    {
        let built_at = metadata["built_at"].as_str().unwrap();
        assert!(
            OffsetDateTime::parse(built_at, &Rfc3339).is_ok(),
            "{built_at}"
        );
        let commit = metadata["commit"].as_str().unwrap();
        assert!(
            commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{commit}"
        );
    }
    assert!(
        [
            "version",
            "description",
            "commit",
            "rust_version",
            "architecture",
            "function"
        ]
        .iter()
        .all(|key| metadata[key].is_string())
    );
}

#[tokio::test]
async fn the_server_is_well_and_ready() {
    let server = TestServer::start().await;
    let health = server.get("/v1/health").await;
    assert_eq!((health.status, health.body), (200, json!({"status": "ok"})));
    let ready = server.get("/v1/health/ready").await;
    let checks = json!({"dynamodb": "ok", "data_api": "ok", "secret": "ok"});
    assert_eq!(
        (ready.status, ready.body),
        (200, json!({"status": "ok", "checks": checks}))
    );
}

#[tokio::test]
async fn without_its_stores_the_server_is_well_but_not_ready() {
    let settings = [
        // Nothing listens there.
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        (
            "DB_CLUSTER_ARN",
            "arn:aws:rds:us-east-1:000000000000:cluster:fleet",
        ),
        ("DB_SECRET", "fleet-db"),
        ("DB_NAME", "ec2_inventory_db"),
        ("DIMENSIONS_TABLE", "fleet-dimensions"),
    ];
    let server = Binary::start_with(&["--backend", "aws"], &settings).await;
    assert_eq!(
        client::send(server.address(), "GET", "/v1/health", "")
            .await
            .status,
        200
    );
    let asked = Instant::now();
    let ready = client::send(server.address(), "GET", "/v1/health/ready", "").await;
    let checks =
        json!({"dynamodb": "unavailable", "data_api": "unavailable", "secret": "unavailable"});
    assert_eq!(
        (ready.status, &ready.body["status"], &ready.body["checks"]),
        (503, &json!("unavailable"), &checks)
    );
    assert_eq!(
        (&ready.body["request_id"], ready.header("retry-after")),
        (&json!(ready.header("x-amzn-requestid")), "5")
    );
    // The promise is three seconds; the rest is slack for a machine that is busy with other tests.
    assert!(
        asked.elapsed() < Duration::from_secs(10),
        "{:?}",
        asked.elapsed()
    );
}
