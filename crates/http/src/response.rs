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

/// What a response carries for the log line alone, among its extensions.
#[derive(Clone, Debug)]
pub(crate) enum LogNote {
    /// Why it is an error, where the function answered it by itself.
    Refusal { code: ErrorCode, cause: String },
    /// What is to be measured of the dimensions in it.
    Capacity(CapacityMetrics),
}

/// Has the request's log line say that `response` is an error, and why: for an error that a function answers by itself.
pub fn note_error(response: &mut Response, code: ErrorCode, cause: impl Into<String>) {
    response.extensions_mut().insert(LogNote::Refusal {
        code,
        cause: cause.into(),
    });
}

/// Lets clients and caches keep `response` for five minutes: it changes only with a deployment.
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

/// A response whose body already is JSON.
pub fn json_text(status: StatusCode, body: impl Into<String>) -> Response {
    let mut response = Response::new(Body::Text(body.into()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
