//! `--stage`: everything is below the stage's name, as with API Gateway's own URLs.

use crate::{client, support::TestServer};

#[tokio::test]
async fn routes_are_below_the_stage_and_nothing_is_beside_it() {
    let server =
        TestServer::start_with(|options| options.stage = Some("prod".parse().unwrap())).await;
    assert!(server.running().base_url().ends_with("/prod"));
    let get = async |path: &str| client::send(server.address(), "GET", path, "").await;
    assert_eq!(get("/prod/api/books/1").await.body["id"], 1);
    let path = "/prod/v1/scalableTargetDimensions/a%20b";
    let body = r#"{"desiredCapacity":2}"#;
    let patched = client::send(server.address(), "PATCH", path, body).await;
    assert_eq!(patched.body["scalableTargetDimensionId"], "a b");
    assert_eq!(get("/prod/v1").await.status, 200);
    for path in ["/prod", "/prod/", "/prod/none", "/prod/prod/v1"] {
        let answer = get(path).await;
        assert_eq!(
            (answer.status, answer.text.as_str()),
            (403, r#"{"message":"Missing Authentication Token"}"#),
            "{path}"
        );
    }
    for path in ["/", "/v1", "/api/books/1", "/dev/v1", "/production/v1"] {
        let headers = [("accept", "text/html")];
        let answer = client::send_with(server.address(), "GET", path, &headers, "").await;
        assert_eq!(
            (answer.status, answer.text.as_str()),
            (403, r#"{"message":"Forbidden"}"#),
            "{path}"
        );
        assert_eq!(answer.header("x-amzn-errortype"), "ForbiddenException");
    }
}

#[tokio::test]
async fn examples_to_try_are_below_the_stage() {
    let server =
        TestServer::start_with(|options| options.stage = Some("prod".parse().unwrap())).await;
    for example in server.running().examples() {
        assert!(example.contains("/prod/"), "{example}");
    }
}
