//! The function's binary under the Lambda Runtime API.

use fleet_testing::{Event, runtime};

const BINARY: &str = env!("CARGO_BIN_EXE_ec2-inventory-list");
const SETTINGS: &[(&str, &str)] =
    &[("DB_CLUSTER_ARN", "arn:aws:rds:us-east-1:000000000000:cluster:fleet"), ("DB_SECRET", "fleet-db"), ("DB_NAME", "ec2_inventory_db")];

/// The event needs no store, which the test has not got.
#[tokio::test]
async fn the_binary_answers_an_event_of_api_gateway() {
    let event = Event::read("get-ec2").query("limit=0");
    let answer = runtime::invoke(BINARY, SETTINGS, &event).await;
    assert_eq!(answer["statusCode"], 400);
    assert!(answer["body"].as_str().unwrap().contains("limit must be a whole number from 1 to 100."), "{answer}");
}

#[tokio::test]
async fn a_missing_setting_stops_the_start_and_is_named() {
    let ended = runtime::refuses_to_start(BINARY, &SETTINGS[1..]).await;
    let log = String::from_utf8(ended.stdout).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{log}");
    assert!(log.contains("cannot start: The environment variable DB_CLUSTER_ARN is not set"), "{log}");
}
