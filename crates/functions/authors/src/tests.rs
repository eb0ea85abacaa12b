//! The handler with events of API Gateway.

use fleet_testing::TestEvent;
use serde_json::{Value, json};

use crate::Authors;

async fn send(event: TestEvent) -> (i64, Value) {
    event.send(&Authors::new().unwrap()).await.parts()
}

#[tokio::test]
async fn the_list_is_the_whole_file() {
    let file: Value = serde_json::from_str(include_str!("authors.json")).unwrap();
    assert_eq!(file.as_array().unwrap().len(), 6);
    assert_eq!(send(TestEvent::read("get-authors")).await, (200, file));
}

#[tokio::test]
async fn an_entry_is_found_by_its_id_and_by_no_other_text() {
    assert_eq!(
        send(TestEvent::read("get-author")).await,
        (
            200,
            json!({"id": 1, "name": "Mark Wilkins", "book": "Learning Amazon Web Services (AWS)"})
        )
    );
    // Percent-encoded, as a REST API passes it.
    let encoded = TestEvent::read("get-author").raw_path_parameter("id", "%31");
    assert_eq!(send(encoded).await.0, 200);
    for id in [
        "0",
        "7",
        "1abc",
        "abc",
        "+1",
        "01",
        "1.0",
        "-1",
        " 1",
        "99999999999999999999",
        "%31",
    ] {
        let (status, body) = send(TestEvent::read("get-author").path_parameter("id", id)).await;
        assert_eq!(
            (status, &body["message"]),
            (404, &json!("There is no author with this id.")),
            "{id}"
        );
    }
}

#[tokio::test]
async fn the_service_says_that_it_is_well() {
    assert_eq!(
        send(TestEvent::read("get-authors-health")).await,
        (200, json!({"status": "ok", "service": "authors"}))
    );
}
