//! A data folder that disappears under a running server: no write to it is acknowledged.

use std::fs;

use serde_json::{Value, json};

use crate::{
    binary::{Binary, Signal},
    client::{ServerAnswer, send},
};

const ADD: &str = r#"{"aws_region":"us-east-1","aws_account":"123456789012"}"#;
const PATCH: &str = r#"{"desiredCapacity":2.0}"#;
/// Every route that writes; in demo mode this includes a dimension's GET.
const WRITES: [(&str, &str, &str); 6] = [
    ("POST", "/ec2/i-2", ADD),
    ("DELETE", "/ec2/i-1", ""),
    ("PATCH", "/v1/scalableTargetDimensions/d-1", PATCH),
    ("PATCH", "/scalableTargetDimensions/d-2", PATCH),
    ("GET", "/v1/scalableTargetDimensions/d-1", ""),
    ("GET", "/scalableTargetDimensions/d-1", ""),
];

/// The log lines of one request.
fn lines<'a>(server: &'a Binary, answer: &ServerAnswer) -> Vec<&'a String> {
    let id = answer.header("x-amzn-requestid");
    assert!(!id.is_empty());
    let lines = server.said.iter();
    lines.filter(|line| line.contains(id)).collect()
}

#[tokio::test]
async fn nothing_is_acknowledged_into_a_folder_that_is_deleted_or_moved() {
    let folder = tempfile::tempdir().unwrap();
    let real = folder.path().canonicalize().unwrap();
    let (data, aside) = (real.join("data"), real.join("aside"));
    let arguments = ["--data-dir", data.to_str().unwrap()];
    let mut server = Binary::start(&arguments).await;
    let address = server.address();
    assert_eq!(send(address, "POST", "/ec2/i-1", ADD).await.status, 200);
    assert_eq!(
        send(address, WRITES[2].0, WRITES[2].1, PATCH).await.status,
        200
    );

    // Moved away and back, it is the same folder.
    fs::rename(&data, &aside).unwrap();
    assert_eq!(send(address, "POST", "/ec2/i-2", ADD).await.status, 503);
    fs::rename(&aside, &data).unwrap();
    assert_eq!(
        send(address, "GET", "/v1/health/ready", "").await.status,
        200
    );
    assert_eq!(send(address, "POST", "/ec2/i-3", ADD).await.status, 200);

    fs::remove_dir_all(&data).unwrap();
    let mut refused = Vec::new();
    for (method, path, body) in WRITES {
        let answer = send(address, method, path, body).await;
        assert_eq!(
            (answer.status, &answer.body["code"]),
            (503, &json!("Unavailable")),
            "{method} {path}: {}",
            answer.text
        );
        assert!(!answer.header("retry-after").is_empty() && !answer.text.contains("deleted"));
        refused.push(answer);
    }
    let ready = send(address, "GET", "/v1/health/ready", "").await;
    assert_eq!(
        (ready.status, &ready.body["checks"]),
        (
            503,
            &json!({"dynamodb": "unavailable", "data_api": "unavailable", "secret": "ok"})
        )
    );
    refused.push(ready);
    server.signal(Signal::Terminate);
    assert_eq!(server.exit_code().await, Some(0));
    for answer in &refused {
        let lines = lines(&server, answer);
        assert!(
            lines
                .iter()
                .any(|line| line.contains("was deleted or replaced while the server was running")),
            "{lines:#?}"
        );
    }
    let last = server.said.last().unwrap();
    assert_eq!(
        last,
        &format!("Stopped. The data folder {} is gone.", data.display())
    );
    assert!(!data.join("rds.sqlite").exists() && !data.join("dynamodb.sqlite").exists());
}

#[tokio::test]
async fn another_folder_in_its_place_is_not_written_to_either() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let arguments = ["--data-dir", data.to_str().unwrap()];
    let server = Binary::start(&arguments).await;
    fs::rename(&data, folder.path().join("aside")).unwrap();
    // A restored backup, say.
    let other = Binary::start(&arguments).await;
    for (method, path, body) in WRITES {
        let answer = send(server.address(), method, path, body).await;
        assert_eq!(answer.status, 503, "{method} {path}: {}", answer.text);
    }
    let found = send(other.address(), "GET", "/ec2/i-2", "").await;
    assert_eq!(found.body["record_found"], Value::Bool(false));
}
