//! The only place where errors become responses.

use lambda_http::http::{HeaderValue, header::RETRY_AFTER};
use serde::Serialize;

use crate::{
    ApiError, ErrorCode,
    error::seconds,
    response::{Response, json},
};

/// The keys of an error body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ErrorBody {
    /// `code`, `message` and `request_id`.
    #[default]
    Standard,
    /// The inventory's documented contract: also `error_message`, with the same text as `message`.
    Inventory,
}

impl ErrorBody {
    /// The body with `message` for the request `request_id`.
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
    /// One sentence: what was wrong, in which field, and what is allowed.
    #[cfg_attr(feature = "schema", schema(min_length = 1))]
    message: &'a str,
    /// The same as `message`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(min_length = 1, nullable = false))]
    error_message: Option<&'a str>,
    /// The id of the request, which is also in its log line.
    #[cfg_attr(feature = "schema", schema(min_length = 1))]
    request_id: &'a str,
}

impl ApiError {
    /// The response for the client.
    ///
    /// # Errors
    /// Only if the body cannot be written as JSON.
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
    use std::time::Duration;

    use fleet_core::store::{Store, StoreError};
    use lambda_http::Body;

    use super::*;
    use crate::InvalidInput;

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

    #[test]
    fn every_error_has_its_status_its_code_and_a_sentence() {
        let fault = ApiError::from(StoreError::Fault {
            store: Store::Dimensions,
            source: "table fleet is not there".into(),
        });
        let unavailable = StoreError::Unavailable {
            store: Store::Inventory,
            retry_after: Duration::from_millis(14_200),
            source: "it is resuming".into(),
        };
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
                unavailable.into(),
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
}
