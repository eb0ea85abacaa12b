//! The state of a dimension, and what a request changed of it.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Capacity, ScalingStatus, StateTag};
use crate::text::{TextError, check_printable};

/// Why a text is no dimension's id. The sentence continues the name of the parameter.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DimensionIdError {
    /// It breaks the rule of every text.
    #[error(transparent)]
    Text(#[from] TextError),
    /// It has a slash, which would part it in the resource id of a scalable target.
    #[error("must not contain a slash (/)")]
    Slash,
}

/// The id of a scalable target dimension: 1–255 printable characters without `/`. Ids are independent of each other.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct DimensionId(String);

impl TryFrom<String> for DimensionId {
    type Error = DimensionIdError;

    fn try_from(text: String) -> Result<Self, DimensionIdError> {
        Self::parse(text)
    }
}

impl DimensionId {
    /// The most characters it may have.
    pub const MAX_CHARS: usize = 255;

    /// Takes `text` when it follows the rule.
    ///
    /// # Errors
    /// [`DimensionIdError`].
    pub fn parse(text: impl Into<String>) -> Result<Self, DimensionIdError> {
        let text = text.into();
        check_printable(&text, Self::MAX_CHARS)?;
        if text.contains('/') {
            return Err(DimensionIdError::Slash);
        }
        Ok(Self(text))
    }

    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The state of a dimension.
#[derive(Clone, Debug, PartialEq)]
pub struct Dimension {
    /// What there is.
    pub actual: Capacity,
    /// What there should be.
    pub desired: Capacity,
    /// How far the one has come to the other.
    pub status: ScalingStatus,
}

impl Dimension {
    /// The state of a dimension that nobody has changed yet.
    pub const INITIAL: Self = Self {
        actual: Capacity::INITIAL,
        desired: Capacity::INITIAL,
        status: ScalingStatus::Successful,
    };
}

/// What one request made of a dimension.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Before it.
    pub before: Dimension,
    /// After it.
    pub after: Dimension,
    /// The tag of what is stored after it: that of before where nothing changed.
    pub tag: StateTag,
}

/// One field that a request changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldChange {
    /// Its name in the specification.
    pub field: &'static str,
    /// Its value before; `None` where there was none.
    pub from: Option<String>,
    /// Its value after; `None` where there is none.
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

impl Change {
    /// The fields whose values differ, in the order of the specification. Empty when nothing changed.
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
    use crate::scaling::FailureReason;

    #[test]
    fn an_id_is_any_printable_text_without_a_slash() {
        for text in [
            "1-23456789",
            "..",
            " a ",
            "id?x=1",
            "измерение",
            &"x".repeat(255),
        ] {
            assert_eq!(DimensionId::parse(text).unwrap().as_str(), text);
        }
        assert_eq!(DimensionId::parse("a/b"), Err(DimensionIdError::Slash));
        for text in ["", " ", "a\0", &"x".repeat(256)] {
            assert!(
                matches!(DimensionId::parse(text), Err(DimensionIdError::Text(_))),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_change_tells_from_and_to_of_the_fields_that_differ() {
        let before = Dimension::INITIAL;
        let after = Dimension {
            desired: Capacity::new(2.0).unwrap(),
            status: ScalingStatus::Failed(Some(FailureReason::parse("no capacity").unwrap())),
            ..before.clone()
        };
        let told: Vec<String> = Change {
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
            Change {
                before: before.clone(),
                after: before,
                tag: StateTag::initial()
            }
            .fields(),
            []
        );
    }
}
