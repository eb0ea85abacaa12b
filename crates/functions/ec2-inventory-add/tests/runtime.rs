//! The function's binary under the Lambda Runtime API.

use fleet_testing::{TestEvent, runtime};

const BINARY: &str = env!("CARGO_BIN_EXE_ec2-inventory-add");

/// The event needs no store, and none is available.
#[tokio::test]
async fn the_binary_answers_an_event_of_api_gateway() {
    let event = TestEvent::read("post-ec2-instance").body("{}");
    let answer = runtime::invoke_without_calls(BINARY, runtime::INVENTORY, &event).await;
    assert_eq!(answer["statusCode"], 400);
    assert!(
        answer["body"]
            .as_str()
            .unwrap()
            .contains("aws_region is missing."),
        "{answer}"
    );
}

#[tokio::test]
async fn a_missing_setting_stops_the_start_and_is_named() {
    runtime::needs_each_setting(BINARY, runtime::INVENTORY).await;
}

/// The event of a client that sends `header`, as JSON, and secrets everywhere.
fn secretive(header: &str, body: &str) -> String {
    let body = serde_json::Value::from(body);
    format!(
        r#"{{"resource":"/ec2/{{aws_instance_id}}","path":"/ec2/CANARY","httpMethod":"POST",
            "headers":{{"authorization":"CANARY","x-api-key":"CANARY","x-odd":{header}}},
            "multiValueHeaders":{{"authorization":["CANARY"],"x-api-key":["CANARY"],"x-odd":[{header}]}},
            "pathParameters":{{"aws_instance_id":"CANARY"}},"body":{body},
            "requestContext":{{"httpMethod":"POST","requestId":"r-1","identity":{{"apiKey":"CANARY"}}}}}}"#
    )
}

/// Settings for the most verbose logging.
fn loud() -> Vec<(&'static str, &'static str)> {
    [
        runtime::INVENTORY,
        &[("RUST_LOG", "trace"), ("AWS_LAMBDA_LOG_LEVEL", "TRACE")],
    ]
    .concat()
}

#[tokio::test]
async fn the_log_never_shows_the_event_and_says_why_it_was_refused() {
    for (body, cause) in [
        (r#"{"CANARY":1}"#, "unknown field"),
        (
            r#"{"CANARY":1,"CANARY":2}"#,
            "the request body: duplicate field",
        ),
        (
            r#"{"aws_region":["CANARY"]}"#,
            "aws_region must be a string, but is a list",
        ),
        ("CANARY", "the request body: not valid JSON"),
    ] {
        let invoked = runtime::invoke_raw(BINARY, &loud(), &secretive(r#""1""#, body)).await;
        assert_eq!(invoked.response["statusCode"], 400);
        assert!(!invoked.log.contains("CANARY"), "{}", invoked.log);
        let line = format!(r#""cause":"{cause}""#);
        assert!(invoked.log.contains(&line), "{line}: {}", invoked.log);
    }
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_refused_in_our_shape() {
    let events = [
        secretive(r#""CANARY\u0001""#, "{}"),
        secretive(r#""1""#, "{}").replace(r#"{"aws_instance_id":"CANARY"}"#, r#"{"a":null}"#),
        r#"{"resource":"/a","httpMethod":"GET","requestContext":null,"body":"CANARY"}"#.to_owned(),
        r#"{"version":"2.0","rawPath":"/CANARY","requestContext":{"http":{"method":"GET"}}}"#.to_owned(),
        r#"{"httpMethod":"GET","path":"/CANARY","requestContext":{"elb":{"targetGroupArn":"CANARY"}}}"#.to_owned(),
        r#"{"source":"CANARY","detail":{}}"#.to_owned(),
        r#"[1e400,"CANARY"]"#.to_owned(),
    ];
    for event in events {
        let invoked = runtime::invoke_raw(BINARY, &loud(), &event).await;
        let body = invoked.response["body"].as_str().unwrap();
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(
            (
                &invoked.response["statusCode"],
                &body["code"],
                &body["request_id"]
            ),
            (
                &400.into(),
                &"InvalidRequest".into(),
                &runtime::REQUEST_ID.into()
            ),
            "{event}"
        );
        assert_eq!(body["message"], body["error_message"]);
        let shown = format!("{}{}", invoked.response, invoked.log);
        assert!(!shown.contains("CANARY"), "{shown}");
        let ids = invoked.log.matches(r#""message":"request""#).count();
        assert_eq!(ids, 1, "{}", invoked.log);
    }
}

#[tokio::test]
async fn a_ping_is_a_quiet_200() {
    for event in ["{}", r#"{"source":"aws.events"}"#] {
        let invoked = runtime::invoke_raw(BINARY, runtime::INVENTORY, event).await;
        assert_eq!(invoked.response["statusCode"], 200);
        assert_eq!(invoked.log, "");
    }
}

/// `sam local start-api` decodes path parameters itself, and uses the same id for all requests.
#[tokio::test]
async fn under_sam_local_nothing_is_decoded_twice_and_the_id_is_the_invocations() {
    let settings = [runtime::INVENTORY, &[("AWS_SAM_LOCAL", "true")]].concat();
    let event = TestEvent::read("post-ec2-instance")
        .raw_path_parameter("aws_instance_id", "100%")
        .body("{}");
    // The event in a file for `sam local invoke` is encoded as AWS sent it.
    let recorded = runtime::invoke(BINARY, &settings, &event).await.to_string();
    let refusal = "aws_instance_id must be percent-encoded UTF-8.";
    assert!(recorded.contains(refusal), "{recorded}");

    let event = event.of_api("1234567890");
    let answer = runtime::invoke(BINARY, &settings, &event).await;
    let body = answer["body"].as_str().unwrap();
    // The id is accepted, so the error is about the body.
    assert!(body.contains("aws_region is missing."), "{body}");
    assert!(body.contains(runtime::REQUEST_ID), "{body}");
}

#[tokio::test]
async fn a_setting_says_that_the_host_decodes() {
    let decoded = [runtime::INVENTORY, &[("FLEET_PATH_PARAMETERS", "decoded")]].concat();
    let event = TestEvent::read("post-ec2-instance").body("{}");
    let raw = event.clone().raw_path_parameter("aws_instance_id", "100%");
    let answer = runtime::invoke(BINARY, &decoded, &raw).await.to_string();
    assert!(answer.contains("aws_region is missing."), "{answer}");
    let answer = runtime::invoke(BINARY, runtime::INVENTORY, &raw)
        .await
        .to_string();
    assert!(
        answer.contains("aws_instance_id must be percent-encoded UTF-8."),
        "{answer}"
    );
}
