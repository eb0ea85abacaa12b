//! The handler with events of API Gateway, over a store in memory.

use std::sync::Mutex;

use fleet_core::{
    inventory::{
        AccountId, CreationDate, InstanceFilter, InstanceId, InstancePage, InstanceSummary,
        ListInstances, PageLimit, Region,
    },
    store::StoreError,
};
use fleet_testing::TestEvent;
use serde_json::{Value, json};

use crate::ListInstancesFunction;

/// Contains `i-1`, `i-2` and `i-3`, and records its calls.
#[derive(Default)]
struct MemoryStore {
    asked: Mutex<Option<InstanceFilter>>,
}

impl ListInstances for MemoryStore {
    async fn list(
        &self,
        filter: &InstanceFilter,
        after: Option<&InstanceId>,
        limit: PageLimit,
    ) -> Result<InstancePage, StoreError> {
        *self.asked.lock().unwrap() = Some(filter.clone());
        let summary = |id: InstanceId| InstanceSummary {
            id,
            region: Region::parse("us-east-1").unwrap(),
            account: AccountId::parse("123456789012").unwrap(),
            created: CreationDate::parse("2019-03-06 02:45:32").unwrap(),
        };
        let ids = ["i-1", "i-2", "i-3"]
            .map(|id| InstanceId::parse(id).unwrap())
            .into_iter();
        let mut rest = ids
            .filter(|id| after.is_none_or(|after| id > after))
            .map(summary);
        let records: Vec<_> = rest.by_ref().take(limit.get()).collect();
        let next = rest
            .next()
            .and_then(|_| records.last().map(|last| last.id.clone()));
        Ok(InstancePage { records, next })
    }
}

async fn list(query: &str) -> (i64, Value) {
    TestEvent::read("get-ec2")
        .query(query)
        .send(&ListInstancesFunction::new(MemoryStore::default()))
        .await
        .parts()
}

async fn refusal(query: &str) -> String {
    let (status, body) = list(query).await;
    assert_eq!(status, 400, "{body}");
    assert_eq!(body["message"], body["error_message"]);
    body["message"].as_str().unwrap().to_owned()
}

fn record(id: &str) -> Value {
    json!({"aws_instance_id": id, "aws_region": "us-east-1", "aws_account": "123456789012", "creation_date_utc": "2019-03-06 02:45:32.0"})
}

#[tokio::test]
async fn pages_follow_each_other_by_their_token_and_the_last_has_none() {
    let (status, first) = list("limit=2").await;
    assert_eq!(
        (status, &first["records"]),
        (200, &json!([record("i-1"), record("i-2")]))
    );
    let token = first["next_token"].as_str().unwrap();
    assert_eq!(
        list(&format!("limit=2&next_token={token}")).await,
        (200, json!({"records": [record("i-3")]}))
    );
    assert_eq!(
        list("").await,
        (
            200,
            json!({"records": [record("i-1"), record("i-2"), record("i-3")]})
        )
    );
}

#[tokio::test]
async fn every_filter_reaches_the_store() {
    let store = ListInstancesFunction::new(MemoryStore::default());
    let query =
        "aws_region=us-east-1&aws_account=123456789012&package_name=package%2B1&package_version=v1";
    assert_eq!(
        TestEvent::read("get-ec2")
            .query(query)
            .send(&store)
            .await
            .status,
        200
    );
    let filter = store.store.asked.lock().unwrap().take().unwrap();
    let package = filter.package.unwrap();
    assert_eq!(
        (
            filter.region.unwrap().as_str(),
            filter.account.unwrap().as_str()
        ),
        ("us-east-1", "123456789012")
    );
    assert_eq!(
        (package.name.as_str(), package.version.unwrap().as_str()),
        ("package+1", "v1")
    );
}

#[tokio::test]
async fn a_parameter_that_is_wrong_is_named() {
    for (query, message) in [
        ("limit=0", "limit must be a whole number from 1 to 100."),
        ("limit=101", "limit must be a whole number from 1 to 100."),
        ("limit=ten", "limit must be a whole number from 1 to 100."),
        (
            "next_token=i-1",
            "next_token must be the next_token of an earlier response, unchanged.",
        ),
        (
            "package_version=v1",
            "package_version is allowed only with package_name.",
        ),
        ("aws_region=", "aws_region must not be empty."),
        (
            "aws_account=12345678901234",
            "aws_account must be at most 13 characters long, but has 14.",
        ),
        ("limit=1&limit=2", "limit must be sent only once."),
        (
            "region=x",
            "Unknown query parameter `region`; did you mean `aws_region`? Allowed are aws_region, aws_account, package_name, package_version, limit, next_token.",
        ),
    ] {
        assert_eq!(refusal(query).await, message, "{query}");
    }
}

#[tokio::test]
async fn a_rehearsal_reads_a_page() {
    let function = ListInstancesFunction::new(MemoryStore::default());
    assert_eq!(fleet_http::rehearsal(&function).await, Some(200));
    assert!(function.store.asked.lock().unwrap().is_some());
}
