//! Production mode against a model with four separate fields, as a client sees them.

use fleet_core::scaling::{
    Capacity, Dimension, FailureReason, StatusName,
    production::{DimensionPatch, PatchError},
};
use proptest::{option, prelude::*, sample::select};

#[derive(Clone, Debug, PartialEq)]
struct ProductionModel {
    actual: f64,
    desired: f64,
    status: &'static str,
    reason: Option<String>,
}

#[derive(Clone, Debug)]
struct SentPatch {
    desired: Option<u8>,
    actual: Option<u8>,
    status: Option<(&'static str, StatusName)>,
    reason: Option<&'static str>,
}

impl ProductionModel {
    /// The rules of the contract, one after the other.
    fn patched(&self, sent: &SentPatch) -> Option<Self> {
        let mut new = self.clone();
        new.actual = sent.actual.map_or(self.actual, f64::from);
        new.desired = sent.desired.map_or(self.desired, f64::from);
        if let Some((status, _)) = sent.status {
            new.status = status;
        }
        if let Some(reason) = sent.reason {
            if new.status != "Failed" {
                return None;
            }
            new.reason = Some(reason.to_owned());
        }
        let reported = sent.status.map(|(status, _)| status);
        let late =
            reported == Some("Successful") && sent.actual.is_some() && new.actual != new.desired;
        let order = (sent.actual, reported, sent.reason) == (None, None, None);
        let new_try = self.status == "Failed" && sent.desired.is_some() && order;
        if new.desired != self.desired || late || new_try {
            new.status = "Pending";
        }
        if new.status != "Failed" {
            new.reason = None;
        }
        Some(new)
    }
}

fn sent() -> impl Strategy<Value = SentPatch> {
    let statuses = select(vec![
        ("Pending", StatusName::Pending),
        ("InProgress", StatusName::InProgress),
        ("Successful", StatusName::Successful),
        ("Failed", StatusName::Failed),
    ]);
    (
        option::of(0_u8..3),
        option::of(0_u8..3),
        option::of(statuses),
        option::of(select(vec!["no quota", "no capacity"])),
    )
        .prop_map(|(desired, actual, status, reason)| SentPatch {
            desired,
            actual,
            status,
            reason,
        })
}

fn seen(state: &Dimension) -> ProductionModel {
    ProductionModel {
        actual: state.actual.get(),
        desired: state.desired.get(),
        status: state.status.name(),
        reason: state.status.failure_reason().map(ToString::to_string),
    }
}

proptest! {
    #[test]
    fn every_history_in_production_mode_ends_where_the_model_says(history in prop::collection::vec(sent(), 0..30)) {
        let mut state = Dimension::INITIAL;
        let mut model = seen(&state);
        for sent in &history {
            let capacity = |number: Option<u8>| number.map(|number| Capacity::new(f64::from(number)).unwrap());
            let patch = DimensionPatch {
                desired: capacity(sent.desired),
                actual: capacity(sent.actual),
                status: sent.status.map(|(_, status)| status),
                failure_reason: sent.reason.map(|reason| FailureReason::parse(reason).unwrap()),
            };
            match (patch.apply(&state), model.patched(sent)) {
                (Ok(new), Some(expected)) => (state, model) = (new, expected),
                (Err(PatchError::ReasonWithoutFailure), None) => {}
                (got, expected) => prop_assert!(false, "{sent:?} gave {got:?}, the model {expected:?}"),
            }
            prop_assert_eq!(seen(&state), model.clone());
        }
    }
}
