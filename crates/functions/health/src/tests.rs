//! The handler with events of API Gateway, over stores that do as they are told.

use std::time::Duration;

use fleet_core::{
    readiness::Probe,
    store::{Store, StoreError},
};
use fleet_testing::Event;
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::Health;

enum Told {
    Answer,
    Fail,
    Hang,
    Never,
}

impl Probe for Told {
    async fn probe(&self) -> Result<(), StoreError> {
        match self {
            Self::Answer => Ok(()),
            Self::Fail => Err(StoreError::Fault { store: Store::Secret, source: "arn:secret".into() }),
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
    let health = Health::new(Told::Never, Told::Never, Told::Never);
    assert_eq!(Event::read("get-v1-health").send(&health).await.parts(), (200, json!({"status": "ok"})));
}

#[tokio::test]
async fn ready_when_every_store_answers() {
    let health = Health::new(Told::Answer, Told::Answer, Told::Answer);
    let expected = json!({"status": "ok", "checks": {"dynamodb": "ok", "data_api": "ok", "secret": "ok"}});
    assert_eq!(Event::read("get-v1-health-ready").send(&health).await.parts(), (200, expected));
}

#[tokio::test(start_paused = true)]
async fn stores_that_fail_or_hang_are_named_within_three_seconds() {
    let started = Instant::now();
    let health = Health::new(Told::Hang, Told::Hang, Told::Fail);
    let answer = Event::read("get-v1-health-ready").send(&health).await;
    let checks = json!({"dynamodb": "unavailable", "data_api": "unavailable", "secret": "unavailable"});
    assert_eq!((answer.status, &answer.body["status"], &answer.body["checks"]), (503, &json!("unavailable"), &checks));
    assert_eq!(answer.response.headers["retry-after"], "5");
    assert!(answer.body["request_id"].as_str().is_some_and(|id| !id.is_empty()));
    assert_eq!(started.elapsed(), Duration::from_secs(3));
    let health = Health::new(Told::Answer, Told::Fail, Told::Answer);
    let checks = json!({"dynamodb": "ok", "data_api": "unavailable", "secret": "ok"});
    let body = Event::read("get-v1-health-ready").send(&health).await.body;
    assert_eq!((&body["checks"], &body["message"]), (&checks, &json!("The API is not ready; what cannot answer now: data_api.")));
}
