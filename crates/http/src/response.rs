//! Responses: always JSON.

use lambda_http::{
    Body,
    http::{
        HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
};
use serde::Serialize;

use crate::{ApiError, ErrorCode, metrics::CapacityMetrics};

/// A function's response.
pub type Response = lambda_http::Response<Body>;

/// Extensions of a response that are only for the log line.
#[derive(Clone, Debug)]
pub(crate) enum LogNote {
    /// Why it is an error, if the function itself responded with one.
    Refusal { code: ErrorCode, cause: String },
    /// The measurements of the dimensions in it.
    Capacity(CapacityMetrics),
}

/// Makes the log line report `response` as an error with `cause`, for an error response that a function builds itself.
pub fn note_error(response: &mut Response, code: ErrorCode, cause: impl Into<String>) {
    response.extensions_mut().insert(LogNote::Refusal {
        code,
        cause: cause.into(),
    });
}

/// Lets clients and caches store `response` for five minutes: it changes only with a deployment.
#[must_use]
pub fn cacheable(mut response: Response) -> Response {
    let value = HeaderValue::from_static("public, max-age=300");
    response.headers_mut().insert(CACHE_CONTROL, value);
    response
}

/// A response with `value` as its JSON body.
///
/// # Errors
/// [`ApiError::Internal`] if `value` cannot be serialized, which is a bug.
pub fn json(status: StatusCode, value: &impl Serialize) -> Result<Response, ApiError> {
    let body = serde_json::to_string(value).map_err(|error| ApiError::Internal(error.into()))?;
    Ok(json_text(status, body))
}

/// A response whose body is already JSON.
pub fn json_text(status: StatusCode, body: impl Into<String>) -> Response {
    let mut response = Response::new(Body::Text(body.into()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
