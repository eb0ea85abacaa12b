//! The one place where errors become responses.
//!
//! Use [`InvalidInput`] for input that the client can fix, [`ApiError::NotFound`] for a thing that is not there, and let
//! `?` turn a [`StoreError`] into 503 or 500. What the client reads is a sentence of ours; what happened stays in the
//! cause and goes to the log line with the same request id.

use std::{fmt::Display, time::Duration};

use fleet_core::store::{Cause, StoreError};
use lambda_http::http::{HeaderValue, StatusCode, header::RETRY_AFTER};
use serde::Serialize;
use thiserror::Error;

use crate::{ErrorCode, Response, response::json};

/// Why a request was not done.
#[derive(Debug, Error)]
pub enum ApiError {
    /// 400: the input is wrong.
    #[error(transparent)]
    BadRequest(#[from] InvalidInput),
    /// 404: there is no such thing. The sentence says what was looked for.
    #[error("{0}")]
    NotFound(String),
    /// 503: a store is unavailable.
    #[error("The service is temporarily unavailable. Try again in {} s.", seconds(*retry_after))]
    Unavailable {
        /// How long to wait before asking again; answered in whole seconds.
        retry_after: Duration,
        /// What happened.
        #[source]
        cause: Cause,
    },
    /// 500: a fault of ours or of the set-up.
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
    /// `message` is the sentence for the client: what is wrong, in which field, and what is allowed. `reason` is for the
    /// log: the field and the rule, and never a text that the client sent.
    pub fn new(code: ErrorCode, message: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            reason: reason.into(),
        }
    }

    /// A field of the body that breaks a rule. Both are logged, so neither may have a text that the client sent.
    pub fn field(field: impl Display, rule: impl Display) -> Self {
        Self::breaks(ErrorCode::InvalidField, field, rule)
    }

    /// As [`Self::field`], of a path or query parameter.
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

/// A wait in whole seconds, rounded up: `Retry-After: 0` would ask for the next failure at once.
fn seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

/// Which keys an error body has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ErrorBody {
    /// `code`, `message` and `request_id`.
    #[default]
    Standard,
    /// The inventory's documented contract: `error_message` with the same text as `message` as well.
    Inventory,
}

impl ErrorBody {
    /// The body that says `message` about the request `request_id`.
    #[must_use]
    pub fn of<'a>(self, code: ErrorCode, message: &'a str, request_id: &'a str) -> ErrorFields<'a> {
        ErrorFields {
            code,
            message,
            error_message: (self == Self::Inventory).then_some(message),
            request_id,
        }
    }
}

/// What went wrong.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = Error))]
pub struct ErrorFields<'a> {
    code: ErrorCode,
    /// What was wrong, in which field, and what is allowed: one sentence.
    #[cfg_attr(feature = "schema", schema(min_length = 1))]
    message: &'a str,
    /// The same as `message`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(min_length = 1, nullable = false))]
    error_message: Option<&'a str>,
    /// The request's id, which its log line has too.
    #[cfg_attr(feature = "schema", schema(min_length = 1))]
    request_id: &'a str,
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

    /// The word for machines.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::BadRequest(invalid) => invalid.code,
            Self::NotFound(_) => ErrorCode::NotFound,
            Self::Unavailable { .. } => ErrorCode::Unavailable,
            Self::Internal(_) => ErrorCode::Internal,
        }
    }

    /// What happened, for the log: every cause in the chain of a fault; of an error of the client's, the field and the
    /// rule, without the client's input.
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

    /// The answer that tells the client.
    ///
    /// # Errors
    /// Only when the body cannot be written as JSON.
    pub fn response(&self, shape: ErrorBody, request_id: &str) -> Result<Response, Self> {
        let message = self.to_string();
        let body = shape.of(self.code(), &message, request_id);
        let mut response = json(self.status(), &body)?;
        if let Self::Unavailable { retry_after, .. } = self {
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from(seconds(*retry_after)));
        }
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use fleet_core::store::Store;
    use lambda_http::Body;

    use super::*;

    fn answered(error: &ApiError, shape: ErrorBody) -> (u16, Option<String>, String) {
        let response = error.response(shape, "r-1").unwrap();
        let wait = response
            .headers()
            .get(RETRY_AFTER)
            .map(|value| value.to_str().unwrap().to_owned());
        let Body::Text(body) = response.body() else {
            panic!("not a text body")
        };
        (response.status().as_u16(), wait, body.clone())
    }

    fn unavailable() -> ApiError {
        StoreError::Unavailable {
            store: Store::Inventory,
            retry_after: Duration::from_millis(14_200),
            source: "arn:aws:rds:us-east-1:1:cluster:fleet is resuming".into(),
        }
        .into()
    }

    #[test]
    fn every_error_has_its_status_its_code_and_a_sentence() {
        let fault = ApiError::from(StoreError::Fault {
            store: Store::Dimensions,
            source: "table fleet is not there".into(),
        });
        let empty = InvalidInput::field("aws_region", "must not be empty");
        for (error, status, wait, body) in [
            (
                empty.into(),
                400,
                None,
                r#"{"code":"InvalidField","message":"aws_region must not be empty.","request_id":"r-1"}"#,
            ),
            (
                ApiError::NotFound("There is no book 9.".into()),
                404,
                None,
                r#"{"code":"NotFound","message":"There is no book 9.","request_id":"r-1"}"#,
            ),
            (
                unavailable(),
                503,
                Some("15"),
                r#"{"code":"Unavailable","message":"The service is temporarily unavailable. Try again in 15 s.","request_id":"r-1"}"#,
            ),
            (
                fault,
                500,
                None,
                r#"{"code":"Internal","message":"Internal error. It has been logged with this request id.","request_id":"r-1"}"#,
            ),
        ] {
            let expected = (status, wait.map(str::to_owned), body.to_owned());
            assert_eq!(answered(&error, ErrorBody::Standard), expected);
        }
    }

    #[test]
    fn the_inventory_says_it_under_both_keys() {
        let error = InvalidInput::new(ErrorCode::DuplicateInstance, "No.", "no");
        let (_, _, body) = answered(&error.into(), ErrorBody::Inventory);
        assert_eq!(
            body,
            r#"{"code":"DuplicateInstance","message":"No.","error_message":"No.","request_id":"r-1"}"#
        );
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
