//! The handler with events of API Gateway, over a dimension in memory.

use fleet_core::scaling::{Dimension, DimensionNames, demo::DemoOutcome};
use fleet_core::settings::{ScalingMode, ScalingSettings};
use fleet_testing::{OneDimension, TestEvent};
use serde_json::{Value, json};

use crate::PatchDimensionFunction;

fn patch(mode: ScalingMode) -> PatchDimensionFunction<OneDimension> {
    PatchDimensionFunction::new(
        OneDimension::new(Dimension::INITIAL),
        ScalingSettings {
            mode,
            names: DimensionNames::default(),
        },
    )
}

fn demo() -> PatchDimensionFunction<OneDimension> {
    patch(ScalingMode::Demo(DemoOutcome::Succeed))
}

fn event() -> TestEvent {
    TestEvent::read("patch-scalable-dimension")
}

async fn refusal(function: &PatchDimensionFunction<OneDimension>, body: &str) -> String {
    let (status, answer) = event().body(body).send(function).await.parts();
    assert_eq!(status, 400, "{body}: {answer}");
    assert_eq!(answer.get("error_message"), None);
    assert_eq!(function.store.state(), Dimension::INITIAL, "{body}");
    answer["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_new_desired_capacity_makes_the_dimension_pending() {
    let expected = json!({
        "scalableTargetDimensionId": "1-23456789",
        "version": "MyVersion",
        "resourceName": "MyService",
        "dimensionName": "MyDimension",
        "actualCapacity": 1.0,
        "desiredCapacity": 2.0,
        "scalingStatus": "Pending",
    });
    for route in ["patch-scalable-dimension", "patch-v1-scalable-dimension"] {
        let answer = TestEvent::read(route)
            .body(r#"{"desiredCapacity": 2}"#)
            .send(&demo())
            .await;
        assert_eq!(answer.parts(), (200, expected.clone()));
    }
}

#[tokio::test]
async fn capacities_keep_their_fraction_in_the_text() {
    let answer = event()
        .body(r#"{"desiredCapacity": 2}"#)
        .send(&demo())
        .await;
    let Some(fleet_http::Body::Text(text)) = answer.response.body else {
        panic!("no text")
    };
    assert!(
        text.contains(r#""actualCapacity":1.0,"desiredCapacity":2.0,"#),
        "{text}"
    );
}

#[tokio::test]
async fn an_equal_desired_capacity_changes_nothing() {
    let (status, body) = event()
        .body(r#"{"desiredCapacity": 1.0}"#)
        .send(&demo())
        .await
        .parts();
    assert_eq!(
        (status, &body["scalingStatus"]),
        (200, &json!("Successful"))
    );
}

#[tokio::test]
async fn a_zero_may_have_a_sign() {
    for zero in ["-0", "-0.0", "-0e5", "-0.00E-400", "1e-400"] {
        let answer = event()
            .body(format!(r#"{{"desiredCapacity":{zero}}}"#))
            .send(&demo())
            .await;
        let (status, body) = answer.parts();
        assert_eq!(
            (status, &body["desiredCapacity"]),
            (200, &json!(0.0)),
            "{zero}"
        );
    }
}

#[tokio::test]
async fn bodies_that_are_wrong_are_refused_in_either_mode() {
    for mode in [
        ScalingMode::Demo(DemoOutcome::Succeed),
        ScalingMode::Production,
    ] {
        for (body, message) in [
            ("", "The request body must be a JSON object, but is empty."),
            (
                "2.0",
                "The request body must be a JSON object, but is a number.",
            ),
            (r#"{"desiredCapacity":-1}"#, "Illegal desired capacity -1.0"),
            (
                r#"{"desiredCapacity":-1e-400}"#,
                "Illegal desired capacity -1e-400",
            ),
            (
                r#"{"desired\u0043apacity":-0.00000000000000000000000000000000000000000000001e-300}"#,
                "Illegal desired capacity -0.0000000000000000000000000000000000000…",
            ),
            (
                r#"{"desiredCapacity":"2.0"}"#,
                "desiredCapacity must be a number, but is a string.",
            ),
            (
                r#"{"desiredCapacity":null}"#,
                "desiredCapacity must be a number, but is null.",
            ),
            (
                r#"{"desiredCapacity":true}"#,
                "desiredCapacity must be a number, but is a boolean.",
            ),
            (
                r#"{"desiredCapacity":NaN}"#,
                "Invalid request body: not valid JSON (line 1, column 20).",
            ),
            (
                r#"{"desiredCapacity":1e999}"#,
                "Invalid request body: a number out of the range of 64-bit floating point (line 1, column 24).",
            ),
        ] {
            assert_eq!(refusal(&patch(mode), body).await, message, "{mode:?}");
        }
    }
}

#[tokio::test]
async fn demo_mode_takes_the_desired_capacity_and_nothing_else() {
    for (body, message) in [
        ("{}", "desiredCapacity is missing."),
        (
            r#"{"x":1}"#,
            "Unknown field `x`; only desiredCapacity is allowed.",
        ),
        (
            r#"{"desiredCapacity":2,"x":1}"#,
            "Unknown field `x`; only desiredCapacity is allowed.",
        ),
        (
            r#"{"desiredCapacity":2,"scalingStatus":"Failed"}"#,
            "scalingStatus can be set only in production mode; demo mode takes desiredCapacity alone.",
        ),
    ] {
        assert_eq!(refusal(&demo(), body).await, message);
    }
}

#[tokio::test]
async fn production_mode_merges_what_it_is_sent() {
    let function = patch(ScalingMode::Production);
    let send = async |body: Value| {
        let (status, body) = event().body(body.to_string()).send(&function).await.parts();
        assert_eq!(status, 200, "{body}");
        (
            body["actualCapacity"].clone(),
            body["desiredCapacity"].clone(),
            body["scalingStatus"].clone(),
            body.get("failureReason").cloned(),
        )
    };
    let state = |actual: f64, desired: f64, status: &str, reason: Option<&str>| {
        (
            json!(actual),
            json!(desired),
            json!(status),
            reason.map(|text| json!(text)),
        )
    };
    assert_eq!(
        send(json!({"desiredCapacity": 4.5, "scalingStatus": "Successful"})).await,
        state(1.0, 4.5, "Pending", None)
    );
    assert_eq!(
        send(json!({"scalingStatus": "InProgress"})).await,
        state(1.0, 4.5, "InProgress", None)
    );
    assert_eq!(
        send(json!({"scalingStatus": "Failed", "failureReason": "no quota"})).await,
        state(1.0, 4.5, "Failed", Some("no quota"))
    );
    assert_eq!(
        send(json!({"desiredCapacity": 4.5})).await,
        state(1.0, 4.5, "Pending", None)
    );
    assert_eq!(
        send(json!({"actualCapacity": 4.0, "scalingStatus": "Successful"})).await,
        state(4.0, 4.5, "Pending", None)
    );
    assert_eq!(
        send(json!({"actualCapacity": 4.5, "scalingStatus": "Successful"})).await,
        state(4.5, 4.5, "Successful", None)
    );
}

#[tokio::test]
async fn production_mode_refuses_what_makes_no_state() {
    let fields = "desiredCapacity, actualCapacity, scalingStatus, failureReason";
    for (body, message) in [
        (
            "{}",
            format!("The request body must have at least one of {fields}."),
        ),
        (
            r#"{"actualCapacity":-0.5}"#,
            "Illegal actual capacity -0.5".to_owned(),
        ),
        (
            r#"{"scalingStatus":"failed"}"#,
            "scalingStatus must be one of Pending, InProgress, Successful, Failed.".to_owned(),
        ),
        (
            r#"{"failureReason":"why"}"#,
            "failureReason is allowed only with scalingStatus Failed.".to_owned(),
        ),
        (
            r#"{"scalingStatus":"Failed","failureReason":""}"#,
            "failureReason must not be empty.".to_owned(),
        ),
        (
            r#"{"version":"2"}"#,
            format!("Unknown field `version`; allowed are {fields}."),
        ),
    ] {
        assert_eq!(
            refusal(&patch(ScalingMode::Production), body).await,
            message
        );
    }
}

#[tokio::test]
async fn an_encoded_slash_is_a_slash() {
    for event in ["patch-scalable-dimension", "patch-v1-scalable-dimension"] {
        let (status, body) = TestEvent::read(event)
            .raw_path_parameter("scalableTargetDimensionId", "d%2Fe")
            .send(&demo())
            .await
            .parts();
        assert_eq!(
            (status, &body["code"], &body["message"]),
            (
                400,
                &json!("InvalidParameter"),
                &json!("scalableTargetDimensionId must not contain a slash (/).")
            )
        );
    }
}

#[tokio::test]
async fn an_id_that_no_dimension_can_have_is_400() {
    for (id, message) in [
        ("", "scalableTargetDimensionId must not be empty."),
        (
            "a/b",
            "scalableTargetDimensionId must not contain a slash (/).",
        ),
        (
            "a\r\nb",
            "scalableTargetDimensionId must be printable text, but its character 2 is U+000D.",
        ),
        (
            &"x".repeat(256),
            "scalableTargetDimensionId must be at most 255 characters long, but has 256.",
        ),
    ] {
        let (status, body) = event()
            .path_parameter("scalableTargetDimensionId", id)
            .send(&demo())
            .await
            .parts();
        assert_eq!((status, &body["message"]), (400, &json!(message)));
    }
}

/// Sends `body` with `If-Match`, if given; returns the status, the state's tag and the body.
async fn sent(
    function: &PatchDimensionFunction<OneDimension>,
    if_match: Option<&str>,
    body: &str,
) -> (i64, String, Value) {
    let event = match if_match {
        None => event(),
        Some(tags) => event().header("if-match", tags),
    };
    let answer = event.body(body).send(function).await;
    let tag = answer.response.headers["etag"].to_str().unwrap().to_owned();
    (answer.status, tag, answer.body)
}

#[tokio::test]
async fn a_change_is_made_only_while_if_match_holds() {
    for mode in [
        ScalingMode::Demo(DemoOutcome::Succeed),
        ScalingMode::Production,
    ] {
        let function = patch(mode);
        let known = "\"x\", \"initial\"";
        let (status, first, _) = sent(&function, Some(known), r#"{"desiredCapacity":4}"#).await;
        assert_eq!(status, 200);
        assert_ne!(first, "\"initial\"");
        for stale in [known, "\"x\"", &format!("W/{first}")] {
            let before = function.store.state();
            let (status, tag, body) =
                sent(&function, Some(stale), r#"{"desiredCapacity":8}"#).await;
            assert_eq!((status, &tag), (412, &first), "{stale}");
            assert_eq!(
                body,
                json!({
                    "code": "PreconditionFailed",
                    "message": "The dimension has changed: If-Match does not match its current state.",
                    "request_id": body["request_id"],
                    "scalableTargetDimensionId": "1-23456789",
                    "version": "MyVersion",
                    "resourceName": "MyService",
                    "dimensionName": "MyDimension",
                    "actualCapacity": 1.0,
                    "desiredCapacity": 4.0,
                    "scalingStatus": "Pending",
                })
            );
            assert!(body["request_id"].as_str().is_some_and(|id| !id.is_empty()));
            assert_eq!(function.store.state(), before);
        }
        for fresh in [first.as_str(), "*"] {
            let (status, tag, _) = sent(&function, Some(fresh), r#"{"desiredCapacity":4}"#).await;
            assert_eq!((status, &tag), (200, &first), "nothing changed");
        }
        let (_, second, _) = sent(&function, None, r#"{"desiredCapacity":8}"#).await;
        assert_ne!(second, first);
    }
}

#[tokio::test]
async fn an_if_match_that_is_none_changes_nothing() {
    let function = demo();
    let answer = event()
        .header("if-match", "initial")
        .body(r#"{"desiredCapacity":4}"#)
        .send(&function)
        .await;
    assert_eq!(
        (answer.status, &answer.body["message"]),
        (
            400,
            &json!("If-Match must be * or a list of quoted entity tags, as in the ETag header.")
        )
    );
    assert_eq!(function.store.state(), Dimension::INITIAL);
}

#[tokio::test]
async fn an_earlier_state_that_comes_back_has_a_new_tag() {
    let function = patch(ScalingMode::Production);
    let mut tags = Vec::new();
    for body in [
        r#"{"desiredCapacity":4}"#,
        r#"{"scalingStatus":"InProgress"}"#,
        r#"{"scalingStatus":"Failed"}"#,
        r#"{"desiredCapacity":4}"#,
        r#"{"scalingStatus":"InProgress"}"#,
    ] {
        tags.push(sent(&function, None, body).await.1);
    }
    let distinct: std::collections::HashSet<_> = tags.iter().collect();
    assert_eq!(distinct.len(), tags.len(), "{tags:?}");
    // The owner that was given up in the first attempt cannot end the second.
    let late = r#"{"scalingStatus":"Failed","failureReason":"too late"}"#;
    assert_eq!(sent(&function, Some(&tags[1]), late).await.0, 412);
}

#[tokio::test]
async fn a_rehearsal_changes_a_dimension() {
    for mode in [
        ScalingMode::Production,
        ScalingMode::Demo(DemoOutcome::Succeed),
    ] {
        let function = patch(mode);
        assert_eq!(fleet_http::rehearsal(&function).await, Some(200));
        assert_ne!(function.store.state(), Dimension::INITIAL);
    }
}
