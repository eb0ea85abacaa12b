//! The handler with events of API Gateway.

use fleet_testing::TestEvent;
use serde_json::{Value, json};

use crate::{Deployment, Metadata};

async fn send(event: &str) -> Value {
    let place = Deployment {
        region: Some("us-east-1".into()),
        function: "fleet-metadata".into(),
    };
    let (status, body) = TestEvent::read(event)
        .send(&Metadata::new(place))
        .await
        .parts();
    assert_eq!(status, 200);
    body
}

#[tokio::test]
async fn the_index_says_what_this_is_and_links_to_the_routes() {
    let index = send("get-v1").await;
    assert_eq!(
        (&index["name"], &index["version"]),
        (&json!("fleet-api"), &json!(env!("CARGO_PKG_VERSION")))
    );
    let description = index["description"].as_str().unwrap();
    assert_eq!(
        description.matches('.').count(),
        1,
        "one sentence: {description}"
    );
    // The event came through the stage's own URL.
    assert_eq!(index["links"]["instance"], "/dev/ec2/{aws_instance_id}");
}

#[tokio::test]
async fn metadata_says_what_is_running_and_where() {
    let metadata = send("get-v1-metadata").await;
    let keys: Vec<&str> = metadata
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let mut expected = [
        "name",
        "version",
        "description",
        "commit",
        "built_at",
        "rust_version",
        "architecture",
        "region",
        "function",
    ]
    .to_vec();
    expected.sort_unstable();
    assert_eq!(keys, expected);
    assert_eq!(
        (&metadata["region"], &metadata["function"]),
        (&json!("us-east-1"), &json!("fleet-metadata"))
    );
    assert_eq!(metadata["architecture"], std::env::consts::ARCH);
    assert_eq!(
        metadata["rust_version"]
            .as_str()
            .unwrap()
            .split('.')
            .count(),
        3
    );
}

#[tokio::test]
async fn the_description_is_an_openapi_document() {
    let document = send("get-v1-openapi-json").await;
    assert_eq!(document["openapi"], "3.1.0");
    assert!(document["paths"]["/v1/openapi.json"]["get"].is_object());
}
