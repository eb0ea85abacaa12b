//! The modes of the real server, set by its environment: a failure on purpose, and an owner that reports.

use std::{path::PathBuf, process::Stdio, time::Duration};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

use crate::program::simulate;

/// A running server. It is killed when this is dropped.
pub(crate) struct ExampleServer {
    _child: Child,
    pub(crate) base: String,
}

/// Cargo builds the examples with the tests, beside their folder.
pub(crate) fn example(name: &str) -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    tests
        .parent()
        .and_then(|deps| deps.parent())
        .unwrap()
        .join("examples")
        .join(name)
}

pub(crate) async fn start(environment: &[(&str, &str)]) -> ExampleServer {
    let mut child = Command::new(example("fleet_api"))
        .args([
            "--in-memory",
            "--listen",
            "127.0.0.1:0",
            "--aws-listen",
            "127.0.0.1:0",
        ])
        .env_clear()
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut base = None;
    while let Some(line) = lines.next_line().await.unwrap() {
        if let Some((_, address)) = line.split_once("answers on http://") {
            base = Some(format!("http://{address}"));
        }
        if line.contains("Ctrl-C") {
            break;
        }
    }
    // A pipe that nobody reads fills up, and the server would block on its log.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    ExampleServer {
        _child: child,
        base: base.unwrap(),
    }
}

#[tokio::test]
async fn a_failure_on_purpose_is_a_failed_activity() {
    let api = start(&[("SCALING_TEST_FAILURE", "true")]).await;
    let url = format!("{}/scalableTargetDimensions/1", api.base);
    let done = simulate(&[
        "--endpoint",
        &url,
        "--load",
        "constant(value=200)",
        "--duration",
        "4m",
        "--start",
        "2026-01-05T00:00:00Z",
    ])
    .await;
    assert_eq!(done.parts(), (Some(1), ""));
    let words = "Failed after 20s: Failed to set desired capacity to 4. Reason: Scaling fails on purpose while SCALING_TEST_FAILURE is true.";
    assert!(done.out.contains(words), "{}", done.out);
}

async fn ask(method: reqwest::Method, url: &str, body: Value) -> Value {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let answer = reqwest::Client::new()
        .request(method, url)
        .body(body)
        .send()
        .await
        .unwrap();
    serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
}

/// Reports as the owner of the resource does.
async fn own(url: String) {
    loop {
        let state = ask(reqwest::Method::GET, &url, Value::Null).await;
        if state["scalingStatus"] == "Pending" {
            ask(
                reqwest::Method::PATCH,
                &url,
                json!({"scalingStatus": "InProgress"}),
            )
            .await;
            let reached =
                json!({"actualCapacity": state["desiredCapacity"], "scalingStatus": "Successful"});
            ask(reqwest::Method::PATCH, &url, reached).await;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn in_production_mode_the_owner_ends_an_activity() {
    let api = start(&[("SCALING_MODE", "production")]).await;
    let url = format!("{}/scalableTargetDimensions/1", api.base);
    let owner = tokio::spawn(own(url.clone()));
    let options = [
        "--load",
        "constant(value=200)",
        "--duration",
        "20m",
        "--start",
        "2026-01-05T00:00:00Z",
        "--speed",
        "600",
        "--give-up",
        "7d",
    ];
    let done = simulate(&[&["--endpoint", &url], &options[..]].concat()).await;
    owner.abort();
    assert_eq!(done.parts(), (Some(0), ""), "{}", done.out);
    assert!(
        done.out.contains("Successfully set desired capacity to 4."),
        "{}",
        done.out
    );
}
