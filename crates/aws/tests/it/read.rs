//! Reading, listing and probing, with every failure.

use std::time::Duration;

use fleet_core::{
    calls::count_calls,
    inventory::{GetInstance, InstanceFilter, InstanceId, ListInstances, PageLimit},
    readiness::Probe,
    store::StoreError,
};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    canned::{CannedReply, is_short},
    fake_data_api::{CallFault, FakeDataApi, WorkMoment},
    faults::{FaultCase, FaultPolicy, all},
};

fn id() -> InstanceId {
    InstanceId::parse("i-1").unwrap()
}

fn first_call(
    case: FaultCase,
    name: &'static str,
) -> (
    FakeDataApi,
    fleet_aws::DataApiInventory,
    FaultPolicy,
    &'static str,
) {
    let (policy, told) = (case.policy, case.name);
    let (fake, inventory) = FakeDataApi::start(move |call| {
        if call.name == name && call.nth == 1 {
            case.undone()
        } else {
            None
        }
    });
    (fake.occupied(), inventory, policy, told)
}

fn assert_refused<T: std::fmt::Debug>(
    answer: Result<T, StoreError>,
    policy: FaultPolicy,
    name: &str,
) {
    match (policy, answer) {
        (FaultPolicy::Unavailable, Err(StoreError::Unavailable { retry_after, .. })) => {
            assert!(is_short(retry_after))
        }
        (FaultPolicy::Fault, Err(StoreError::Fault { .. })) => {}
        (_, answer) => panic!("{name}: {answer:?}"),
    }
}

fn retried(policy: FaultPolicy) -> bool {
    matches!(policy, FaultPolicy::Again | FaultPolicy::Gone)
}

#[tokio::test(start_paused = true)]
async fn an_ordinary_record_is_one_call() {
    let (fake, inventory) = FakeDataApi::start(|_| None);
    assert_eq!(count_calls(inventory.get(&id())).await.1, 1);
    let fake = fake.occupied();
    let found = inventory.get(&id()).await.unwrap().unwrap();
    assert_eq!(found.summary.created.to_string(), "2019-03-06 02:45:32.0");
    assert_eq!(fake.calls(), "get get");
}

#[tokio::test(start_paused = true)]
async fn a_read_that_fails_is_sent_again_or_refused() {
    for case in all() {
        let (fake, inventory, policy, name) = first_call(case, "get");
        let answer = inventory.get(&id()).await;
        if retried(policy) {
            assert!(answer.unwrap().is_some(), "{name}");
            assert_eq!(fake.calls(), "get get", "{name}");
        } else {
            assert_refused(answer, policy, name);
            assert_eq!(fake.calls(), "get", "{name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_fails_is_sent_again_or_refused() {
    for case in all() {
        let (fake, inventory, policy, name) = first_call(case, "list");
        let answer = inventory
            .list(&InstanceFilter::default(), None, PageLimit::default())
            .await;
        if retried(policy) {
            assert!(answer.unwrap().records.is_empty(), "{name}");
            assert_eq!(fake.calls(), "list list", "{name}");
        } else {
            assert_refused(answer, policy, name);
            assert_eq!(fake.calls(), "list", "{name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_wakes_in_time_is_waited_for() {
    for (wakes_after, in_time) in [
        (0, true),
        (5, true),
        (15, true),
        (20, true),
        (30, false),
        (60, false),
    ] {
        let (_, inventory) = FakeDataApi::start(move |call| {
            (call.at < Duration::from_secs(wakes_after))
                .then(|| all().remove(0).undone())
                .flatten()
        });
        let begun = Instant::now();
        let answer = inventory.get(&id()).await;
        assert!(
            begun.elapsed() <= Duration::from_secs(28),
            "{wakes_after}: {:?}",
            begun.elapsed()
        );
        match answer {
            Ok(found) => assert!(in_time && found.is_none(), "{wakes_after}"),
            Err(StoreError::Unavailable { retry_after, .. }) => {
                assert!(
                    !in_time && retry_after == Duration::from_secs(15),
                    "{wakes_after}"
                );
            }
            Err(error) => panic!("{wakes_after}: {error:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_goes_away_and_comes_back_is_read_again() {
    let (_, inventory) = FakeDataApi::start(|call| {
        let away = (Duration::from_secs(1)..Duration::from_secs(100)).contains(&call.at);
        away.then_some(CallFault {
            reply: CannedReply::Reset,
            done: WorkMoment::Never,
        })
    });
    assert!(inventory.get(&id()).await.is_ok());
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(matches!(
        inventory.get(&id()).await,
        Err(StoreError::Unavailable { .. })
    ));
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert!(inventory.get(&id()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_probe_asks_once_unless_its_connection_broke() {
    for case in all() {
        let name = case.name;
        if name == "reset" {
            // A kept-alive connection that died while the function was frozen says nothing about the store.
            let (fake, inventory, ..) = first_call(case, "one");
            inventory.probe().await.unwrap();
            assert_eq!(fake.calls(), "one one", "{name}");
            continue;
        }
        let refused = matches!(case.policy, FaultPolicy::Fault);
        let (fake, inventory, ..) = first_call(case, "one");
        let begun = Instant::now();
        match inventory.probe().await {
            Err(StoreError::Fault { .. } | StoreError::Schema { .. }) => assert!(refused, "{name}"),
            Err(StoreError::Unavailable { .. }) => assert!(!refused, "{name}"),
            Ok(()) => panic!("{name}"),
        }
        assert!(begun.elapsed() <= Duration::from_secs(3), "{name}");
        assert!(inventory.probe().await.is_ok());
        assert_eq!(fake.calls(), "one one", "{name}");
    }
}

/// Rows of packages `first..last` in the form of a response.
fn packages(range: std::ops::Range<usize>) -> Vec<Value> {
    range.map(|n| json!([{ "longValue": 1 }, { "stringValue": format!("p{n:05}") }, { "stringValue": "1" }, { "isNull": true }])).collect()
}

fn instance_row() -> Value {
    json!([{ "longValue": 0 }, { "stringValue": "r" }, { "stringValue": "1" }, { "stringValue": "2019-03-06 02:45:32" }])
}

/// Returns a record with 1,500 packages; the call named `fails` fails once.
fn long_record(fails: &'static str) -> (FakeDataApi, fleet_aws::DataApiInventory) {
    let mut failed = false;
    FakeDataApi::start(move |call| {
        let reply = |rows: Vec<Value>| {
            Some(CallFault {
                reply: CannedReply::ok(&json!({ "records": rows })),
                done: WorkMoment::Never,
            })
        };
        if call.name == fails && !failed {
            failed = true;
            return Some(CallFault {
                reply: CannedReply::error(503, "ServiceUnavailableError", "down"),
                done: WorkMoment::Never,
            });
        }
        match call.name {
            "get" => reply(
                std::iter::once(instance_row())
                    .chain(packages(0..1_000))
                    .collect(),
            ),
            "next" => reply(packages(1_000..1_500)),
            _ => None,
        }
    })
}

#[tokio::test(start_paused = true)]
async fn a_long_record_is_read_whole_within_one_transaction() {
    let (fake, inventory) = long_record("");
    let found = inventory.get(&id()).await.unwrap().unwrap();
    assert_eq!(found.packages.as_slice().len(), 1_500);
    assert!(found.packages.as_slice().is_sorted());
    assert_eq!(fake.calls(), "get begin get next rollback");
}

#[tokio::test(start_paused = true)]
async fn a_long_record_that_fails_half_way_is_read_again_from_its_beginning() {
    for (fails, calls) in [
        ("begin", "get begin get begin get next rollback"),
        (
            "next",
            "get begin get next rollback get begin get next rollback",
        ),
        ("rollback", "get begin get next rollback rollback"),
    ] {
        let (fake, inventory) = long_record(fails);
        assert_eq!(
            inventory
                .get(&id())
                .await
                .unwrap()
                .unwrap()
                .packages
                .as_slice()
                .len(),
            1_500
        );
        assert_eq!(fake.calls(), calls);
    }
}

#[tokio::test(start_paused = true)]
async fn a_row_that_is_none_of_ours_is_a_fault() {
    let text = |text: &str| json!({ "stringValue": text });
    let date = "2019-03-06 02:45:32";
    for rows in [
        json!([[{ "longValue": 0 }]]),
        json!([[{ "longValue": 1 }, text("r"), text("1"), text(date)]]),
        json!([[{ "longValue": 0 }, text(""), text("1"), text(date)]]),
        json!([[{ "longValue": 0 }, text("r"), text("12345678901234"), text(date)]]),
        json!([[{ "longValue": 0 }, text("r"), text("1"), text("yesterday")]]),
        json!([[{ "longValue": 0 }, text("r"), text("1"), { "isNull": true }]]),
        json!([instance_row(), [{ "longValue": 1 }, text("p "), text("1"), { "isNull": true }]]),
        json!([instance_row(), instance_row()]),
    ] {
        let told = rows.to_string();
        let (fake, inventory) = FakeDataApi::start(move |_| {
            Some(CallFault {
                reply: CannedReply::ok(&json!({ "records": rows })),
                done: WorkMoment::Never,
            })
        });
        let answer = inventory.get(&id()).await;
        assert!(
            matches!(answer, Err(StoreError::Fault { .. })),
            "{told}: {answer:?}"
        );
        assert_eq!(fake.calls(), "get");
    }
}
