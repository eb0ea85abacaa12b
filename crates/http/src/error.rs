//! The one place where errors become responses.
//!
//! Use [`ApiError::BadRequest`] for input that the client can mend, [`ApiError::NotFound`] for a thing that is not
//! there, and let `?` turn a [`StoreError`] into 503 or 500. What the client reads is a sentence of ours; what happened
//! stays in the cause and goes to the log line with the same request id.

use std::time::Duration;

use fleet_core::store::{Cause, StoreError};
use lambda_http::http::{HeaderValue, StatusCode, header::RETRY_AFTER};
use serde::Serialize;
use thiserror::Error;

use crate::{Response, response::json};

/// Why a request was not done.
#[derive(Debug, Error)]
pub enum ApiError {
    /// 400: the input is wrong. The sentence says what, in which field, and what is allowed.
    #[error("{0}")]
    BadRequest(String),
    /// 404: there is no such thing. The sentence says what was looked for.
    #[error("{0}")]
    NotFound(String),
    /// 503: a store cannot answer now.
    #[error("The service cannot answer now; please try again in {} s.", seconds(*retry_after))]
    Unavailable {
        /// How long to wait before asking again; answered in whole seconds.
        retry_after: Duration,
        /// What happened.
        #[source]
        cause: Cause,
    },
    /// 500: a fault of ours or of the set-up.
    #[error("The service failed to do this; the fault is ours and has been logged.")]
    Internal(#[source] Cause),
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable { retry_after, .. } => Self::Unavailable {
                retry_after,
                cause: error.into(),
            },
            StoreError::Fault { .. } => Self::Internal(error.into()),
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
    /// `message` and `request_id`.
    #[default]
    Standard,
    /// The inventory's documented contract: `error_message` with the same text as well.
    Inventory,
}

impl ErrorBody {
    /// The body that says `message` of the request `request_id`.
    #[must_use]
    pub fn of<'a>(self, message: &'a str, request_id: &'a str) -> impl Serialize + 'a {
        Shown {
            message,
            error_message: (self == Self::Inventory).then_some(message),
            request_id,
        }
    }
}

#[derive(Serialize)]
struct Shown<'a> {
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<&'a str>,
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

    /// What happened, for the log: every cause in the chain. `None` for an error of the client's, whose text would put
    /// the client's input into the log.
    #[must_use]
    pub fn cause(&self) -> Option<String> {
        let (Self::Unavailable { cause, .. } | Self::Internal(cause)) = self else {
            return None;
        };
        let mut text = cause.to_string();
        let mut next = cause.source();
        while let Some(error) = next {
            text.push_str(": ");
            text.push_str(&error.to_string());
            next = error.source();
        }
        Some(text)
    }

    /// The answer that tells the client.
    ///
    /// # Errors
    /// Only when the body cannot be written as JSON.
    pub fn response(&self, shape: ErrorBody, request_id: &str) -> Result<Response, Self> {
        let mut response = json(self.status(), &shape.of(&self.to_string(), request_id))?;
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

    fn shown(error: &ApiError, shape: ErrorBody) -> (u16, Option<String>, String) {
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
    fn every_error_has_its_status_and_a_sentence() {
        let fault = ApiError::from(StoreError::Fault {
            store: Store::Dimensions,
            source: "table fleet is not there".into(),
        });
        assert_eq!(
            shown(
                &ApiError::BadRequest("aws_region must not be empty.".into()),
                ErrorBody::Standard
            ),
            (
                400,
                None,
                r#"{"message":"aws_region must not be empty.","request_id":"r-1"}"#.into()
            )
        );
        assert_eq!(
            shown(
                &ApiError::NotFound("There is no book 9.".into()),
                ErrorBody::Standard
            ),
            (
                404,
                None,
                r#"{"message":"There is no book 9.","request_id":"r-1"}"#.into()
            )
        );
        assert_eq!(
            shown(&unavailable(), ErrorBody::Standard),
            (503, Some("15".into()), r#"{"message":"The service cannot answer now; please try again in 15 s.","request_id":"r-1"}"#.into())
        );
        assert_eq!(
            shown(&fault, ErrorBody::Standard),
            (500, None, r#"{"message":"The service failed to do this; the fault is ours and has been logged.","request_id":"r-1"}"#.into())
        );
    }

    #[test]
    fn the_inventory_says_it_under_both_keys() {
        let (_, _, body) = shown(&ApiError::BadRequest("No.".into()), ErrorBody::Inventory);
        assert_eq!(
            body,
            r#"{"message":"No.","error_message":"No.","request_id":"r-1"}"#
        );
    }

    #[test]
    fn the_log_gets_the_whole_cause_and_never_the_clients_input() {
        assert_eq!(
            unavailable().cause().unwrap(),
            "the inventory database cannot answer now: arn:aws:rds:us-east-1:1:cluster:fleet is resuming"
        );
        assert_eq!(ApiError::BadRequest("secret text".into()).cause(), None);
    }
}
