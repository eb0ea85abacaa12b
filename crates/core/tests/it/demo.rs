//! Demo mode against a model that counts reads since the last order.

use fleet_core::scaling::{
    Capacity, Dimension,
    demo::{DemoOutcome, patch, step},
};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum ModelRequest {
    Get,
    Patch(f64),
}

/// Stores no status: it follows from the number of reads since the last order.
struct DemoModel {
    reached: f64,
    desired: f64,
    /// `None` before the first change.
    looks: Option<u32>,
    fails: bool,
}

impl DemoModel {
    fn request(&mut self, request: &ModelRequest) {
        match *request {
            ModelRequest::Patch(desired)
                if desired != self.desired || self.status() == "Failed" =>
            {
                (self.desired, self.looks) = (desired, Some(0))
            }
            ModelRequest::Patch(_) => {}
            ModelRequest::Get => {
                self.looks = self.looks.map(|looks| (looks + 1).min(2));
                if self.looks == Some(2) && !self.fails {
                    self.reached = self.desired;
                }
            }
        }
    }

    fn status(&self) -> &'static str {
        match (self.looks, self.fails) {
            (Some(0), _) => "Pending",
            (Some(1), _) => "InProgress",
            (Some(_), true) => "Failed",
            (Some(_), false) | (None, _) => "Successful",
        }
    }
}

fn requests() -> impl Strategy<Value = Vec<ModelRequest>> {
    // Few capacities, so that equal ones occur often.
    let capacity = prop_oneof![4 => (0_u8..4).prop_map(f64::from), 1 => 0.0..=f64::MAX];
    prop::collection::vec(
        prop_oneof![
            Just(ModelRequest::Get),
            capacity.prop_map(ModelRequest::Patch)
        ],
        0..40,
    )
}

proptest! {
    #[test]
    fn every_history_in_demo_mode_ends_where_the_model_says(requests in requests(), fails: bool) {
        let outcome = if fails { DemoOutcome::Fail } else { DemoOutcome::Succeed };
        let mut model = DemoModel { reached: 1.0, desired: 1.0, looks: None, fails };
        let mut state = Dimension::INITIAL;
        for request in &requests {
            model.request(request);
            state = match *request {
                ModelRequest::Get => step(&state, outcome),
                ModelRequest::Patch(number) => patch(&state, Capacity::new(number).unwrap()),
            };
            prop_assert_eq!(state.status.name(), model.status());
            prop_assert_eq!((state.actual.get(), state.desired.get()), (model.reached, model.desired));
            prop_assert_eq!(state.status.failure_reason().is_some(), model.status() == "Failed");
        }
    }
}
