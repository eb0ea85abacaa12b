//! `/api/books` and `/api/authors`.

use serde_json::{Value, json};

use crate::support::TestServer;

#[tokio::test]
async fn the_lists_are_whole_and_their_entries_found_by_id() {
    let server = TestServer::start().await;
    for (service, noun, file) in [
        (
            "books",
            "book",
            include_str!("../../../functions/books/src/books.json"),
        ),
        (
            "authors",
            "author",
            include_str!("../../../functions/authors/src/authors.json"),
        ),
    ] {
        let file: Value = serde_json::from_str(file).unwrap();
        let list = server.get(&format!("/api/{service}")).await;
        assert_eq!(
            (list.status, list.header("content-type"), &list.body),
            (200, "application/json", &file)
        );
        for entry in file.as_array().unwrap() {
            let found = server.get(&format!("/api/{service}/{}", entry["id"])).await;
            assert_eq!((found.status, &found.body), (200, entry));
        }
        for id in ["0", "7", "1abc", "healthy", "%31%20", "1.0", "-1"] {
            let missing = server.get(&format!("/api/{service}/{id}")).await;
            assert_eq!(
                (missing.status, &missing.body["message"]),
                (404, &json!(format!("There is no {noun} with this id."))),
                "{id}"
            );
            assert_eq!(
                missing.body["request_id"],
                missing.header("x-amzn-requestid")
            );
        }
        let health = server.get(&format!("/api/{service}/health")).await;
        assert_eq!(
            (health.status, health.body),
            (200, json!({"status": "ok", "service": service}))
        );
    }
}

#[tokio::test]
async fn an_encoded_digit_is_the_digit() {
    assert_eq!(
        TestServer::start().await.get("/api/books/%31").await.body["id"],
        1
    );
}
