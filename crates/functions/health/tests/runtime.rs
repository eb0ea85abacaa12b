//! The function's binary under the Lambda Runtime API.

use fleet_testing::{TestEvent, runtime};

const BINARY: &str = env!("CARGO_BIN_EXE_health");

/// The settings; this function uses every store.
fn settings() -> Vec<(&'static str, &'static str)> {
    [runtime::DIMENSIONS, runtime::INVENTORY].concat()
}

/// The event needs no store, and none is available.
#[tokio::test]
async fn the_binary_answers_an_event_of_api_gateway() {
    let event = TestEvent::read("get-v1-health");
    let answer = runtime::invoke(BINARY, &settings(), &event).await;
    assert_eq!(answer["statusCode"], 200);
    assert!(answer["body"].as_str().unwrap().contains("ok"), "{answer}");
}

#[tokio::test]
async fn a_missing_setting_stops_the_start_and_is_named() {
    runtime::needs_each_setting(BINARY, &settings()).await;
}

#[tokio::test]
async fn a_wrong_role_stops_the_start_and_is_named() {
    let wrong = ("INVENTORY_ROLE", "secondary");
    runtime::refuses_setting(BINARY, &settings(), wrong, "primary or standby").await;
}
