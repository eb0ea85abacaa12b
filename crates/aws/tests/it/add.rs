//! Adding an instance, with every failure at every call.

use std::time::Duration;

use fleet_aws::{DataApiInventory, budget::WHOLE};
use fleet_core::{
    calls::count_calls,
    inventory::{AddError, AddInstance},
    store::StoreError,
};
use tokio::time::{Instant, timeout};

use crate::{
    canned::{CannedReply, is_short},
    fake_data_api::{CallFault, FakeDataApi, WorkMoment, duplicate, instance, widest},
    faults::{FaultCase, FaultPolicy, all},
};

/// Adds an instance while the first call named `step` fails according to `case`.
async fn add_with(
    case: FaultCase,
    step: &'static str,
    done: bool,
    packages: usize,
) -> (Result<(), AddError>, FakeDataApi, FaultCase) {
    let case = std::sync::Arc::new(case);
    let faults = std::sync::Arc::clone(&case);
    let (fake, inventory) =
        FakeDataApi::start(move |call| match (call.name == step, call.nth, done) {
            (true, 1, true) => faults.done(),
            (true, 1, false) => faults.undone(),
            _ => None,
        });
    let added = inventory.add(&instance(packages)).await;
    drop(inventory);
    (
        added,
        fake,
        std::sync::Arc::into_inner(case).expect("the script is gone with its client"),
    )
}

fn assert_refused(added: Result<(), AddError>, case: &FaultCase) {
    match (case.policy, added) {
        (
            FaultPolicy::Unavailable,
            Err(AddError::Store(StoreError::Unavailable { retry_after, .. })),
        ) => assert!(is_short(retry_after)),
        (FaultPolicy::Fault, Err(AddError::Store(StoreError::Fault { .. }))) => {}
        (_, added) => panic!("{}: {added:?}", case.name),
    }
}

#[tokio::test(start_paused = true)]
async fn an_instance_is_one_transaction() {
    for (packages, expected) in [
        (0, ("begin insert commit", 3)),
        (1, ("begin insert packages commit", 4)),
        (2_001, ("begin insert packages packages commit", 5)),
    ] {
        let (fake, inventory) = FakeDataApi::start(|_| None);
        let (added, calls) = count_calls(inventory.add(&instance(packages))).await;
        assert!(added.is_ok() && fake.has_row() && !fake.holds_locks());
        assert_eq!((fake.calls().as_str(), calls), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn no_statement_of_the_widest_instance_is_above_the_limits_of_the_service() {
    let (fake, inventory) = FakeDataApi::start(|_| None);
    assert!(inventory.add(&widest()).await.is_ok());
    let (characters, bytes) = fake.widest();
    assert!(
        characters <= 65_536 && bytes <= 4 * 1024 * 1024 - 64 * 1024,
        "{characters} characters, {bytes} bytes"
    );
    assert_eq!(
        fake.calls(),
        "begin insert packages packages packages packages packages commit"
    );
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_exists_is_a_duplicate() {
    for packages in [0, 1] {
        let (fake, inventory) = FakeDataApi::start(|_| None);
        let fake = fake.occupied();
        assert!(matches!(
            inventory.add(&instance(packages)).await,
            Err(AddError::Duplicate)
        ));
        assert_eq!(fake.calls(), "begin insert rollback");
        assert!(fake.is_occupied() && !fake.holds_locks());
    }
}

#[tokio::test(start_paused = true)]
async fn a_transaction_that_cannot_begin_is_begun_again_or_refused() {
    for case in all() {
        let (added, fake, case) = add_with(case, "begin", false, 1).await;
        match case.policy {
            FaultPolicy::Again | FaultPolicy::Gone => {
                assert!(added.is_ok(), "{}: {added:?}", case.name);
                assert_eq!(
                    fake.calls(),
                    "begin begin insert packages commit",
                    "{}",
                    case.name
                );
            }
            FaultPolicy::Unavailable | FaultPolicy::Fault => {
                assert_refused(added, &case);
                assert_eq!(fake.calls(), "begin", "{}", case.name);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_transaction_that_fails_on_its_way_is_rolled_back_and_begun_again_or_refused() {
    for (step, sent) in [
        ("insert", "begin insert"),
        ("packages", "begin insert packages"),
    ] {
        for case in all() {
            let (added, fake, case) = add_with(case, step, true, 1).await;
            match case.policy {
                FaultPolicy::Again | FaultPolicy::Gone => {
                    assert!(added.is_ok(), "{}: {added:?}", case.name);
                    let rollback = if case.policy == FaultPolicy::Gone {
                        ""
                    } else {
                        " rollback"
                    };
                    assert_eq!(
                        fake.calls(),
                        format!("{sent}{rollback} begin insert packages commit"),
                        "{}",
                        case.name
                    );
                    assert!(fake.has_row());
                }
                FaultPolicy::Unavailable | FaultPolicy::Fault => {
                    assert_refused(added, &case);
                    assert_eq!(fake.calls(), format!("{sent} rollback"), "{}", case.name);
                    assert!(!fake.has_row() && !fake.holds_locks());
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_was_done_but_not_answered_is_a_success() {
    for case in all() {
        let (added, fake, case) = add_with(case, "commit", true, 1).await;
        assert!(added.is_ok(), "{}: {added:?}", case.name);
        let rollback = if case.policy == FaultPolicy::Gone {
            ""
        } else {
            " rollback"
        };
        assert_eq!(
            fake.calls(),
            format!("begin insert packages commit{rollback} token"),
            "{}",
            case.name
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_was_not_done_is_tried_again_or_refused() {
    for case in all() {
        let (added, fake, case) = add_with(case, "commit", false, 1).await;
        let rollback = if case.policy == FaultPolicy::Gone {
            ""
        } else {
            " rollback"
        };
        let first = format!("begin insert packages commit{rollback} token");
        match case.policy {
            FaultPolicy::Again | FaultPolicy::Gone => {
                assert!(added.is_ok(), "{}: {added:?}", case.name);
                assert_eq!(
                    fake.calls(),
                    format!("{first} begin insert packages commit"),
                    "{}",
                    case.name
                );
            }
            FaultPolicy::Unavailable | FaultPolicy::Fault => {
                assert_refused(added, &case);
                assert_eq!(fake.calls(), first, "{}", case.name);
                assert!(!fake.has_row() && !fake.holds_locks());
            }
        }
    }
}

/// An inventory whose first commit gets no response, nor does the first read afterwards.
fn unanswered(commit: WorkMoment) -> (FakeDataApi, DataApiInventory) {
    FakeDataApi::start(move |call| match (call.name, call.nth) {
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
    assert!(inventory.add(&instance(0)).await.is_ok());
    assert_eq!(fake.calls(), "begin insert commit rollback token token");

    let (fake, inventory) = unanswered(WorkMoment::Never);
    assert!(inventory.add(&instance(0)).await.is_ok());
    assert_eq!(
        fake.calls(),
        "begin insert commit rollback token token begin insert commit"
    );

    // Another client writes as soon as our own transaction is rolled back.
    let (fake, inventory) = unanswered(WorkMoment::Never);
    let new = instance(0);
    let (added, ()) = tokio::join!(inventory.add(&new), fake.meddled_with("token", true));
    assert!(matches!(added, Err(AddError::Duplicate)), "{added:?}");
    assert_eq!(fake.calls(), "begin insert commit rollback token token");

    // Or just after the read.
    let (fake, inventory) = unanswered(WorkMoment::Never);
    let (added, ()) = tokio::join!(inventory.add(&new), fake.meddled_with("token token", true));
    assert!(matches!(added, Err(AddError::Duplicate)), "{added:?}");
    assert_eq!(
        fake.calls(),
        "begin insert commit rollback token token begin insert rollback token"
    );
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_others_removed_after_a_commit_without_an_answer_does_not_come_back() {
    for added_anew in [false, true] {
        let (fake, inventory) = unanswered(WorkMoment::AtOnce);
        let new = instance(0);
        let (added, ()) = tokio::join!(inventory.add(&new), fake.meddled_with("token", added_anew));
        // It was added, so it is not a duplicate; a retry finds the stored instance.
        assert!(
            matches!(added, Err(AddError::Store(StoreError::Unavailable { .. }))),
            "{added:?}"
        );
        assert_eq!(
            (fake.has_row(), fake.is_occupied()),
            (added_anew, added_anew)
        );
        assert_eq!(fake.calls(), "begin insert commit rollback token token");
    }
}

#[tokio::test(start_paused = true)]
async fn every_text_of_a_duplicate_is_known() {
    for (exception, text) in [
        (
            "DatabaseErrorException",
            "Duplicate entry 'i-1' for key 'PRIMARY'",
        ),
        (
            "DatabaseErrorException",
            "Duplicate entry 'i-1' for key 'ec2.PRIMARY'; Error code: 1062; SQLState: 23000",
        ),
        (
            "DatabaseErrorException",
            "Duplicate entry 'Deadlock found; Error code: 1213;' for key 'ec2.PRIMARY'; Error code: 1062",
        ),
        (
            "BadRequestException",
            "Duplicate entry 'i-1' for key 'PRIMARY'",
        ),
        (
            "BadRequestException",
            "Database error code: 1062. Message: Duplicate entry 'i-1' for key 'ec2.PRIMARY'",
        ),
    ] {
        let (fake, inventory) = FakeDataApi::start(move |call| {
            (call.name == "insert").then(|| CallFault {
                reply: CannedReply::error(400, exception, text),
                done: WorkMoment::Never,
            })
        });
        assert!(
            matches!(inventory.add(&instance(0)).await, Err(AddError::Duplicate)),
            "{text}"
        );
        assert_eq!(fake.calls(), "begin insert rollback");
    }
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_package_is_our_fault_and_not_the_clients() {
    let (fake, inventory) = FakeDataApi::start(|call| {
        (call.name == "packages").then(|| CallFault {
            reply: duplicate(),
            done: WorkMoment::Never,
        })
    });
    let added = inventory.add(&instance(1)).await;
    assert!(
        matches!(added, Err(AddError::Store(StoreError::Fault { .. }))),
        "{added:?}"
    );
    assert_eq!(fake.calls(), "begin insert packages rollback");
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_lasts_is_given_up_in_time() {
    for step in ["begin", "insert", "packages", "commit"] {
        for case in all()
            .into_iter()
            .filter(|case| !matches!(case.policy, FaultPolicy::Fault | FaultPolicy::Unavailable))
        {
            let (name, policy) = (case.name, case.policy);
            let (fake, inventory) = FakeDataApi::start(move |call| {
                if call.name == step {
                    case.undone()
                } else {
                    None
                }
            });
            let begun = Instant::now();
            let added = inventory.add(&instance(1)).await;
            let Err(AddError::Store(StoreError::Unavailable { retry_after, .. })) = added else {
                panic!("{step}, {name}: {added:?}")
            };
            let resumes = name == "resuming" || name.starts_with("link failure");
            assert!(
                if resumes {
                    retry_after == Duration::from_secs(15)
                } else {
                    is_short(retry_after)
                },
                "{step}, {name}"
            );
            assert!(
                begun.elapsed() <= WHOLE,
                "{step}, {name}: {:?}",
                begun.elapsed()
            );
            // A transaction that the service does not know need not be ended.
            assert!(
                !fake.has_row() && (policy == FaultPolicy::Gone || !fake.holds_locks()),
                "{step}, {name}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_after_the_answer() {
    for silent in ["insert", "commit", "rollback", "token"] {
        let (fake, inventory) = FakeDataApi::start(move |call| {
            let fails = call.name == silent
                || (call.name == "packages" && matches!(silent, "rollback" | "token"));
            fails.then_some(CallFault {
                reply: CannedReply::Silence,
                done: WorkMoment::Never,
            })
        });
        let begun = Instant::now();
        assert!(inventory.add(&instance(1)).await.is_err());
        assert!(begun.elapsed() <= WHOLE, "{silent}: {:?}", begun.elapsed());
        let calls = fake.calls();
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(fake.calls(), calls, "{silent}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_add_that_waits_for_a_lock_beyond_its_time_is_never_done() {
    for ends in [WorkMoment::AtOnce, WorkMoment::Never] {
        for (packages, step) in [
            (0, "insert"),
            (1, "insert"),
            (1, "packages"),
            (0, "commit"),
            (1, "commit"),
        ] {
            // Without a response to its rollback a commit stays in doubt, and the instance may be stored.
            if (step, ends) == ("commit", WorkMoment::Never) {
                continue;
            }
            let (fake, inventory) = FakeDataApi::start(move |call| match call.name {
                name if name == step => Some(CallFault {
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
            let added = inventory.add(&instance(packages)).await;
            assert!(
                matches!(added, Err(AddError::Store(StoreError::Unavailable { .. }))),
                "{step}: {added:?}"
            );
            assert!(
                begun.elapsed() <= WHOLE && fake.waiting() > 0,
                "{step}: {:?}",
                begun.elapsed()
            );
            let calls = fake.calls();
            tokio::time::sleep(Duration::from_secs(600)).await;
            assert!(!fake.has_row() && fake.waiting() == 0, "{step}");
            assert_eq!(fake.calls(), calls, "{step}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_add_that_gets_its_lock_in_time_is_done_once() {
    for packages in [0, 1] {
        let (fake, inventory) = FakeDataApi::start(|call| {
            let locked = call.name == "insert" && call.at < Duration::from_secs(5);
            locked.then_some(CallFault {
                reply: CannedReply::Silence,
                done: WorkMoment::Later(Duration::from_secs(5)),
            })
        });
        let added = inventory.add(&instance(packages)).await;
        assert!(
            added.is_ok() && fake.has_row() && !fake.holds_locks(),
            "{added:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_wakes_in_time_is_waited_for() {
    for (packages, wakes_after, in_time) in [
        (0, 0, true),
        (1, 5, true),
        (0, 15, true),
        (1, 20, true),
        (0, 30, false),
        (1, 60, false),
    ] {
        let (fake, inventory) = FakeDataApi::start(move |call| {
            let asleep = call.at < Duration::from_secs(wakes_after);
            asleep.then(|| all().remove(0).undone()).flatten()
        });
        let begun = Instant::now();
        let added = inventory.add(&instance(packages)).await;
        assert!(
            begun.elapsed() <= Duration::from_secs(28),
            "{wakes_after}: {:?}",
            begun.elapsed()
        );
        assert_eq!(fake.has_row(), in_time, "{wakes_after}");
        match added {
            Ok(()) => assert!(in_time, "{wakes_after}"),
            Err(AddError::Store(StoreError::Unavailable { retry_after, .. })) => {
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
async fn a_cluster_that_was_waking_when_the_time_cut_the_last_call_off_is_waited_for_as_long() {
    let (fake, inventory) = FakeDataApi::start(|call| match call.at < Duration::from_secs(20) {
        true => all().remove(0).undone(),
        false => Some(CallFault {
            reply: CannedReply::Silence,
            done: WorkMoment::Never,
        }),
    });
    let Err(AddError::Store(StoreError::Unavailable { retry_after, .. })) =
        inventory.add(&instance(0)).await
    else {
        panic!("added")
    };
    assert_eq!(
        (retry_after, fake.has_row()),
        (Duration::from_secs(15), false)
    );
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_given_up_lets_go_of_its_locks() {
    let (fake, inventory) = FakeDataApi::start(|call| {
        (call.name == "packages").then_some(CallFault {
            reply: CannedReply::Silence,
            done: WorkMoment::Never,
        })
    });
    assert!(
        timeout(Duration::from_secs(1), inventory.add(&instance(1)))
            .await
            .is_err()
    );
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(fake.calls(), "begin insert packages rollback");
    assert!(!fake.holds_locks());
}

#[tokio::test(start_paused = true)]
async fn the_log_is_told_the_exception_and_the_request_but_no_value() {
    let (_, inventory) = FakeDataApi::start(|call| {
        (call.name == "insert").then(|| CallFault {
            reply: CannedReply::error(403, "AccessDeniedException", "User is not authorized"),
            done: WorkMoment::Never,
        })
    });
    let Err(AddError::Store(error)) = inventory.add(&instance(0)).await else {
        panic!("refused")
    };
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(
        source.to_string(),
        "ExecuteStatement: AccessDeniedException (HTTP 403, request request-1): User is not authorized"
    );
    assert!(!format!("{error:?}").contains("123456789012"));
}

#[tokio::test(start_paused = true)]
async fn the_log_is_told_a_database_error_without_the_value_that_it_quotes() {
    let (_, inventory) = FakeDataApi::start(|call| {
        let text = "Duplicate entry 'i-1-secret' package-1' for key 'ec2_package.PRIMARY'; Error code: 1062; SQLState: 23000";
        (call.name == "packages").then(|| CallFault {
            reply: CannedReply::error(400, "DatabaseErrorException", text),
            done: WorkMoment::Never,
        })
    });
    let Err(AddError::Store(error)) = inventory.add(&instance(1)).await else {
        panic!("refused")
    };
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(
        source.to_string(),
        "ExecuteStatement: DatabaseErrorException (HTTP 400, request request-1): \
         Duplicate entry '…' for key 'ec2_package.PRIMARY'; Error code: 1062; SQLState: 23000"
    );
    assert!(!format!("{error:?}").contains("secret"));
}
