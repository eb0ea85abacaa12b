//! Answers: always JSON.

use lambda_http::{
    Body,
    http::{HeaderValue, StatusCode, header::CONTENT_TYPE},
};
use serde::Serialize;

use crate::ApiError;

/// What a function answers.
pub type Response = lambda_http::Response<Body>;

/// An answer with `value` as its JSON body.
///
/// # Errors
/// [`ApiError::Internal`] when `value` cannot be written as JSON, which is a fault of ours.
pub fn json(status: StatusCode, value: &impl Serialize) -> Result<Response, ApiError> {
    let body = serde_json::to_string(value).map_err(|error| ApiError::Internal(error.into()))?;
    Ok(json_text(status, body))
}

/// An answer whose body is JSON already.
pub fn json_text(status: StatusCode, body: impl Into<String>) -> Response {
    let mut response = Response::new(Body::Text(body.into()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
