//! The function's binary under the Lambda Runtime API.

use fleet_testing::{TestEvent, runtime};

const BINARY: &str = env!("CARGO_BIN_EXE_scalable-dimension-list");

/// The event needs no store, and none is available.
#[tokio::test]
async fn the_binary_answers_an_event_of_api_gateway() {
    let event = TestEvent::read("get-scalable-dimensions").query("limit=0");
    let answer = runtime::invoke_without_calls(BINARY, runtime::DIMENSIONS, &event).await;
    assert_eq!(answer["statusCode"], 400);
    assert!(
        answer["body"]
            .as_str()
            .unwrap()
            .contains("limit must be a whole number from 1 to 100."),
        "{answer}"
    );
}

#[tokio::test]
async fn a_missing_setting_stops_the_start_and_is_named() {
    runtime::needs_each_setting(BINARY, runtime::DIMENSIONS).await;
}

#[tokio::test]
async fn a_wrong_mode_stops_the_start_and_is_named() {
    let wrong = ("SCALING_MODE", "staging");
    runtime::refuses_setting(BINARY, runtime::DIMENSIONS, wrong, "demo or production").await;
}
