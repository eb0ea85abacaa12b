//! The probe of the database's secret.

use std::time::Duration;

use fleet_aws::{InventorySettings, SecretProbe};
use fleet_core::{calls::count_calls, readiness::Probe, store::StoreError};
use serde_json::json;
use tokio::time::Instant;

use crate::canned::{CannedReply, CannedRequest, config};

fn secret(script: impl FnMut(CannedRequest) -> CannedReply + Send + 'static) -> SecretProbe {
    let settings = InventorySettings {
        cluster_arn: "arn:aws:rds:us-east-1:000000000000:cluster:fleet".into(),
        secret: "fleet-db".into(),
        database: "ec2_inventory_db".into(),
    };
    SecretProbe::new(&config(script), &settings)
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_there_is_described_once() {
    let secret = secret(|request| {
        assert_eq!(
            (request.operation.as_str(), &request.body),
            ("DescribeSecret", &json!({ "SecretId": "fleet-db" }))
        );
        CannedReply::ok(&json!({ "Name": "fleet-db" }))
    });
    let (answer, calls) = count_calls(secret.probe()).await;
    assert!(answer.is_ok());
    assert_eq!(calls, 1);
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_cannot_be_read_is_a_fault() {
    for exception in [
        "ResourceNotFoundException",
        "AccessDeniedException",
        "InvalidParameterException",
    ] {
        let answer = secret(move |_| CannedReply::error(400, exception, "no"))
            .probe()
            .await;
        assert!(
            matches!(answer, Err(StoreError::Fault { .. })),
            "{exception}: {answer:?}"
        );
    }
    let deleted =
        secret(|_| CannedReply::ok(&json!({ "Name": "fleet-db", "DeletedDate": 1_700_000_000 })))
            .probe()
            .await;
    assert!(
        matches!(deleted, Err(StoreError::Fault { .. })),
        "{deleted:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_service_that_does_not_answer_is_unavailable_within_three_seconds() {
    let replies: [fn() -> CannedReply; 4] = [
        || CannedReply::error(500, "InternalServiceError", "oops"),
        || CannedReply::error(400, "ThrottlingException", "slow down"),
        || CannedReply::Reset,
        || CannedReply::Silence,
    ];
    for reply in replies {
        let begun = Instant::now();
        let answer = secret(move |_| reply()).probe().await;
        assert!(
            matches!(answer, Err(StoreError::Unavailable { .. })),
            "{answer:?}"
        );
        assert!(begun.elapsed() <= Duration::from_secs(3));
    }
}
