//! Responses in the JSON shapes of AWS services.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use serde_json::json;

/// The response type of every service here.
pub(crate) type ServiceResponse = Response<Full<Bytes>>;

/// The size limit for a request body.
#[derive(Clone, Copy)]
pub(crate) struct BodyLimit {
    pub(crate) bytes: usize,
    /// The response to a body that is too large.
    pub(crate) refusal: fn() -> ServiceResponse,
}

/// The header where clients look for the request id, which identifies a response in the log.
pub(crate) const REQUEST_ID: &str = "x-amzn-requestid";

/// A JSON response with the request id that SDKs look for.
pub(crate) fn answer(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> ServiceResponse {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Ok(id) = HeaderValue::from_str(&uuid::Uuid::new_v4().to_string()) {
        headers.insert(REQUEST_ID, id);
    }
    response
}

/// The request id of a response.
pub(crate) fn request_id(answer: &ServiceResponse) -> &str {
    answer
        .headers()
        .get(REQUEST_ID)
        .and_then(|id| id.to_str().ok())
        .unwrap_or_default()
}

/// An error with its type in the body and in the header, so that clients of either protocol can read it.
pub(crate) fn error(
    status: StatusCode,
    content_type: &'static str,
    kind: &'static str,
    message: &str,
) -> ServiceResponse {
    let body = json!({"__type": kind, "message": message}).to_string();
    let mut response = answer(status, content_type, body);
    response
        .headers_mut()
        .insert("x-amzn-errortype", HeaderValue::from_static(kind));
    response
}
