//! Dimensions on canned DynamoDB responses: what is sent, and every way it can fail.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use fleet_aws::{DimensionsSettings, DynamoDimensions, budget::WORK};
use fleet_core::{
    calls::count_calls,
    inventory::PageLimit,
    readiness::Probe,
    scaling::{
        Capacity, Dimension, DimensionId, FailureReason, ListDimensions, ReadDimension,
        RemoveDimension, ScalingStatus, StateTag, StatusName, StoredDimension, UpdateDimension,
        UpdateError, UpdateTime,
    },
    store::StoreError,
};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::canned::{CannedReply, CannedRequest, config, is_short};

type SentBodies = Arc<Mutex<Vec<Value>>>;

/// Dimensions with the responses of `script`; also returns what was sent.
fn dimensions(
    mut script: impl FnMut(&CannedRequest, usize) -> CannedReply + Send + 'static,
) -> (DynamoDimensions, SentBodies) {
    let sent = SentBodies::default();
    let seen = Arc::clone(&sent);
    let config = config(move |request| {
        let mut seen = seen.lock().unwrap();
        seen.push(json!({ "operation": request.operation, "body": request.body }));
        script(&request, seen.len())
    });
    (
        DynamoDimensions::new(
            &config,
            DimensionsSettings {
                table: "fleet-dimensions".into(),
            },
        ),
        sent,
    )
}

fn operations(sent: &SentBodies) -> Vec<String> {
    sent.lock()
        .unwrap()
        .iter()
        .map(|sent| sent["operation"].as_str().unwrap().to_owned())
        .collect()
}

fn id() -> DimensionId {
    DimensionId::parse("1-23456789").unwrap()
}

fn item(desired: &str, revision: &str, write: &str) -> Value {
    json!({
        "scalableTargetDimensionId": { "S": "1-23456789" }, "actualCapacity": { "S": "1.0" }, "desiredCapacity": { "S": desired },
        "scalingStatus": { "S": "Pending" }, "revision": { "N": revision }, "writeId": { "S": write }
    })
}

fn nothing() -> CannedReply {
    CannedReply::ok(&json!({}))
}

fn conflict(item: &Value) -> CannedReply {
    CannedReply::Answer {
        status: 400,
        exception: Some("ConditionalCheckFailedException"),
        body: json!({ "__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
            "message": "The conditional request failed", "Item": item })
        .to_string(),
    }
}

fn raised(stored: &StoredDimension) -> Result<Dimension, Infallible> {
    Ok(Dimension {
        desired: Capacity::new(stored.state.desired.get() + 1.0).unwrap(),
        ..stored.state.clone()
    })
}

fn same(stored: &StoredDimension) -> Result<Dimension, Infallible> {
    Ok(stored.state.clone())
}

#[tokio::test(start_paused = true)]
async fn a_read_is_one_consistent_call() {
    let (dimensions, sent) = dimensions(|_, _| nothing());
    let (read, calls) = count_calls(dimensions.read(&id())).await;
    assert_eq!((read.unwrap(), calls), (StoredDimension::initial(), 1));
    assert_eq!(
        sent.lock().unwrap()[0],
        json!({ "operation": "GetItem", "body": {
            "TableName": "fleet-dimensions", "Key": { "scalableTargetDimensionId": { "S": "1-23456789" } }, "ConsistentRead": true
        }})
    );
}

#[tokio::test(start_paused = true)]
async fn a_removal_is_one_call() {
    let (dimensions, sent) = dimensions(|_, _| nothing());
    let (removed, calls) = count_calls(dimensions.remove(&id())).await;
    assert_eq!((removed.unwrap(), calls), ((), 1));
    assert_eq!(
        sent.lock().unwrap()[0],
        json!({ "operation": "DeleteItem", "body": {
            "TableName": "fleet-dimensions", "Key": { "scalableTargetDimensionId": { "S": "1-23456789" } }
        }})
    );
}

#[tokio::test(start_paused = true)]
async fn a_removal_that_is_refused_says_so() {
    let (dimensions, _) = dimensions(|_, _| CannedReply::Answer {
        status: 400,
        exception: Some("ResourceNotFoundException"),
        body: json!({ "message": "No such table" }).to_string(),
    });
    let error = dimensions.remove(&id()).await.unwrap_err();
    assert!(matches!(error, StoreError::Fault { .. }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn an_update_that_changes_nothing_is_one_call() {
    let (dimensions, sent) = dimensions(|_, _| nothing());
    let (change, calls) = count_calls(dimensions.update(&id(), same)).await;
    assert_eq!((change.unwrap().fields(), calls), (vec![], 1));
    assert_eq!(operations(&sent), ["GetItem"]);
}

#[tokio::test(start_paused = true)]
async fn an_update_that_is_refused_writes_nothing() {
    let (dimensions, sent) = dimensions(|_, _| nothing());
    let refused = dimensions
        .update(&id(), |_| Err::<Dimension, _>("no"))
        .await;
    assert!(matches!(refused, Err(UpdateError::Refused("no"))));
    assert_eq!(operations(&sent), ["GetItem"]);
}

#[tokio::test(start_paused = true)]
async fn the_first_update_is_two_calls_and_expects_no_item() {
    let (dimensions, sent) = dimensions(|_, _| nothing());
    let (change, calls) = count_calls(dimensions.update(&id(), raised)).await;
    assert_eq!((change.unwrap().after.desired.get(), calls), (2.0, 2));
    let mut put = sent.lock().unwrap()[1]["body"].clone();
    assert_eq!(
        put["Item"]["writeId"]["S"].take().as_str().unwrap().len(),
        36
    );
    let time = put["Item"]["updatedAt"]["S"].take();
    assert!(UpdateTime::parse(time.as_str().unwrap()).is_ok(), "{time}");
    assert_eq!(
        put,
        json!({
            "TableName": "fleet-dimensions", "ConditionExpression": "attribute_not_exists(scalableTargetDimensionId)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            "Item": { "scalableTargetDimensionId": { "S": "1-23456789" }, "actualCapacity": { "S": "1.0" },
                "desiredCapacity": { "S": "2.0" }, "scalingStatus": { "S": "Successful" }, "revision": { "N": "1" },
                "writeId": { "S": null }, "updatedAt": { "S": null } }
        })
    );
}

#[tokio::test(start_paused = true)]
async fn a_later_update_expects_the_item_that_was_read() {
    let (dimensions, sent) = dimensions(|_, nth| {
        if nth == 1 {
            CannedReply::ok(&json!({ "Item": item("5.0", "7", "theirs") }))
        } else {
            nothing()
        }
    });
    assert_eq!(
        dimensions
            .update(&id(), raised)
            .await
            .unwrap()
            .after
            .desired
            .get(),
        6.0
    );
    let put = sent.lock().unwrap()[1]["body"].clone();
    assert_eq!(
        put["ConditionExpression"],
        "revision = :seen AND writeId = :seenWrite"
    );
    assert_eq!(
        put["ExpressionAttributeValues"],
        json!({ ":seen": { "N": "7" }, ":seenWrite": { "S": "theirs" } })
    );
    assert_eq!(put["Item"]["revision"], json!({ "N": "8" }));
    assert_eq!(
        put["Item"]["earlierWrites"],
        earlier_writes([[0; NAME_BYTES]])
    );
}

/// How many bytes of its id identify an earlier write.
const NAME_BYTES: usize = 6;

/// The attribute that names earlier writes, newest first.
fn earlier_writes(names: impl IntoIterator<Item = [u8; NAME_BYTES]>) -> Value {
    let bytes: Vec<u8> = names.into_iter().flatten().collect();
    json!({ "B": BASE64_STANDARD.encode(bytes) })
}

/// The bytes that identify the write of an item afterwards.
fn name(item: &Value) -> [u8; NAME_BYTES] {
    let id = item["writeId"]["S"].as_str().unwrap().replace('-', "");
    std::array::from_fn(|byte| u8::from_str_radix(&id[2 * byte..2 * byte + 2], 16).unwrap())
}

#[tokio::test(start_paused = true)]
async fn an_item_names_its_last_writes_within_a_kilobyte() {
    let names = |last: u8| (0..last).rev().map(|nth| [nth; NAME_BYTES]);
    let mut seen = item("5.0", "122", "7a7a7a7a-7a7a-4a7a-8a7a-7a7a7a7a7a7a");
    seen["earlierWrites"] = earlier_writes(names(121));
    let (dimensions, sent) = dimensions(move |_, nth| {
        if nth == 1 {
            CannedReply::ok(&json!({ "Item": seen }))
        } else {
            nothing()
        }
    });
    dimensions.update(&id(), raised).await.unwrap();
    let put = sent.lock().unwrap()[1]["body"]["Item"].clone();
    let kept = std::iter::once([0x7a; NAME_BYTES]).chain(names(121).take(119));
    assert_eq!(put["earlierWrites"], earlier_writes(kept));
    // An item's size is that of its names and values: text in UTF-8, binary without base64.
    let size: usize = put
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| {
            let text = |kind: &str| value[kind].as_str().map_or(0, str::len);
            name.len() + text("S") + text("N") + text("B") / 4 * 3
        })
        .sum();
    assert!(size <= 1024, "{size} bytes");
}

#[tokio::test(start_paused = true)]
async fn a_conflict_is_met_with_the_item_that_it_carries() {
    let (dimensions, sent) = dimensions(|_, nth| match nth {
        2 => conflict(&item("10.0", "1", "theirs")),
        3 => conflict(&item("20.0", "2", "theirs again")),
        _ => nothing(),
    });
    let change = dimensions.update(&id(), raised).await.unwrap();
    assert_eq!(
        (change.before.desired.get(), change.after.desired.get()),
        (20.0, 21.0)
    );
    assert_eq!(
        operations(&sent),
        ["GetItem", "PutItem", "PutItem", "PutItem"]
    );
    let put = sent.lock().unwrap()[3]["body"].clone();
    assert_eq!(
        (
            &put["Item"]["revision"],
            &put["ExpressionAttributeValues"][":seen"]
        ),
        (&json!({ "N": "3" }), &json!({ "N": "2" }))
    );
}

#[tokio::test(start_paused = true)]
async fn a_conflict_with_ones_own_write_is_a_success() {
    let (dimensions, sent) = dimensions(|request, nth| match nth {
        1 => nothing(),
        // Done, but the response is lost; the SDK sends the same write again.
        2 => CannedReply::Reset,
        _ => conflict(&request.body["Item"]),
    });
    let change = dimensions.update(&id(), raised).await.unwrap();
    assert_eq!(
        (change.before.desired.get(), change.after.desired.get()),
        (1.0, 2.0)
    );
    assert_eq!(operations(&sent), ["GetItem", "PutItem", "PutItem"]);
}

#[tokio::test(start_paused = true)]
async fn ones_own_write_that_others_have_written_over_is_not_done_again() {
    let (dimensions, sent) = dimensions(|request, nth| match nth {
        1 => nothing(),
        2 => CannedReply::Reset,
        _ => {
            let mut newer = item("9.0", "3", "theirs");
            newer["earlierWrites"] = earlier_writes([[1; NAME_BYTES], name(&request.body["Item"])]);
            conflict(&newer)
        }
    });
    let change = dimensions.update(&id(), raised).await.unwrap();
    assert_eq!(
        (change.before.desired.get(), change.after.desired.get()),
        (1.0, 2.0)
    );
    assert_eq!(operations(&sent), ["GetItem", "PutItem", "PutItem"]);
}

/// A conflict with the result of `revision` writes, of which the item names the last three.
fn conflict_after(revision: u64) -> CannedReply {
    let mut newer = item("9.0", &revision.to_string(), "theirs");
    newer["earlierWrites"] = earlier_writes([[1; NAME_BYTES], [2; NAME_BYTES]]);
    conflict(&newer)
}

#[tokio::test(start_paused = true)]
async fn a_resent_write_that_would_be_named_was_not_done() {
    // Its own write would have been the first one.
    let (dimensions, sent) = dimensions(|_, nth| match nth {
        2 => CannedReply::Reset,
        3 => conflict_after(3),
        _ => nothing(),
    });
    let change = dimensions.update(&id(), raised).await.unwrap();
    assert_eq!(
        (change.before.desired.get(), change.after.desired.get()),
        (9.0, 10.0)
    );
    assert_eq!(operations(&sent).len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_resent_write_that_nothing_tells_of_any_more_is_not_done_again() {
    for lost in [
        || CannedReply::Reset,
        || CannedReply::Silence,
        || CannedReply::error(500, "InternalServerError", "oops"),
    ] {
        let (dimensions, sent) = dimensions(move |_, nth| match nth {
            1 => nothing(),
            2 => lost(),
            _ => conflict_after(4),
        });
        let Err(UpdateError::Store(StoreError::Unavailable { source, .. })) =
            dimensions.update(&id(), raised).await
        else {
            panic!("nobody knows")
        };
        assert_eq!(
            source.to_string(),
            "whether it was written is unknown: its answer was lost, and too many others have written since"
        );
        assert_eq!(operations(&sent), ["GetItem", "PutItem", "PutItem"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_every_attempt_was_refused_was_not_done_however_many_have_written() {
    for refused in [0, 1, 2] {
        let (dimensions, sent) = dimensions(move |_, nth| match nth {
            1 => nothing(),
            nth if nth < 2 + refused => CannedReply::error(400, "ThrottlingException", "slow down"),
            nth if nth == 2 + refused => conflict_after(1_000),
            _ => nothing(),
        });
        let change = dimensions.update(&id(), raised).await.unwrap();
        assert_eq!(change.after.desired.get(), 10.0);
        assert_eq!(operations(&sent).len(), 3 + refused);
    }
}

/// The first put gets no response, and the SDK's two further attempts meet the other region's conflict, which says
/// nothing about the first attempt. Its put is the response of call number `last`.
fn lost_before_conflicts(
    last: usize,
    answer: fn(&Value) -> CannedReply,
) -> (DynamoDimensions, SentBodies) {
    let mut first = Value::Null;
    dimensions(move |request, nth| match nth {
        2 => {
            first = request.body["Item"].clone();
            CannedReply::Reset
        }
        3 | 4 => CannedReply::error(400, "ReplicatedWriteConflictException", "conflict"),
        nth if nth == last => answer(&first),
        _ => nothing(),
    })
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_remembered_until_its_write_can_no_longer_arrive() {
    // It arrives after the state was reread.
    let (dimensions, sent) = lost_before_conflicts(6, conflict);
    let change = dimensions.update(&id(), raised).await.unwrap();
    assert_eq!(change.after.desired.get(), 2.0);
    assert_eq!(
        operations(&sent),
        [
            "GetItem", "PutItem", "PutItem", "PutItem", "GetItem", "PutItem"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn ones_own_write_is_known_again_after_a_conflict_with_another_region() {
    let (dimensions, sent) =
        lost_before_conflicts(5, |first| CannedReply::ok(&json!({ "Item": first })));
    let change = dimensions.update(&id(), raised).await.unwrap();
    assert_eq!(
        (change.before.desired.get(), change.after.desired.get()),
        (1.0, 2.0)
    );
    assert_eq!(
        operations(&sent),
        ["GetItem", "PutItem", "PutItem", "PutItem", "GetItem"]
    );
}

#[tokio::test(start_paused = true)]
async fn an_item_that_was_deleted_meanwhile_is_begun_anew() {
    let (dimensions, sent) = dimensions(|_, nth| match nth {
        1 => CannedReply::ok(&json!({ "Item": item("5.0", "7", "theirs") })),
        2 => CannedReply::error(
            400,
            "ConditionalCheckFailedException",
            "The conditional request failed",
        ),
        _ => nothing(),
    });
    assert_eq!(
        dimensions
            .update(&id(), raised)
            .await
            .unwrap()
            .after
            .desired
            .get(),
        2.0
    );
    assert_eq!(
        sent.lock().unwrap()[2]["body"]["ConditionExpression"],
        "attribute_not_exists(scalableTargetDimensionId)"
    );
}

#[tokio::test(start_paused = true)]
async fn a_dimension_that_others_write_all_the_time_is_given_up() {
    let (dimensions, sent) = dimensions(|_, nth| {
        if nth == 1 {
            nothing()
        } else {
            conflict(&item("1.0", &nth.to_string(), "theirs"))
        }
    });
    let begun = Instant::now();
    let Err(UpdateError::Store(StoreError::Unavailable {
        retry_after,
        source,
        ..
    })) = dimensions.update(&id(), raised).await
    else {
        panic!("given up")
    };
    assert!(
        is_short(retry_after) && begun.elapsed() <= WORK,
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(source.to_string(), "other writers came first each time");
    // Every other time it waits for at most half a second, and it sends nothing more if there is no time for a wait.
    assert!((50..150).contains(&operations(&sent).len()));
}

#[tokio::test(start_paused = true)]
async fn from_the_third_conflict_on_others_go_first_every_other_time() {
    let times = Arc::new(Mutex::new(Vec::new()));
    let puts = Arc::clone(&times);
    let (dimensions, _) = dimensions(move |request, nth| {
        if request.operation == "PutItem" {
            puts.lock().unwrap().push(Instant::now());
        }
        match nth {
            1 | 11 => nothing(),
            _ => conflict(&item("1.0", &nth.to_string(), "theirs")),
        }
    });
    dimensions.update(&id(), raised).await.unwrap();
    let times = times.lock().unwrap();
    let waits: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    // Minimum and maximum in milliseconds: half of each wait is random. The clock's steps are whole milliseconds.
    let expected = [
        (0, 0),
        (0, 0),
        (5, 11),
        (0, 0),
        (10, 21),
        (0, 0),
        (20, 41),
        (0, 0),
        (40, 81),
    ];
    assert_eq!(waits.len(), expected.len());
    for (wait, (least, most)) in waits.iter().zip(expected) {
        assert!((least..=most).contains(&wait.as_millis()), "{waits:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_whose_time_is_used_up_by_its_calls_is_given_up() {
    let (dimensions, sent) = dimensions(|_, nth| {
        if nth == 1 {
            return nothing();
        }
        let conflict = conflict(&item("1.0", &nth.to_string(), "theirs"));
        CannedReply::Late(WORK / 10 + Duration::from_millis(10), Box::new(conflict))
    });
    let Err(UpdateError::Store(StoreError::Unavailable { source, .. })) =
        dimensions.update(&id(), raised).await
    else {
        panic!("given up")
    };
    assert_eq!(source.to_string(), "other writers came first each time");
    assert_eq!(operations(&sent).len(), 11);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_forgotten_when_its_write_can_no_longer_arrive() {
    let (dimensions, sent) = dimensions(|_, nth| match nth {
        2 => CannedReply::Reset,
        // The state that it expected is gone, and it was not done.
        3 => conflict_after(3),
        4 => conflict_after(1_000),
        _ => nothing(),
    });
    let change = dimensions.update(&id(), raised).await.unwrap();
    assert_eq!(change.after.desired.get(), 10.0);
    assert_eq!(operations(&sent).len(), 5);
}

#[tokio::test(start_paused = true)]
async fn passing_failures_are_tried_three_times_and_then_unavailable() {
    type Failure = (&'static str, fn() -> CannedReply);
    let failures: [Failure; 8] = [
        ("throughput", || {
            CannedReply::error(400, "ProvisionedThroughputExceededException", "slow down")
        }),
        ("throttled", || {
            CannedReply::error(400, "ThrottlingException", "slow down")
        }),
        ("limit", || {
            CannedReply::error(400, "RequestLimitExceeded", "slow down")
        }),
        ("internal", || {
            CannedReply::error(500, "InternalServerError", "oops")
        }),
        ("unavailable", || {
            CannedReply::error(503, "ServiceUnavailable", "oops")
        }),
        ("garbage", || CannedReply::Garbage),
        ("reset", || CannedReply::Reset),
        ("silence", || CannedReply::Silence),
    ];
    for (name, reply) in failures {
        let (dimensions, sent) = dimensions(move |_, _| reply());
        let begun = Instant::now();
        let (read, calls) = count_calls(dimensions.read(&id())).await;
        let Err(StoreError::Unavailable { retry_after, .. }) = read else {
            panic!("{name}: {read:?}")
        };
        assert!(is_short(retry_after) && begun.elapsed() <= WORK, "{name}");
        // An unreadable response is not retried.
        assert_eq!(calls, if name == "garbage" { 1 } else { 3 }, "{name}");
        assert_eq!(
            operations(&sent).len(),
            usize::try_from(calls).unwrap(),
            "{name}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn other_refusals_are_faults_and_not_repeated() {
    for (status, exception) in [
        (400, "ResourceNotFoundException"),
        (400, "AccessDeniedException"),
        (400, "ValidationException"),
        (400, "UnrecognizedClientException"),
    ] {
        let (dimensions, sent) = dimensions(move |_, nth| {
            if nth == 1 {
                nothing()
            } else {
                CannedReply::error(status, exception, "no")
            }
        });
        let refused = dimensions.update(&id(), raised).await;
        assert!(
            matches!(refused, Err(UpdateError::Store(StoreError::Fault { .. }))),
            "{exception}: {refused:?}"
        );
        assert_eq!(operations(&sent), ["GetItem", "PutItem"], "{exception}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_item_that_is_none_of_ours_is_a_fault() {
    let with = |name: &str, value: Value| {
        let mut item = item("1.0", "1", "theirs");
        item[name] = value;
        item
    };
    let missing =
        |name: &str| format!("the item's attribute {name} is missing or has the wrong type");
    let revision = "the item's attribute revision is not a whole number that can be counted up";
    for (item, reason) in [
        (
            with("actualCapacity", json!({ "N": "1" })),
            &*missing("actualCapacity"),
        ),
        (
            with("desiredCapacity", json!({ "S": "-1.0" })),
            "the item's attribute desiredCapacity is not a capacity: -1.0 is not a finite number of at least 0",
        ),
        (
            with("desiredCapacity", json!({ "S": "NaN" })),
            "the item's attribute desiredCapacity is not a capacity: NaN is not a finite number of at least 0",
        ),
        (
            with("desiredCapacity", json!({ "S": "many" })),
            "the item's attribute desiredCapacity is not a number: invalid float literal",
        ),
        (
            with("scalingStatus", json!({ "S": "Done" })),
            "the item's attribute scalingStatus is not a status",
        ),
        (
            with("failureReason", json!({ "S": "why" })),
            "the item has a failureReason although its scalingStatus is not Failed",
        ),
        (
            with("failureReason", json!({ "N": "1" })),
            &missing("failureReason"),
        ),
        (with("revision", json!({ "S": "1" })), &missing("revision")),
        (with("revision", json!({ "N": "1.5" })), revision),
        (
            with("revision", json!({ "N": "18446744073709551615" })),
            revision,
        ),
        (
            with("writeId", json!({ "NULL": true })),
            &missing("writeId"),
        ),
        (
            with("updatedAt", json!({ "S": "yesterday" })),
            "the item's attribute updatedAt is not a time: \"yesterday\" is not a time like 2026-01-05T08:00:00.000Z",
        ),
        (
            with("updatedAt", json!({ "N": "1" })),
            &missing("updatedAt"),
        ),
        (
            with("earlierWrites", json!({ "S": "one" })),
            &missing("earlierWrites"),
        ),
        (
            with("earlierWrites", json!({ "B": "AAAA" })),
            &missing("earlierWrites"),
        ),
        (
            json!({ "scalableTargetDimensionId": { "S": "1-23456789" } }),
            &missing("scalingStatus"),
        ),
    ] {
        let told = item.to_string();
        let (dimensions, _) = dimensions(move |_, _| CannedReply::ok(&json!({ "Item": item })));
        let Err(StoreError::Fault { source, .. }) = dimensions.read(&id()).await else {
            panic!("{told}")
        };
        assert_eq!(source.to_string(), reason, "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_state_comes_back_as_it_was_written() {
    let reason = || Some(FailureReason::parse("no capacity left").unwrap());
    for (capacity, status) in [
        (0.0, ScalingStatus::Pending),
        (f64::MAX, ScalingStatus::InProgress),
        (f64::MIN_POSITIVE, ScalingStatus::Failed(None)),
        (0.1 + 0.2, ScalingStatus::Failed(reason())),
        (1e23, ScalingStatus::Successful),
    ] {
        let capacity = Capacity::new(capacity).unwrap();
        let state = Dimension {
            actual: capacity,
            desired: capacity,
            status,
        };
        let mut stored = Value::Null;
        let (dimensions, _) = dimensions(move |request, _| match request.operation.as_str() {
            "PutItem" => {
                stored = request.body["Item"].clone();
                nothing()
            }
            _ if stored.is_null() => nothing(),
            _ => CannedReply::ok(&json!({ "Item": stored })),
        });
        dimensions
            .update(&id(), |_| Ok::<_, Infallible>(state.clone()))
            .await
            .unwrap();
        let read = dimensions.read(&id()).await.unwrap();
        assert_eq!(read.state, state);
        assert!(read.updated_at.is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn an_item_of_an_earlier_version_has_no_time() {
    let (dimensions, _) =
        dimensions(|_, _| CannedReply::ok(&json!({ "Item": item("5.0", "7", "w") })));
    let read = dimensions.read(&id()).await.unwrap();
    assert_eq!((read.tag, read.updated_at), (StateTag::of_write("w"), None));
}

#[tokio::test(start_paused = true)]
async fn the_tag_of_a_change_is_that_of_the_item_which_it_left() {
    let (dimensions, sent) = dimensions(|request, nth| match nth {
        1 => nothing(),
        // Done, but the response is lost.
        2 => CannedReply::Reset,
        3 => conflict(&request.body["Item"]),
        _ => CannedReply::ok(&json!({ "Item": item("2.0", "1", "theirs") })),
    });
    let change = dimensions.update(&id(), raised).await.unwrap();
    let written = sent.lock().unwrap()[2]["body"]["Item"]["writeId"]["S"].clone();
    assert_eq!(json!(change.tag.as_str()), written);
    let unchanged = dimensions.update(&id(), same).await.unwrap();
    assert_eq!(unchanged.tag, StateTag::of_write("theirs"));
}

#[tokio::test(start_paused = true)]
async fn a_list_is_one_scan_that_begins_after_a_key() {
    let (dimensions, sent) = dimensions(|_, _| {
        CannedReply::ok(&json!({
            "Items": [item("5.0", "7", "w")],
            "LastEvaluatedKey": { "scalableTargetDimensionId": { "S": "1-23456789" } }
        }))
    });
    let after = DimensionId::parse("before it").unwrap();
    let limit = PageLimit::parse("1").unwrap();
    let (page, calls) = count_calls(dimensions.list(None, Some(&after), limit)).await;
    let page = page.unwrap();
    assert_eq!((page.dimensions[0].0.clone(), calls), (id(), 1));
    assert_eq!(page.next, Some(id()));
    assert_eq!(
        sent.lock().unwrap()[0],
        json!({ "operation": "Scan", "body": {
            "TableName": "fleet-dimensions", "ConsistentRead": true, "Limit": 1,
            "ExclusiveStartKey": { "scalableTargetDimensionId": { "S": "before it" } }
        }})
    );
}

#[tokio::test(start_paused = true)]
async fn a_list_of_one_status_is_cut_at_its_limit_and_goes_on_after_the_last_one_shown() {
    let named = |id: &str| {
        let mut item = item("5.0", "7", "w");
        item["scalableTargetDimensionId"] = json!({ "S": id });
        item
    };
    let items = json!({ "Items": [named("a"), named("b"), named("c")] });
    let (dimensions, sent) = dimensions(move |_, _| CannedReply::ok(&items));
    let pending = Some(StatusName::Pending);
    let ids = |page: &fleet_core::scaling::DimensionPage| {
        let ids = page.dimensions.iter().map(|(id, _)| id.as_str().to_owned());
        ids.collect::<Vec<_>>()
    };
    let cut = dimensions
        .list(pending, None, PageLimit::parse("2").unwrap())
        .await
        .unwrap();
    assert_eq!(ids(&cut), ["a", "b"]);
    assert_eq!(cut.next, DimensionId::parse("b").ok());
    let whole = dimensions
        .list(pending, None, PageLimit::parse("3").unwrap())
        .await
        .unwrap();
    assert_eq!((ids(&whole).len(), whole.next), (3, None));
    let body = &sent.lock().unwrap()[0]["body"];
    assert_eq!(body.get("Limit"), None);
    assert_eq!(
        (
            &body["FilterExpression"],
            &body["ExpressionAttributeValues"]
        ),
        (
            &json!("#status = :status"),
            &json!({ ":status": { "S": "Pending" } })
        )
    );
}

#[tokio::test(start_paused = true)]
async fn a_list_fails_as_a_read_does() {
    let limit = PageLimit::default;
    let (throttled, _) =
        dimensions(|_, _| CannedReply::error(400, "ThrottlingException", "slow down"));
    let (missing, _) =
        dimensions(|_, _| CannedReply::error(400, "ResourceNotFoundException", "no"));
    let (foreign, _) = dimensions(|_, _| {
        let mut foreign = item("5.0", "7", "w");
        foreign["scalableTargetDimensionId"] = json!({ "S": "a/b" });
        CannedReply::ok(&json!({ "Items": [foreign] }))
    });
    assert!(matches!(
        throttled.list(None, None, limit()).await,
        Err(StoreError::Unavailable { .. })
    ));
    for broken in [missing, foreign] {
        assert!(matches!(
            broken.list(None, None, limit()).await,
            Err(StoreError::Fault { .. })
        ));
    }
}

#[tokio::test(start_paused = true)]
async fn a_probe_reads_a_key_that_no_dimension_has() {
    let (healthy, sent) = dimensions(|_, _| nothing());
    assert!(healthy.probe().await.is_ok());
    let key = sent.lock().unwrap()[0]["body"]["Key"]["scalableTargetDimensionId"]["S"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(DimensionId::parse(key).is_err());
    let (missing, _) =
        dimensions(|_, _| CannedReply::error(400, "ResourceNotFoundException", "no table"));
    assert!(matches!(
        missing.probe().await,
        Err(StoreError::Fault { .. })
    ));
    let (silent, _) = dimensions(|_, _| CannedReply::Silence);
    let begun = Instant::now();
    assert!(matches!(
        silent.probe().await,
        Err(StoreError::Unavailable { .. })
    ));
    assert!(begun.elapsed() <= Duration::from_secs(3));
}
