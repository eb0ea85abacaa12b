//! Acknowledged writes survive every kind of end of the server.

use serde_json::json;
use tempfile::TempDir;

use crate::{
    binary::{Binary, Signal},
    client::send,
};

const ADD: &str = r#"{"aws_region":"us-east-1","aws_account":"123456789012","packages":[{"package_name":"p","package_version":"v"}]}"#;
const DIMENSION: &str = "/v1/scalableTargetDimensions/1-23456789";

#[tokio::test]
async fn data_survives_a_stop_and_a_kill() {
    let folder = TempDir::new().unwrap();
    let arguments = ["--data-dir", folder.path().to_str().unwrap()];

    let mut server = Binary::start(&arguments).await;
    assert_eq!(
        send(server.address(), "POST", "/ec2/stopped", ADD)
            .await
            .status,
        200
    );
    assert_eq!(
        send(
            server.address(),
            "PATCH",
            DIMENSION,
            r#"{"desiredCapacity":2.0}"#
        )
        .await
        .status,
        200
    );
    server.signal(Signal::Terminate);
    assert_eq!(server.exit_code().await, Some(0));

    let server = Binary::start(&arguments).await;
    assert_eq!(
        send(server.address(), "POST", "/ec2/killed", ADD)
            .await
            .status,
        200
    );
    server.kill().await;

    let server = Binary::start(&arguments).await;
    for id in ["stopped", "killed"] {
        let answer = send(server.address(), "GET", &format!("/ec2/{id}"), "").await;
        assert_eq!(
            answer.body["record"]["packages"],
            json!([{"package_name": "p", "package_version": "v"}]),
            "{}",
            answer.text
        );
    }
    let answer = send(server.address(), "GET", DIMENSION, "").await;
    assert_eq!(
        (
            &answer.body["desiredCapacity"],
            &answer.body["scalingStatus"]
        ),
        (&json!(2.0), &json!("InProgress"))
    );
}
