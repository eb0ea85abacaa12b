//! The handler with events of API Gateway, over scripted stores.

use std::time::Duration;

use fleet_core::settings::InventoryRole;
use fleet_core::{
    readiness::Probe,
    store::{Store, StoreError},
};
use fleet_testing::TestEvent;
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::Health;

enum StoreReply {
    Answer,
    Fail,
    OtherSchema,
    Hang,
    Never,
}

impl Probe for StoreReply {
    async fn probe(&self) -> Result<(), StoreError> {
        match self {
            Self::Answer => Ok(()),
            Self::Fail => Err(StoreError::Fault {
                store: Store::Secret,
                source: "arn:secret".into(),
            }),
            Self::OtherSchema => Err(StoreError::Schema {
                store: Store::Inventory,
                source: "arn:cluster".into(),
            }),
            Self::Hang => {
                sleep(Duration::from_secs(60)).await;
                Ok(())
            }
            Self::Never => panic!("asked"),
        }
    }
}

#[tokio::test]
async fn health_touches_nothing() {
    let health = Health::new(
        StoreReply::Never,
        StoreReply::Never,
        StoreReply::Never,
        InventoryRole::Primary,
    );
    assert_eq!(
        TestEvent::read("get-v1-health").send(&health).await.parts(),
        (200, json!({"status": "ok"}))
    );
}

#[tokio::test]
async fn ready_when_every_store_answers() {
    let health = Health::new(
        StoreReply::Answer,
        StoreReply::Answer,
        StoreReply::Answer,
        InventoryRole::Primary,
    );
    let expected =
        json!({"status": "ok", "checks": {"dynamodb": "ok", "data_api": "ok", "secret": "ok"}});
    assert_eq!(
        TestEvent::read("get-v1-health-ready")
            .send(&health)
            .await
            .parts(),
        (200, expected)
    );
}

#[tokio::test(start_paused = true)]
async fn stores_that_fail_or_hang_are_named_within_three_seconds() {
    let started = Instant::now();
    let health = Health::new(
        StoreReply::Hang,
        StoreReply::Hang,
        StoreReply::Fail,
        InventoryRole::Primary,
    );
    let answer = TestEvent::read("get-v1-health-ready").send(&health).await;
    let checks =
        json!({"dynamodb": "unavailable", "data_api": "unavailable", "secret": "unavailable"});
    assert_eq!(
        (
            answer.status,
            &answer.body["status"],
            &answer.body["checks"]
        ),
        (503, &json!("unavailable"), &checks)
    );
    assert_eq!(answer.response.headers["retry-after"], "5");
    assert!(
        answer.body["request_id"]
            .as_str()
            .is_some_and(|id| !id.is_empty())
    );
    assert_eq!(started.elapsed(), Duration::from_secs(3));
    let health = Health::new(
        StoreReply::Answer,
        StoreReply::Fail,
        StoreReply::Answer,
        InventoryRole::Primary,
    );
    let checks = json!({"dynamodb": "ok", "data_api": "unavailable", "secret": "ok"});
    let body = TestEvent::read("get-v1-health-ready")
        .send(&health)
        .await
        .body;
    assert_eq!(
        (&body["checks"], &body["message"]),
        (
            &checks,
            &json!("The API is not ready; unavailable: data_api.")
        )
    );
}

#[tokio::test]
async fn a_schema_that_does_not_do_is_named() {
    let health = Health::new(
        StoreReply::Answer,
        StoreReply::OtherSchema,
        StoreReply::Answer,
        InventoryRole::Primary,
    );
    let answer = TestEvent::read("get-v1-health-ready").send(&health).await;
    let checks = json!({"dynamodb": "ok", "data_api": "unavailable", "secret": "ok"});
    let message =
        "The API is not ready; unavailable: data_api (its schema does not match this version).";
    assert_eq!(
        (
            answer.status,
            &answer.body["checks"],
            &answer.body["message"]
        ),
        (503, &checks, &json!(message))
    );
}

#[tokio::test]
async fn a_region_that_stands_by_is_ready_without_the_data_api_and_says_so() {
    let health = Health::new(
        StoreReply::Answer,
        StoreReply::Fail,
        StoreReply::Answer,
        InventoryRole::Standby,
    );
    let expected = json!({"status": "ok", "checks": {"dynamodb": "ok", "data_api": "unavailable", "secret": "ok"}});
    assert_eq!(
        TestEvent::read("get-v1-health-ready")
            .send(&health)
            .await
            .parts(),
        (200, expected)
    );
    let promoted = Health::new(
        StoreReply::Answer,
        StoreReply::Answer,
        StoreReply::Answer,
        InventoryRole::Standby,
    );
    let expected =
        json!({"status": "ok", "checks": {"dynamodb": "ok", "data_api": "ok", "secret": "ok"}});
    assert_eq!(
        TestEvent::read("get-v1-health-ready")
            .send(&promoted)
            .await
            .parts(),
        (200, expected)
    );
}

#[tokio::test]
async fn a_region_that_stands_by_needs_its_other_stores() {
    for (dynamodb, secret, failing) in [
        (StoreReply::Fail, StoreReply::Answer, "dynamodb"),
        (StoreReply::Answer, StoreReply::Fail, "secret"),
    ] {
        let health = Health::new(dynamodb, StoreReply::Fail, secret, InventoryRole::Standby);
        let answer = TestEvent::read("get-v1-health-ready").send(&health).await;
        let message = format!("The API is not ready; unavailable: {failing}.");
        assert_eq!(
            (answer.status, &answer.body["message"]),
            (503, &json!(message))
        );
        assert_eq!(
            (&answer.body["status"], &answer.body["checks"]["data_api"]),
            (&json!("unavailable"), &json!("unavailable"))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_region_that_stands_by_waits_a_second_for_the_data_api() {
    let started = Instant::now();
    let health = Health::new(
        StoreReply::Answer,
        StoreReply::Hang,
        StoreReply::Answer,
        InventoryRole::Standby,
    );
    let answer = TestEvent::read("get-v1-health-ready").send(&health).await;
    assert_eq!(
        (answer.status, &answer.body["checks"]["data_api"]),
        (200, &json!("unavailable"))
    );
    assert_eq!(started.elapsed(), Duration::from_secs(1));
}

/// Responds, and counts the checks.
#[derive(Clone, Default)]
struct CountingProbe(std::sync::Arc<std::sync::atomic::AtomicU32>);

impl CountingProbe {
    fn asked(&self) -> u32 {
        self.0.load(std::sync::atomic::Ordering::Relaxed)
    }
}

impl Probe for CountingProbe {
    async fn probe(&self) -> Result<(), StoreError> {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_stores_said_stands_for_as_long_as_was_asked_for_and_no_longer() {
    let table = CountingProbe::default();
    let kept = Health::new(
        table.clone(),
        StoreReply::Fail,
        StoreReply::Answer,
        InventoryRole::Primary,
    )
    .with_cache_time(Duration::from_secs(3));
    let ask = async || TestEvent::read("get-v1-health-ready").send(&kept).await;
    let first = ask().await;
    sleep(Duration::from_millis(2_900)).await;
    let second = ask().await;
    assert_eq!((first.status, &first.body), (503, &second.body));
    assert_eq!(table.asked(), 1);
    sleep(Duration::from_millis(200)).await;
    assert_eq!((ask().await.status, table.asked()), (503, 2));

    let fresh = CountingProbe::default();
    let health = Health::new(
        fresh.clone(),
        StoreReply::Answer,
        StoreReply::Answer,
        InventoryRole::Primary,
    );
    for _ in 0..2 {
        TestEvent::read("get-v1-health-ready").send(&health).await;
    }
    assert_eq!(fresh.asked(), 2);
}
