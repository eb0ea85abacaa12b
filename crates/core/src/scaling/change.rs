//! How a request changed a dimension.

use std::fmt;

use super::{Dimension, StateTag};

/// How one request changed a dimension.
#[derive(Clone, Debug, PartialEq)]
pub struct DimensionChange {
    /// The state before.
    pub before: Dimension,
    /// The state after.
    pub after: Dimension,
    /// The tag of the stored state afterwards; the same as before if nothing changed.
    pub tag: StateTag,
}

/// One field that a request changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldChange {
    /// Its name in the specification.
    pub field: &'static str,
    /// Its value before, if any.
    pub from: Option<String>,
    /// Its value afterwards, if any.
    pub to: Option<String>,
}

impl fmt::Display for FieldChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
        write!(
            f,
            "{}: {} → {}",
            self.field,
            shown(&self.from),
            shown(&self.to)
        )
    }
}

impl DimensionChange {
    /// The fields whose values differ, in the order of the specification.
    #[must_use]
    pub fn fields(&self) -> Vec<FieldChange> {
        let fields = |state: &Dimension| {
            [
                ("actualCapacity", Some(state.actual.to_string())),
                ("desiredCapacity", Some(state.desired.to_string())),
                ("scalingStatus", Some(state.status.name().to_owned())),
                (
                    "failureReason",
                    state.status.failure_reason().map(ToString::to_string),
                ),
            ]
        };
        std::iter::zip(fields(&self.before), fields(&self.after))
            .filter(|(before, after)| before != after)
            .map(|((field, from), (_, to))| FieldChange { field, from, to })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scaling::{Capacity, FailureReason, ScalingStatus};

    #[test]
    fn a_change_tells_from_and_to_of_the_fields_that_differ() {
        let before = Dimension::INITIAL;
        let after = Dimension {
            desired: Capacity::new(2.0).unwrap(),
            status: ScalingStatus::Failed(Some(FailureReason::parse("no capacity").unwrap())),
            ..before.clone()
        };
        let told: Vec<String> = DimensionChange {
            before: before.clone(),
            after,
            tag: StateTag::initial(),
        }
        .fields()
        .iter()
        .map(ToString::to_string)
        .collect();
        assert_eq!(
            told,
            [
                "desiredCapacity: 1.0 → 2.0",
                "scalingStatus: Successful → Failed",
                "failureReason: none → no capacity"
            ]
        );
        assert_eq!(
            DimensionChange {
                before: before.clone(),
                after: before,
                tag: StateTag::initial()
            }
            .fields(),
            []
        );
    }
}
