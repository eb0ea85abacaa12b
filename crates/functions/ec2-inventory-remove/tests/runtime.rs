//! The function's binary under the Lambda Runtime API.

use fleet_testing::{TestEvent, runtime};

const BINARY: &str = env!("CARGO_BIN_EXE_ec2-inventory-remove");

/// The event needs no store, and none is available.
#[tokio::test]
async fn the_binary_answers_an_event_of_api_gateway() {
    let event = TestEvent::read("delete-ec2-instance").path_parameter("aws_instance_id", " ");
    let answer = runtime::invoke_without_calls(BINARY, runtime::INVENTORY, &event).await;
    assert_eq!(answer["statusCode"], 400);
    assert!(
        answer["body"]
            .as_str()
            .unwrap()
            .contains("aws_instance_id must not begin or end with white space."),
        "{answer}"
    );
}

#[tokio::test]
async fn a_missing_setting_stops_the_start_and_is_named() {
    runtime::needs_each_setting(BINARY, runtime::INVENTORY).await;
}
