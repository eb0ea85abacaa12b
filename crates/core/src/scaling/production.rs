//! Production mode: the dimension's state is whatever its owner and Application Auto Scaling report.

use thiserror::Error;

use super::{Capacity, Dimension, FailureReason, ScalingStatus, StatusName};

/// Why a patch is rejected.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PatchError {
    /// A reason for a status or state other than `Failed`.
    #[error("failureReason is allowed only with scalingStatus Failed")]
    ReasonWithoutFailure,
}

/// The fields of a patch; absent ones leave the state unchanged.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DimensionPatch {
    /// The desired capacity.
    pub desired: Option<Capacity>,
    /// The actual capacity.
    pub actual: Option<Capacity>,
    /// How far scaling has come.
    pub status: Option<StatusName>,
    /// Why scaling failed.
    pub failure_reason: Option<FailureReason>,
}

impl DimensionPatch {
    /// Merges the patch into `state`.
    ///
    /// - A patch that changes the desired capacity sets the status to `Pending`, whatever status and reason it has.
    /// - A report of `Successful` with an actual capacity other than the desired one belongs to an earlier order: its
    ///   actual capacity is stored and the status becomes `Pending`. One without an actual capacity is accepted.
    /// - The desired capacity alone, equal to the stored one, is a retry after `Failed`: `Pending`, without a reason.
    /// - A status other than `Failed` clears the stored reason; `Failed` without a reason keeps it.
    ///
    /// # Errors
    /// [`PatchError`]; `state` is then unchanged.
    pub fn apply(&self, state: &Dimension) -> Result<Dimension, PatchError> {
        let desired = self.desired.unwrap_or(state.desired);
        let asked = match (self.status, &state.status) {
            (Some(StatusName::Pending), _) => ScalingStatus::Pending,
            (Some(StatusName::InProgress), _) => ScalingStatus::InProgress,
            (Some(StatusName::Successful), _) => ScalingStatus::Successful,
            (Some(StatusName::Failed), stored) => {
                ScalingStatus::Failed(stored.failure_reason().cloned())
            }
            (None, ScalingStatus::Failed(_)) if self.is_order() => ScalingStatus::Pending,
            (None, stored) => stored.clone(),
        };
        let asked = match (&self.failure_reason, asked) {
            (Some(reason), ScalingStatus::Failed(_)) => ScalingStatus::Failed(Some(reason.clone())),
            (Some(_), _) => return Err(PatchError::ReasonWithoutFailure),
            (None, status) => status,
        };
        let is_late = self.status == Some(StatusName::Successful)
            && self.actual.is_some_and(|actual| actual != desired);
        Ok(Dimension {
            actual: self.actual.unwrap_or(state.actual),
            desired,
            status: if desired != state.desired || is_late {
                ScalingStatus::Pending
            } else {
                asked
            },
        })
    }

    /// Whether the patch has the desired capacity alone, as those of Application Auto Scaling do.
    fn is_order(&self) -> bool {
        let desired_alone = Self {
            desired: self.desired,
            ..Self::default()
        };
        self.desired.is_some() && *self == desired_alone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capacity(number: f64) -> Capacity {
        Capacity::new(number).unwrap()
    }

    fn reason(text: &str) -> Option<FailureReason> {
        Some(FailureReason::parse(text).unwrap())
    }

    fn failed(text: &str) -> Dimension {
        Dimension {
            status: ScalingStatus::Failed(reason(text)),
            ..Dimension::INITIAL
        }
    }

    #[test]
    fn only_the_fields_that_a_patch_brings_change() {
        let patch = DimensionPatch {
            actual: Some(capacity(3.0)),
            ..DimensionPatch::default()
        };
        assert_eq!(
            patch.apply(&Dimension::INITIAL).unwrap(),
            Dimension {
                actual: capacity(3.0),
                ..Dimension::INITIAL
            }
        );
    }

    #[test]
    fn a_changed_desired_capacity_forces_pending() {
        for status in [
            None,
            Some(StatusName::Successful),
            Some(StatusName::InProgress),
            Some(StatusName::Failed),
        ] {
            let patch = DimensionPatch {
                desired: Some(capacity(2.0)),
                status,
                ..DimensionPatch::default()
            };
            assert_eq!(
                patch.apply(&Dimension::INITIAL).unwrap().status,
                ScalingStatus::Pending
            );
        }
        let same = DimensionPatch {
            desired: Some(capacity(1.0)),
            status: Some(StatusName::InProgress),
            ..DimensionPatch::default()
        };
        assert_eq!(
            same.apply(&Dimension::INITIAL).unwrap().status,
            ScalingStatus::InProgress
        );
    }

    #[test]
    fn a_reason_needs_a_failure() {
        let with = |status| DimensionPatch {
            status,
            failure_reason: reason("why"),
            ..DimensionPatch::default()
        };
        assert_eq!(
            with(None).apply(&Dimension::INITIAL),
            Err(PatchError::ReasonWithoutFailure)
        );
        assert_eq!(
            with(Some(StatusName::Successful)).apply(&failed("old")),
            Err(PatchError::ReasonWithoutFailure)
        );
        assert_eq!(
            with(Some(StatusName::Failed))
                .apply(&Dimension::INITIAL)
                .unwrap(),
            failed("why")
        );
        assert_eq!(with(None).apply(&failed("old")).unwrap(), failed("why"));
    }

    #[test]
    fn a_reason_ends_with_its_failure() {
        let patch = |status| DimensionPatch {
            status: Some(status),
            ..DimensionPatch::default()
        };
        assert_eq!(
            patch(StatusName::Failed).apply(&failed("old")).unwrap(),
            failed("old")
        );
        assert_eq!(
            patch(StatusName::Successful).apply(&failed("old")).unwrap(),
            Dimension::INITIAL
        );
    }

    #[test]
    fn a_late_report_of_success_leaves_the_newer_order_pending() {
        let state = Dimension {
            actual: capacity(1.0),
            desired: capacity(8.0),
            status: ScalingStatus::InProgress,
        };
        let report = |actual: Option<f64>, desired: Option<f64>| DimensionPatch {
            status: Some(StatusName::Successful),
            actual: actual.map(capacity),
            desired: desired.map(capacity),
            ..DimensionPatch::default()
        };
        for late in [report(Some(4.0), None), report(Some(4.0), Some(8.0))] {
            assert_eq!(
                late.apply(&state).unwrap(),
                Dimension {
                    actual: capacity(4.0),
                    desired: capacity(8.0),
                    status: ScalingStatus::Pending
                }
            );
        }
        let done = report(Some(8.0), None).apply(&state).unwrap();
        assert_eq!(
            (done.actual, done.status),
            (capacity(8.0), ScalingStatus::Successful)
        );
        let bare = report(None, None).apply(&state).unwrap();
        assert_eq!(
            (bare.actual, bare.status),
            (capacity(1.0), ScalingStatus::Successful)
        );
    }

    #[test]
    fn the_same_capacity_asked_for_again_is_a_new_try_only_after_a_failure() {
        let again = DimensionPatch {
            desired: Some(capacity(1.0)),
            ..DimensionPatch::default()
        };
        assert_eq!(
            again.apply(&failed("old")).unwrap(),
            Dimension {
                status: ScalingStatus::Pending,
                ..Dimension::INITIAL
            }
        );
        for status in [
            ScalingStatus::Pending,
            ScalingStatus::InProgress,
            ScalingStatus::Successful,
        ] {
            let state = Dimension {
                status,
                ..Dimension::INITIAL
            };
            assert_eq!(again.apply(&state).unwrap(), state);
        }
        let with_actual = DimensionPatch {
            actual: Some(capacity(1.0)),
            ..again
        };
        assert_eq!(with_actual.apply(&failed("old")).unwrap(), failed("old"));
    }
}
