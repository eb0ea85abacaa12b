//! A request's calls, as reported in its log line, metrics and trace.

use fleet_aws::{DimensionsSettings, DynamoDimensions};
use fleet_core::{
    calls::{Call, Tally, tally_calls},
    inventory::{GetInstance as _, InstanceId},
    scaling::{DimensionId, ReadDimension as _},
};
use serde_json::json;

use crate::{
    canned::{CannedReply, config},
    fake_data_api::{CallFault, FakeDataApi, WorkMoment},
};

async fn tally(details: bool, exception: Option<&'static str>) -> Tally {
    let (_fake, inventory) = FakeDataApi::start(move |call| {
        let reply = CannedReply::error(400, exception?, "CANARY");
        let done = WorkMoment::Never;
        (call.nth == 1).then_some(CallFault { reply, done })
    });
    let id = InstanceId::parse("CANARY").unwrap();
    tally_calls(details, inventory.get(&id)).await.1
}

#[tokio::test(start_paused = true)]
async fn tries_and_waits_for_a_paused_database_are_counted() {
    for (exception, counts) in [
        (None, (1, 0, 0)),
        (Some("ThrottlingException"), (2, 1, 0)),
        (Some("DatabaseResumingException"), (2, 1, 1)),
    ] {
        let tally = tally(false, exception).await;
        assert_eq!(
            (tally.calls, tally.retries, tally.resumes),
            counts,
            "{exception:?}"
        );
        assert_eq!(tally.details, [], "nobody asked for them");
    }
}

#[tokio::test(start_paused = true)]
async fn each_call_is_told_without_a_value() {
    let tally = tally(true, Some("DatabaseResumingException")).await;
    let told: Vec<_> = tally
        .details
        .iter()
        .map(|call: &Call| {
            assert!(call.began <= call.ended);
            (
                call.operation.as_str(),
                call.attempts,
                call.status,
                call.exception.as_deref(),
                call.request_id.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (
                "ExecuteStatement",
                1,
                Some(400),
                Some("DatabaseResumingException"),
                Some("request-1")
            ),
            ("ExecuteStatement", 1, Some(200), None, Some("request-1")),
        ]
    );
    let text = format!("{:?}", tally.details);
    assert!(
        text.contains("RDS Data") && text.contains(":cluster:"),
        "{text}"
    );
    assert!(
        !text.contains("CANARY") && !text.contains("SELECT"),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_given_up_is_told_too() {
    let (_fake, inventory) = FakeDataApi::start(|_| {
        Some(CallFault {
            reply: CannedReply::Silence,
            done: WorkMoment::Never,
        })
    });
    let id = InstanceId::parse("i-1").unwrap();
    let tally = tally_calls(true, inventory.get(&id)).await.1;
    let last = tally.details.last().unwrap();
    assert_eq!(
        (last.operation.as_str(), last.status),
        ("ExecuteStatement", None)
    );
}

#[tokio::test(start_paused = true)]
async fn what_the_sdk_sends_again_is_a_retry_of_one_call() {
    let mut sent = 0;
    let config = config(move |_| {
        sent += 1;
        match sent {
            1 => CannedReply::Reset,
            _ => CannedReply::ok(&json!({})),
        }
    });
    let table = "fleet-dimensions".into();
    let dimensions = DynamoDimensions::new(&config, DimensionsSettings { table });
    let id = DimensionId::parse("1").unwrap();
    let tally = tally_calls(true, dimensions.read(&id)).await.1;
    assert_eq!((tally.calls, tally.retries), (2, 1));
    let attempts: Vec<_> = tally.details.iter().map(|call| call.attempts).collect();
    assert_eq!(attempts, [2]);
}
