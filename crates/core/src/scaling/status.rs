//! How far scaling has come.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::text::{check_printable, text_type};

text_type!(
    /// Why scaling failed: 1–1,000 printable characters.
    FailureReason, 1_000, check_printable
);

/// How far scaling to the desired capacity has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScalingStatus {
    /// Accepted, not started.
    Pending,
    /// In progress.
    InProgress,
    /// Done.
    Successful,
    /// Given up. The reason exists only in this status.
    Failed(Option<FailureReason>),
}

impl ScalingStatus {
    /// Its name, without the reason.
    #[must_use]
    pub fn kind(&self) -> StatusName {
        match self {
            Self::Pending => StatusName::Pending,
            Self::InProgress => StatusName::InProgress,
            Self::Successful => StatusName::Successful,
            Self::Failed(_) => StatusName::Failed,
        }
    }

    /// Its name as it is written.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.kind().as_str()
    }

    /// Like [`Self::failure_reason`], by value.
    #[must_use]
    pub fn into_failure_reason(self) -> Option<FailureReason> {
        match self {
            Self::Failed(reason) => reason,
            _ => None,
        }
    }

    /// Why scaling failed, if it did and a reason was reported.
    #[must_use]
    pub fn failure_reason(&self) -> Option<&FailureReason> {
        match self {
            Self::Failed(reason) => reason.as_ref(),
            _ => None,
        }
    }
}

/// The name of a status in the custom-resource specification, without its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = ScalingStatus))]
pub enum StatusName {
    /// See [`ScalingStatus::Pending`].
    Pending,
    /// See [`ScalingStatus::InProgress`].
    InProgress,
    /// See [`ScalingStatus::Successful`].
    Successful,
    /// See [`ScalingStatus::Failed`].
    Failed,
}

/// A text that is not the name of a status. The message continues a sentence that begins with the field's name.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("must be one of Pending, InProgress, Successful, Failed")]
pub struct StatusNameError;

impl StatusName {
    /// Every status.
    pub const ALL: [Self; 4] = [
        Self::Pending,
        Self::InProgress,
        Self::Successful,
        Self::Failed,
    ];

    /// Parses a name of the custom-resource specification.
    ///
    /// # Errors
    /// [`StatusNameError`] for any other text.
    pub fn parse(name: &str) -> Result<Self, StatusNameError> {
        let mut all = Self::ALL.into_iter();
        all.find(|status| status.as_str() == name)
            .ok_or(StatusNameError)
    }

    /// The name as it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::InProgress => "InProgress",
            Self::Successful => "Successful",
            Self::Failed => "Failed",
        }
    }
}

impl TryFrom<String> for StatusName {
    type Error = StatusNameError;

    fn try_from(name: String) -> Result<Self, StatusNameError> {
        Self::parse(&name)
    }
}

impl std::fmt::Display for StatusName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_written_as_it_is_read_and_no_other_is_taken() {
        for status in StatusName::ALL {
            assert_eq!(StatusName::parse(status.as_str()), Ok(status));
            assert_eq!(
                serde_json::to_value(status).unwrap(),
                serde_json::json!(status.as_str())
            );
        }
        for name in ["", "pending", "Successful ", "Cancelled"] {
            assert_eq!(StatusName::parse(name), Err(StatusNameError), "{name:?}");
        }
    }

    #[test]
    fn the_refusal_lists_every_name() {
        let names = StatusName::ALL.map(StatusName::as_str).join(", ");
        assert_eq!(
            StatusNameError.to_string(),
            format!("must be one of {names}")
        );
    }

    #[test]
    fn only_a_failure_has_a_reason() {
        let reason = FailureReason::parse("no capacity").unwrap();
        let failed = ScalingStatus::Failed(Some(reason.clone()));
        assert_eq!(failed.failure_reason(), Some(&reason));
        assert_eq!(failed.into_failure_reason(), Some(reason));
        for status in [
            ScalingStatus::Failed(None),
            ScalingStatus::Pending,
            ScalingStatus::InProgress,
            ScalingStatus::Successful,
        ] {
            assert_eq!(status.failure_reason(), None);
            assert_eq!(status.into_failure_reason(), None);
        }
    }

    #[test]
    fn a_name_is_padded_like_a_text() {
        assert_eq!(format!("{:>8}", StatusName::Failed), "  Failed");
    }
}
