//! The handler with events of API Gateway, over a store in memory.

use fleet_core::{
    inventory::{
        AccountId, CreationDate, GetInstance, Instance, InstanceId, InstanceSummary, Package,
        PackageName, PackageVersion, Packages, Region,
    },
    store::StoreError,
};
use fleet_testing::TestEvent;
use serde_json::json;

use crate::GetInstanceFunction;

/// Contains `instance-002`.
struct MemoryStore;

impl GetInstance for MemoryStore {
    async fn get(&self, id: &InstanceId) -> Result<Option<Instance>, StoreError> {
        let package = |version| Package {
            name: PackageName::parse("package-1").unwrap(),
            version: PackageVersion::parse(version).unwrap(),
        };
        let summary = InstanceSummary {
            id: id.clone(),
            region: Region::parse("us-east-1").unwrap(),
            account: AccountId::parse("123456789012").unwrap(),
            created: CreationDate::parse("2019-03-06 02:45:32").unwrap(),
        };
        let packages = Packages::new(vec![package("v1"), package("v2")]).unwrap();
        Ok((id.as_str() == "instance-002").then_some(Instance { summary, packages }))
    }
}

fn event() -> TestEvent {
    TestEvent::read("get-ec2-instance")
}

#[tokio::test]
async fn get_answers_the_record() {
    let expected = json!({
        "record": {
            "aws_instance_id": "instance-002",
            "aws_region": "us-east-1",
            "aws_account": "123456789012",
            "creation_date_utc": "2019-03-06 02:45:32.0",
            "packages": [
                {"package_name": "package-1", "package_version": "v1"},
                {"package_name": "package-1", "package_version": "v2"},
            ],
        },
        "record_found": true,
    });
    assert_eq!(
        event()
            .send(&GetInstanceFunction::new(MemoryStore))
            .await
            .parts(),
        (200, expected)
    );
}

#[tokio::test]
async fn get_answers_an_empty_record_where_there_is_none() {
    let absent = event().path_parameter("aws_instance_id", "INSTANCE-002");
    assert_eq!(
        absent
            .send(&GetInstanceFunction::new(MemoryStore))
            .await
            .parts(),
        (200, json!({"record": {}, "record_found": false}))
    );
}

#[tokio::test]
async fn an_id_that_no_instance_can_have_is_400() {
    let (status, body) = event()
        .path_parameter("aws_instance_id", "x".repeat(256))
        .send(&GetInstanceFunction::new(MemoryStore))
        .await
        .parts();
    assert_eq!(
        (status, &body["message"]),
        (
            400,
            &json!("aws_instance_id must be at most 255 characters long, but has 256.")
        )
    );
    assert_eq!(body["message"], body["error_message"]);
}

#[tokio::test]
async fn an_unknown_query_parameter_is_named() {
    let (status, body) = event()
        .query("x=1")
        .send(&GetInstanceFunction::new(MemoryStore))
        .await
        .parts();
    assert_eq!(
        (status, &body["code"], &body["message"]),
        (
            400,
            &json!("UnknownParameter"),
            &json!("Unknown query parameter `x`; none are allowed.")
        )
    );
}

/// The event is as recorded from AWS, with the id encoded.
#[tokio::test]
async fn an_encoded_id_is_decoded() {
    let encoded = event().raw_path_parameter("aws_instance_id", "instance%2D002");
    let (status, body) = encoded
        .send(&GetInstanceFunction::new(MemoryStore))
        .await
        .parts();
    assert_eq!(
        (status, &body["record"]["aws_instance_id"]),
        (200, &json!("instance-002"))
    );
}

#[tokio::test]
async fn a_rehearsal_reads_an_instance() {
    assert_eq!(
        fleet_http::rehearsal(&GetInstanceFunction::new(MemoryStore)).await,
        Some(200)
    );
}
