//! The state of a dimension.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Capacity, ScalingStatus};
use crate::text::{TextError, check_printable};

/// Why a text is not a valid dimension id. The message continues a sentence that begins with the parameter's name.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DimensionIdError {
    /// It breaks the rule for every text.
    #[error(transparent)]
    Text(#[from] TextError),
    /// It has a slash, which would split it in the resource id of a scalable target.
    #[error("must not contain a slash (/)")]
    Slash,
}

/// The id of a scalable target dimension: 1–255 printable characters without `/`. Dimensions are independent.
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
    /// The most characters allowed.
    pub const MAX_CHARS: usize = 255;

    /// Accepts `text` if it follows the rule.
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
    /// The actual capacity.
    pub actual: Capacity,
    /// The desired capacity.
    pub desired: Capacity,
    /// How far the actual capacity has come towards the desired one.
    pub status: ScalingStatus,
}

impl Dimension {
    /// The state of a dimension that has never been changed.
    pub const INITIAL: Self = Self {
        actual: Capacity::INITIAL,
        desired: Capacity::INITIAL,
        status: ScalingStatus::Successful,
    };
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
