//! The handler with events of API Gateway, over a store in memory.

use fleet_core::{
    inventory::{InstanceId, RemoveInstance},
    store::StoreError,
};
use fleet_testing::TestEvent;
use serde_json::json;

use crate::RemoveInstanceFunction;

/// Contains `instance-002`.
struct MemoryStore;

/// Must not be called.
struct UncallableStore;

impl RemoveInstance for UncallableStore {
    async fn remove(&self, _: &InstanceId) -> Result<bool, StoreError> {
        panic!("something is removed")
    }
}

impl RemoveInstance for MemoryStore {
    async fn remove(&self, id: &InstanceId) -> Result<bool, StoreError> {
        Ok(id.as_str() == "instance-002")
    }
}

fn event() -> TestEvent {
    TestEvent::read("delete-ec2-instance")
}

#[tokio::test]
async fn remove_says_whether_there_was_one() {
    assert_eq!(
        event()
            .send(&RemoveInstanceFunction::new(MemoryStore))
            .await
            .parts(),
        (200, json!({"record_deleted": true}))
    );
    let absent = event().path_parameter("aws_instance_id", "instance-003");
    assert_eq!(
        absent
            .send(&RemoveInstanceFunction::new(MemoryStore))
            .await
            .parts(),
        (200, json!({"record_deleted": false}))
    );
}

#[tokio::test]
async fn an_id_that_no_instance_can_have_is_400() {
    let (status, body) = event()
        .path_parameter("aws_instance_id", "a\n")
        .send(&RemoveInstanceFunction::new(MemoryStore))
        .await
        .parts();
    assert_eq!(
        (status, &body["error_message"]),
        (
            400,
            &json!("aws_instance_id must be printable text, but its character 2 is U+000A.")
        )
    );
}

#[tokio::test]
async fn nothing_is_removed_where_the_query_asks_for_something_unknown() {
    let (status, body) = event()
        .query("dry_run=true")
        .send(&RemoveInstanceFunction::new(UncallableStore))
        .await
        .parts();
    assert_eq!(
        (status, &body["code"], &body["error_message"]),
        (
            400,
            &json!("UnknownParameter"),
            &json!("Unknown query parameter `dry_run`; none are allowed.")
        )
    );
}

/// The event is as recorded from AWS, with the id encoded.
#[tokio::test]
async fn an_encoded_id_is_decoded() {
    let encoded = event().raw_path_parameter("aws_instance_id", "instance%2D002");
    assert_eq!(
        encoded
            .send(&RemoveInstanceFunction::new(MemoryStore))
            .await
            .parts(),
        (200, json!({"record_deleted": true}))
    );
}

#[tokio::test]
async fn a_rehearsal_removes_an_instance() {
    assert_eq!(
        fleet_http::rehearsal(&RemoveInstanceFunction::new(MemoryStore)).await,
        Some(200)
    );
}
