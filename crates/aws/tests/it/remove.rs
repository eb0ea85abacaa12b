//! Removing an instance, with every failure at every call.

use std::time::Duration;

use fleet_aws::{DataApiInventory, budget::WHOLE};
use fleet_core::{
    calls::count_calls,
    inventory::{InstanceId, RemoveInstance},
    store::StoreError,
};
use tokio::time::{Instant, timeout};

use crate::{
    canned::{CannedReply, is_short},
    fake_data_api::{CallFault, FakeDataApi, WorkMoment},
    faults::{FaultPolicy, all},
};

fn id() -> InstanceId {
    InstanceId::parse("i-1").unwrap()
}

/// A database with a row, whose calls fail as in `faults`: the call's name, and its number among those with that name.
fn occupied(
    mut faults: impl FnMut(&str, usize) -> Option<CallFault> + Send + 'static,
) -> (FakeDataApi, DataApiInventory) {
    let (fake, inventory) = FakeDataApi::start(move |call| faults(call.name, call.nth));
    (fake.occupied(), inventory)
}

fn assert_refused(removed: Result<bool, StoreError>, policy: FaultPolicy, name: &str) {
    match (policy, removed) {
        (FaultPolicy::Unavailable, Err(StoreError::Unavailable { retry_after, .. })) => {
            assert!(is_short(retry_after))
        }
        (FaultPolicy::Fault, Err(StoreError::Fault { .. })) => {}
        (_, removed) => panic!("{name}: {removed:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_removal_is_one_transaction() {
    let (fake, inventory) = occupied(|_, _| None);
    let (removed, calls) = count_calls(inventory.remove(&id())).await;
    assert_eq!(
        (removed.unwrap(), calls, fake.calls().as_str()),
        (true, 3, "begin delete commit")
    );
    assert!(!fake.has_row() && !fake.holds_locks());
}

#[tokio::test(start_paused = true)]
async fn a_removal_of_nothing_is_undone_and_answers_so() {
    for rollback_fails in [false, true] {
        let (fake, inventory) = FakeDataApi::start(move |call| {
            (call.name == "rollback" && rollback_fails).then_some(CallFault {
                reply: CannedReply::Silence,
                done: WorkMoment::Never,
            })
        });
        assert!(!inventory.remove(&id()).await.unwrap());
        assert_eq!(fake.calls(), "begin delete rollback");
    }
}

#[tokio::test(start_paused = true)]
async fn a_removal_that_fails_on_its_way_is_rolled_back_and_begun_again_or_refused() {
    for (step, sent) in [("begin", "begin"), ("delete", "begin delete")] {
        for case in all() {
            let (policy, name) = (case.policy, case.name);
            let (fake, inventory) =
                occupied(move |call, nth| match (call == step && nth == 1, step) {
                    (true, "delete") => case.done(),
                    (true, _) => case.undone(),
                    _ => None,
                });
            let removed = inventory.remove(&id()).await;
            let rollback = if step == "begin" || policy == FaultPolicy::Gone {
                ""
            } else {
                " rollback"
            };
            match policy {
                FaultPolicy::Again | FaultPolicy::Gone => {
                    assert!(removed.unwrap() && !fake.has_row(), "{step}, {name}");
                    assert_eq!(
                        fake.calls(),
                        format!("{sent}{rollback} begin delete commit"),
                        "{name}"
                    );
                }
                FaultPolicy::Unavailable | FaultPolicy::Fault => {
                    assert_refused(removed, policy, name);
                    assert_eq!(fake.calls(), format!("{sent}{rollback}"), "{name}");
                    assert!(fake.is_occupied() && !fake.holds_locks(), "{step}, {name}");
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_was_done_but_not_answered_is_a_removal() {
    for case in all() {
        let (policy, name) = (case.policy, case.name);
        let (fake, inventory) =
            occupied(move |call, _| if call == "commit" { case.done() } else { None });
        assert!(inventory.remove(&id()).await.unwrap(), "{name}");
        let rollback = if policy == FaultPolicy::Gone {
            ""
        } else {
            " rollback"
        };
        assert_eq!(
            fake.calls(),
            format!("begin delete commit{rollback} token"),
            "{name}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_was_not_done_is_tried_again_or_refused() {
    for case in all() {
        let (policy, name) = (case.policy, case.name);
        let (fake, inventory) = occupied(move |call, nth| {
            if call == "commit" && nth == 1 {
                case.undone()
            } else {
                None
            }
        });
        let removed = inventory.remove(&id()).await;
        let rollback = if policy == FaultPolicy::Gone {
            ""
        } else {
            " rollback"
        };
        let first = format!("begin delete commit{rollback} token");
        match policy {
            FaultPolicy::Again | FaultPolicy::Gone => {
                assert!(removed.unwrap() && !fake.has_row(), "{name}");
                assert_eq!(
                    fake.calls(),
                    format!("{first} begin delete commit"),
                    "{name}"
                );
            }
            FaultPolicy::Unavailable | FaultPolicy::Fault => {
                assert_refused(removed, policy, name);
                assert_eq!(fake.calls(), first, "{name}");
                assert!(fake.is_occupied() && !fake.holds_locks(), "{name}");
            }
        }
    }
}

/// A database with a row, whose first commit gets no response, nor does the first read afterwards.
fn unanswered(commit: WorkMoment) -> (FakeDataApi, DataApiInventory) {
    occupied(move |call, nth| match (call, nth) {
        ("commit", 1) => Some(CallFault {
            reply: CannedReply::Reset,
            done: commit,
        }),
        ("token", 1) => Some(CallFault {
            reply: CannedReply::Reset,
            done: WorkMoment::Never,
        }),
        _ => None,
    })
}

#[tokio::test(start_paused = true)]
async fn what_a_commit_did_is_looked_for_until_it_is_known() {
    let (fake, inventory) = unanswered(WorkMoment::AtOnce);
    assert!(inventory.remove(&id()).await.unwrap());
    assert_eq!(fake.calls(), "begin delete commit rollback token token");

    let (fake, inventory) = unanswered(WorkMoment::Never);
    assert!(inventory.remove(&id()).await.unwrap() && !fake.has_row());
    assert_eq!(
        fake.calls(),
        "begin delete commit rollback token token begin delete commit"
    );

    // Another client removes it between the read and the second attempt.
    let (fake, inventory) = unanswered(WorkMoment::Never);
    let id = id();
    let (removed, ()) = tokio::join!(
        inventory.remove(&id),
        fake.meddled_with("token token", false)
    );
    assert!(removed.unwrap());
    assert_eq!(
        fake.calls(),
        "begin delete commit rollback token token begin delete rollback"
    );
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_others_added_after_a_commit_without_an_answer_stays() {
    let (fake, inventory) = unanswered(WorkMoment::AtOnce);
    let id = id();
    let (removed, ()) = tokio::join!(inventory.remove(&id), fake.meddled_with("token", true));
    assert!(
        matches!(removed, Err(StoreError::Unavailable { .. })),
        "{removed:?}"
    );
    assert!(fake.is_occupied());
    assert_eq!(fake.calls(), "begin delete commit rollback token token");
}

#[tokio::test(start_paused = true)]
async fn a_removal_that_waits_for_a_lock_beyond_its_time_is_never_done() {
    // Without a response to its rollback a commit stays in doubt, and the instance may have been removed.
    for (step, ends) in [
        ("delete", WorkMoment::AtOnce),
        ("delete", WorkMoment::Never),
        ("commit", WorkMoment::AtOnce),
    ] {
        let (fake, inventory) = occupied(move |call, _| match call {
            call if call == step => Some(CallFault {
                reply: CannedReply::Silence,
                done: WorkMoment::Later(Duration::from_secs(60)),
            }),
            "rollback" => Some(CallFault {
                reply: CannedReply::Silence,
                done: ends,
            }),
            _ => None,
        });
        let begun = Instant::now();
        let removed = inventory.remove(&id()).await;
        assert!(
            matches!(removed, Err(StoreError::Unavailable { .. })),
            "{step}: {removed:?}"
        );
        assert!(
            begun.elapsed() <= WHOLE && fake.waiting() > 0,
            "{step}: {:?}",
            begun.elapsed()
        );
        let calls = fake.calls();
        tokio::time::sleep(Duration::from_secs(600)).await;
        assert!(fake.is_occupied() && fake.waiting() == 0, "{step}");
        assert_eq!(fake.calls(), calls, "{step}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_lasts_is_given_up_in_time() {
    for step in ["begin", "delete", "commit"] {
        for case in all()
            .into_iter()
            .filter(|case| !matches!(case.policy, FaultPolicy::Fault | FaultPolicy::Unavailable))
        {
            let (policy, name) = (case.policy, case.name);
            let (fake, inventory) =
                occupied(move |call, _| if call == step { case.undone() } else { None });
            let begun = Instant::now();
            let removed = inventory.remove(&id()).await;
            assert!(
                matches!(removed, Err(StoreError::Unavailable { .. })),
                "{step}, {name}: {removed:?}"
            );
            assert!(
                begun.elapsed() <= WHOLE,
                "{step}, {name}: {:?}",
                begun.elapsed()
            );
            // A transaction that the service does not know need not be ended.
            assert!(
                fake.is_occupied() && (policy == FaultPolicy::Gone || !fake.holds_locks()),
                "{step}, {name}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_given_up_removes_nothing_and_lets_go_of_its_locks() {
    let (fake, inventory) = occupied(|call, _| {
        (call == "delete").then_some(CallFault {
            reply: CannedReply::Silence,
            done: WorkMoment::AtOnce,
        })
    });
    assert!(
        timeout(Duration::from_secs(1), inventory.remove(&id()))
            .await
            .is_err()
    );
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(fake.calls(), "begin delete rollback");
    assert!(fake.is_occupied() && !fake.holds_locks());
}
