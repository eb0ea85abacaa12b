//! Endpoints that break the contract: each breach is reported, and nothing is changed if the first GET shows it.

use serde_json::{Value, json};

use crate::{
    program::simulate,
    stub::{Stub, obey, plain, state},
};

const SCALES_OUT: [&str; 6] = [
    "--load",
    "constant(value=200)",
    "--duration",
    "10m",
    "--start",
    "2026-01-05T00:00:00Z",
];

fn with(key: &str, value: Value) -> String {
    let mut changed = state();
    changed[key] = value;
    changed.to_string()
}

#[tokio::test]
async fn a_breach_in_the_first_answer_is_told_before_anything_changes() {
    let without = |key: &str| {
        let mut changed = state();
        changed.as_object_mut().unwrap().remove(key);
        changed.to_string()
    };
    for (status, body, words) in [
        (
            200,
            String::new(),
            "the body is empty, and must be a JSON object",
        ),
        (
            200,
            "<html>".to_owned(),
            "the body is not JSON (expected value at line 1 column 1)",
        ),
        (
            200,
            "[]".to_owned(),
            "the body is an array, and must be an object",
        ),
        (200, without("version"), "version is missing"),
        (200, without("actualCapacity"), "actualCapacity is missing"),
        (
            200,
            with("desiredCapacity", json!("1")),
            r#"desiredCapacity is the string "1", and must be a number"#,
        ),
        (
            200,
            with("actualCapacity", json!(-1)),
            "actualCapacity is -1, and must not be negative",
        ),
        (
            200,
            with("scalingStatus", json!("Done")),
            r#"scalingStatus is "Done", and must be Pending, InProgress, Successful or Failed"#,
        ),
        (
            200,
            with("scalableTargetDimensionId", json!("2")),
            r#"scalableTargetDimensionId is "2", and the address asks for "1-23456789""#,
        ),
        (
            200,
            with("resourceName", json!(7)),
            "resourceName is the number 7, and must be a string",
        ),
        (
            200,
            " ".repeat(70_000),
            "the body is longer than 65536 bytes, and must be one state",
        ),
        (
            201,
            state().to_string(),
            "the status of the answer to a GET is 201, and must be 200",
        ),
    ] {
        let stub = Stub::start(move |_, _| plain(status, &body)).await;
        let done = simulate(&[&["--endpoint", &stub.url], &SCALES_OUT[..]].concat()).await;
        let sentence = format!(
            "simulate-scaling: {} breaks the contract: {words}. Nothing was changed.\n",
            stub.url
        );
        assert_eq!(done.parts(), (Some(1), sentence.as_str()));
        assert_eq!(stub.patches(), 0);
    }
}

#[tokio::test]
async fn a_patch_that_is_not_taken_over_is_a_breach() {
    let stub = Stub::start(|_, state| plain(200, state)).await;
    let done = simulate(&[&["--endpoint", &stub.url], &SCALES_OUT[..]].concat()).await;
    assert_eq!(
        done.parts(),
        (
            Some(1),
            "simulate-scaling: The endpoint breaks the contract: desiredCapacity is 1 in the answer to a PATCH that asked for 4. \
             The simulation ends here, at 2026-01-05T00:03:00Z.\n"
        )
    );
    assert!(
        done.out.contains(
            "Failed: Failed to set desired capacity to 4. Reason: The endpoint breaks the contract"
        ),
        "{}",
        done.out
    );
}

#[tokio::test]
async fn a_changed_version_ends_the_scaling() {
    let stub = Stub::start(|request, state| {
        let answer = obey(request, state);
        if request.method == "PATCH" {
            state["version"] = json!("v2");
        }
        answer
    })
    .await;
    let done = simulate(&[&["--endpoint", &stub.url], &SCALES_OUT[..]].concat()).await;
    assert_eq!(done.code, Some(1));
    assert!(
        done.err.contains(
            r#"version is "v2" and was "v1": a target whose version changes is no longer scaled"#
        ),
        "{}",
        done.err
    );
}

#[tokio::test]
async fn check_asks_and_changes_nothing() {
    let stub = Stub::start(obey).await;
    let done = simulate(&["--endpoint", &stub.url, "--check"]).await;
    let sentence = format!(
        "{} keeps the contract: actual capacity 1, desired capacity 1, Successful, version \"v1\". \
         It accepts a PATCH that changes nothing.\n\
         Application Auto Scaling would refuse to register it:\n  \
         A resource id must begin with https://.\n  \
         A resource id must have a host with a public name, such as API_ID.execute-api.REGION.amazonaws.com.\n",
        stub.url
    );
    assert_eq!(
        (done.code, done.out, done.err.as_str()),
        (Some(0), sentence, "")
    );
    let requests = stub.requests();
    assert_eq!((requests.len(), stub.patches()), (2, 1));
    assert_eq!(requests[1].body, r#"{"desiredCapacity":1.0}"#);
}

#[tokio::test]
async fn check_tells_of_an_endpoint_that_refuses_a_patch() {
    let stub = Stub::start(|request, state| match request.method.as_str() {
        "GET" => plain(200, state),
        _ => plain(405, ""),
    })
    .await;
    let done = simulate(&["--endpoint", &stub.url, "--check"]).await;
    let sentence = format!(
        "simulate-scaling: {} answers a PATCH with 405: it must take GET and PATCH.\n",
        stub.url
    );
    assert_eq!(done.parts(), (Some(1), sentence.as_str()));
}

#[tokio::test]
async fn check_patches_nothing_that_would_begin_a_new_try_or_cannot_be_asked_for() {
    for (key, value, words) in [
        (
            "scalingStatus",
            json!("Failed"),
            "after Failed it may be a new try",
        ),
        (
            "desiredCapacity",
            json!(1.5),
            "has only whole capacities up to 2147483647",
        ),
    ] {
        let answer = with(key, value);
        let stub = Stub::start(move |_, _| plain(200, &answer)).await;
        let done = simulate(&["--endpoint", &stub.url, "--check"]).await;
        assert!(
            done.code == Some(0) && done.out.contains(words),
            "{}{}",
            done.out,
            done.err
        );
        assert_eq!(stub.patches(), 0);
    }
}

#[tokio::test]
async fn wrong_options_ask_nothing_and_leave_nothing() {
    let stub = Stub::start(obey).await;
    for options in [
        &["--max", "0"][..],
        &["--out", "/proc/nowhere"],
        &["--svg", "/"],
        &["--load", "nowhere.csv"],
    ] {
        let load = if options[0] == "--load" {
            &[][..]
        } else {
            &["--load", "constant(value=1)"]
        };
        let done = simulate(&[&["--endpoint", &stub.url], load, options].concat()).await;
        assert_eq!(
            (done.code, done.out.as_str()),
            (Some(2), ""),
            "{}",
            done.err
        );
        assert!(!done.err.contains("panicked"), "{}", done.err);
    }
    assert!(stub.requests().is_empty());
}

#[tokio::test]
async fn success_with_another_capacity_is_remarked() {
    let stub = Stub::start(|request, state| {
        if request.method == "PATCH" {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            state["desiredCapacity"] = body["desiredCapacity"].clone();
        }
        plain(200, state)
    })
    .await;
    let done = simulate(&[&["--endpoint", &stub.url], &SCALES_OUT[..]].concat()).await;
    let remark =
        "The endpoint says Successful with an actual capacity of 1, and the desired one is 4.";
    assert!(done.out.contains(remark), "{}{}", done.out, done.err);
    let obedient = Stub::start(obey).await;
    let done = simulate(&[&["--endpoint", &obedient.url], &SCALES_OUT[..]].concat()).await;
    assert!(!done.out.contains("The endpoint says"), "{}", done.out);
}

#[tokio::test]
async fn load_that_waits_with_nothing_to_do_it_is_remarked_once() {
    let stub = Stub::start(obey).await;
    let done = simulate(&[
        "--endpoint",
        &stub.url,
        "--min",
        "0",
        "--load",
        "step(from=0, to=100, at=40m)",
        "--duration",
        "1h",
        "--start",
        "2026-01-05T00:00:00Z",
    ])
    .await;
    let remark = "2026-01-05T00:41:00Z  The capacity is 0 and there is load: nothing works on it until a scale-out has ended.";
    assert_eq!(
        done.out.matches("The capacity is 0").count(),
        1,
        "{}",
        done.out
    );
    assert!(done.out.contains(remark), "{}", done.out);
}
