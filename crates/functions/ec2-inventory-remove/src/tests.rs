//! The handler with events of API Gateway, over a store in memory.

use fleet_core::{
    inventory::{InstanceId, RemoveInstance},
    store::StoreError,
};
use fleet_testing::Event;
use serde_json::json;

use crate::Remove;

/// Has `instance-002`.
struct Memory;

impl RemoveInstance for Memory {
    async fn remove(&self, id: &InstanceId) -> Result<bool, StoreError> {
        Ok(id.as_str() == "instance-002")
    }
}

fn event() -> Event {
    Event::read("delete-ec2-instance")
}

#[tokio::test]
async fn remove_says_whether_there_was_one() {
    assert_eq!(
        event().send(&Remove::new(Memory)).await.parts(),
        (200, json!({"record_deleted": true}))
    );
    let absent = event().path_parameter("aws_instance_id", "instance-003");
    assert_eq!(
        absent.send(&Remove::new(Memory)).await.parts(),
        (200, json!({"record_deleted": false}))
    );
}

#[tokio::test]
async fn an_id_that_no_instance_can_have_is_400() {
    let (status, body) = event()
        .path_parameter("aws_instance_id", "a\n")
        .send(&Remove::new(Memory))
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
