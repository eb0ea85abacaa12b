//! Calls that take effect and never get a response, under a paused clock: instead of seconds each takes no time.

use std::ops::Range;

use fastrand::Rng;
use fleet_core::scaling::demo::DemoOutcome;
use fleet_core::settings::ScalingMode;
use fleet_faults::{
    FaultRun, Functions, Stores,
    wire::{CallFate, Wire, on_other_threads},
};
use serde_json::json;

use super::record;

/// The number of requests after which new stores take over. A begin without a response leaves a transaction open, and a
/// store with 256 of them begins no more.
const PER_STORE: usize = 200;

/// Leaves only call number `nth` from now without a response.
fn leave_unheard(wire: &Wire, nth: usize) {
    let mut calls = 0;
    wire.plan(move |_, _| {
        calls += 1;
        (calls == nth + 1).then_some(CallFate::Unheard)
    });
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_never_answered_happens_once_whichever_it_is() {
    let run = FaultRun::of("adds, removals and patches, each with a call that is never answered");
    let (count, mut rng) = (run.count(50, 1_000), run.rng(0));
    for first in (0..count).step_by(PER_STORE) {
        happen_once(first..count.min(first + PER_STORE), &mut rng).await;
    }
    run.report(format_args!("{count} of each, 0 inconsistencies"));
}

/// Adds, removes and patches on separate stores, once for each number.
async fn happen_once(numbers: Range<usize>, rng: &mut Rng) {
    let (stores, count) = (on_other_threads(Stores::start()), numbers.len());
    let wire = Wire::to(stores.address());
    let functions = Functions::new(&wire.config(), ScalingMode::Demo(DemoOutcome::Succeed));
    for number in numbers {
        let (id, packages) = (format!("i-{number}"), rng.usize(0..3));
        let new = record(number, packages);
        let nth = rng.usize(..if packages == 0 { 3 } else { 4 });
        leave_unheard(&wire, nth);
        let added = functions.instance("POST", &id, Some(&new)).await;
        assert_eq!(
            (added.status, &added.body),
            (200, &json!({ "new_record": new })),
            "call {nth} of the add of {id}"
        );
        assert!(wire.steps().len() > nth + 1);

        wire.plan(|_, _| None);
        let found = functions.instance("GET", &id, None).await.body;
        assert_eq!(
            (&found["record"]["aws_region"], &found["record"]["packages"]),
            (&new["aws_region"], &new["packages"])
        );
        let again = functions.instance("POST", &id, Some(&new)).await;
        assert!(
            again.status == 400
                && again
                    .text
                    .contains(&format!("Duplicate entry '{id}' for key 'PRIMARY'")),
            "{}",
            again.text
        );

        let nth = rng.usize(0..3);
        leave_unheard(&wire, nth);
        let removed = functions.instance("DELETE", &id, None).await;
        assert_eq!(
            (removed.status, removed.body),
            (200, json!({ "record_deleted": true })),
            "call {nth} of the removal of {id}"
        );
        wire.plan(|_, _| None);
        assert_eq!(
            functions.instance("GET", &id, None).await.body["record_found"],
            false
        );

        let (nth, desired) = (rng.usize(0..2), number as f64 + 2.0);
        leave_unheard(&wire, nth);
        let patched = functions
            .dimension("PATCH", "d", Some(&json!({ "desiredCapacity": desired })))
            .await;
        assert_eq!(
            (patched.status, &patched.body["desiredCapacity"]),
            (200, &json!(desired)),
            "call {nth} of the patch to {desired}"
        );
    }
    let (written, left) = on_other_threads(async move {
        let counts = (
            stores.revision("d").await,
            stores.count("SELECT COUNT(*) FROM ec2_package").await,
        );
        stores.stop().await;
        counts
    });
    assert_eq!((written, left), (count as u64, 0));
}
