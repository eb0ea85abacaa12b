//! Errors, each with its status and code. `error_body.rs` turns them into responses.
//!
//! Use [`InvalidInput`] for input that the client can fix, [`ApiError::NotFound`] for something that does not exist,
//! and let `?` turn a [`StoreError`] into 503 or 500. Clients get a sentence of ours; the details stay in the cause
//! and go to the log line with the same request id.

use std::{fmt::Display, time::Duration};

use fleet_core::store::{Cause, StoreError};
use lambda_http::http::StatusCode;
use thiserror::Error;

use crate::ErrorCode;

/// Why a request failed.
#[derive(Debug, Error)]
pub enum ApiError {
    /// 400: the input is invalid.
    #[error(transparent)]
    BadRequest(#[from] InvalidInput),
    /// 404: not found. The message names what was requested.
    #[error("{0}")]
    NotFound(String),
    /// 503: a store is unavailable.
    #[error("The service is temporarily unavailable. Try again in {} s.", seconds(*retry_after))]
    Unavailable {
        /// How long to wait before a retry; sent in whole seconds.
        retry_after: Duration,
        /// The cause.
        #[source]
        cause: Cause,
    },
    /// 500: an internal error, or a fault of the set-up.
    #[error("Internal error. It has been logged with this request id.")]
    Internal(#[source] Cause),
}

/// Input that the client can fix.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{message}")]
pub struct InvalidInput {
    code: ErrorCode,
    message: String,
    reason: String,
}

impl InvalidInput {
    /// `message` is the sentence for the client: what is wrong, in which field, and what is allowed. `reason` is for
    /// the log: the field and the rule, never a text that the client sent.
    pub fn new(code: ErrorCode, message: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            reason: reason.into(),
        }
    }

    /// A field of the body that breaks a rule. Both are logged, so neither may contain a text that the client sent.
    pub fn field(field: impl Display, rule: impl Display) -> Self {
        Self::breaks(ErrorCode::InvalidField, field, rule)
    }

    /// Like [`Self::field`], for a path or query parameter.
    pub fn parameter(name: impl Display, rule: impl Display) -> Self {
        Self::breaks(ErrorCode::InvalidParameter, name, rule)
    }

    fn breaks(code: ErrorCode, name: impl Display, rule: impl Display) -> Self {
        let reason = format!("{name} {rule}");
        Self {
            code,
            message: format!("{reason}."),
            reason,
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable { retry_after, .. } => Self::Unavailable {
                retry_after,
                cause: error.into(),
            },
            StoreError::Fault { .. } | StoreError::Schema { .. } => Self::Internal(error.into()),
        }
    }
}

/// A wait in whole seconds, rounded up: `Retry-After: 0` would invite a retry that fails at once.
pub(crate) fn seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

impl ApiError {
    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The machine-readable code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::BadRequest(invalid) => invalid.code,
            Self::NotFound(_) => ErrorCode::NotFound,
            Self::Unavailable { .. } => ErrorCode::Unavailable,
            Self::Internal(_) => ErrorCode::Internal,
        }
    }

    /// The details for the log: for an internal error every cause in the chain; for a client's error the field and
    /// the rule, without the client's input.
    #[must_use]
    pub fn cause(&self) -> String {
        let cause = match self {
            Self::BadRequest(invalid) => return invalid.reason.clone(),
            Self::NotFound(sentence) => return sentence.trim_end_matches('.').to_owned(),
            Self::Unavailable { cause, .. } | Self::Internal(cause) => cause,
        };
        let mut text = cause.to_string();
        let mut next = cause.source();
        while let Some(error) = next {
            text.push_str(": ");
            text.push_str(&error.to_string());
            next = error.source();
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use fleet_core::store::Store;

    use super::*;

    fn unavailable() -> ApiError {
        StoreError::Unavailable {
            store: Store::Inventory,
            retry_after: Duration::from_millis(14_200),
            source: "arn:aws:rds:us-east-1:1:cluster:fleet is resuming".into(),
        }
        .into()
    }

    #[test]
    fn the_log_gets_the_whole_cause_and_never_the_clients_input() {
        assert_eq!(
            unavailable().cause(),
            "the inventory database is unavailable: arn:aws:rds:us-east-1:1:cluster:fleet is resuming"
        );
        let unknown = InvalidInput::new(
            ErrorCode::UnknownField,
            "Unknown field `secret text`.",
            "unknown field",
        );
        assert_eq!(ApiError::from(unknown).cause(), "unknown field");
    }
}
