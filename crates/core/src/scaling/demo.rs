//! Demo mode: a dimension that scales by itself, one step per read.

use super::{Capacity, Dimension, FailureReason, ScalingStatus};

/// How scaling ends in demo mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DemoOutcome {
    /// The actual capacity becomes the desired one.
    #[default]
    Succeed,
    /// Scaling fails, to show a caller what that looks like.
    Fail,
}

/// The failure reason in demo mode.
const TEST_FAILURE: &str = "Scaling fails on purpose while SCALING_TEST_FAILURE is true.";

/// The state after a GET: one step closer to the desired capacity.
#[must_use]
pub fn step(state: &Dimension, outcome: DemoOutcome) -> Dimension {
    let next = |status| Dimension {
        status,
        ..state.clone()
    };
    match (&state.status, outcome) {
        (ScalingStatus::Pending, _) => next(ScalingStatus::InProgress),
        (ScalingStatus::InProgress, DemoOutcome::Succeed) => Dimension {
            actual: state.desired,
            ..next(ScalingStatus::Successful)
        },
        (ScalingStatus::InProgress, DemoOutcome::Fail) => next(ScalingStatus::Failed(
            FailureReason::parse(TEST_FAILURE).ok(),
        )),
        (ScalingStatus::Successful | ScalingStatus::Failed(_), _) => state.clone(),
    }
}

/// The state after a PATCH. A desired capacity that differs, or that follows a failure, sets the status `Pending`.
#[must_use]
pub fn patch(state: &Dimension, desired: Capacity) -> Dimension {
    let failed = matches!(state.status, ScalingStatus::Failed(_));
    if desired == state.desired && !failed {
        state.clone()
    } else {
        Dimension {
            actual: state.actual,
            desired,
            status: ScalingStatus::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capacity(number: f64) -> Capacity {
        Capacity::new(number).unwrap()
    }

    #[test]
    fn a_new_desired_capacity_is_reached_in_two_looks() {
        let patched = patch(&Dimension::INITIAL, capacity(2.0));
        assert_eq!(
            (patched.status.name(), patched.actual, patched.desired),
            ("Pending", capacity(1.0), capacity(2.0))
        );
        let first = step(&patched, DemoOutcome::Succeed);
        assert_eq!(
            (first.status.name(), first.actual),
            ("InProgress", capacity(1.0))
        );
        let second = step(&first, DemoOutcome::Succeed);
        assert_eq!(
            (second.status.name(), second.actual),
            ("Successful", capacity(2.0))
        );
        assert_eq!(step(&second, DemoOutcome::Succeed), second);
    }

    #[test]
    fn a_test_failure_stays_until_the_next_patch() {
        let failed = step(
            &step(
                &patch(&Dimension::INITIAL, capacity(2.0)),
                DemoOutcome::Fail,
            ),
            DemoOutcome::Fail,
        );
        assert_eq!(
            (failed.status.name(), failed.actual, failed.desired),
            ("Failed", capacity(1.0), capacity(2.0))
        );
        assert_eq!(
            failed.status.failure_reason().map(FailureReason::as_str),
            Some(TEST_FAILURE)
        );
        assert_eq!(step(&failed, DemoOutcome::Succeed), failed);
        for number in [2.0, 3.0] {
            let tried_again = patch(&failed, capacity(number));
            assert_eq!(
                (tried_again.desired, tried_again.status),
                (capacity(number), ScalingStatus::Pending)
            );
        }
    }

    #[test]
    fn an_equal_desired_capacity_changes_nothing() {
        assert_eq!(
            patch(&Dimension::INITIAL, capacity(1.0)),
            Dimension::INITIAL
        );
    }
}
