//! The function's binary under the Lambda Runtime API.

use fleet_testing::{TestEvent, runtime};

const BINARY: &str = env!("CARGO_BIN_EXE_authors");

#[tokio::test]
async fn the_binary_answers_an_event_of_api_gateway() {
    let answer = runtime::invoke(BINARY, &[], &TestEvent::read("get-authors")).await;
    assert_eq!(
        (&answer["statusCode"], &answer["headers"]["content-type"]),
        (&200.into(), &"application/json".into())
    );
    let body: serde_json::Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    assert_eq!(body.as_array().map(Vec::len), Some(6));
}
