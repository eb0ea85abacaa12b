//! The server's own error responses, in place of API Gateway's.

use std::borrow::Cow;

use bytes::Bytes;
use fleet_edge::{ForeignSite, UnreadableRequest, body::BodyError};
use fleet_http::{ErrorBody, ErrorCode};
use http::{
    HeaderName, HeaderValue, StatusCode,
    header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER},
};
use http_body_util::Full;
use serde_json::json;
use thiserror::Error;
use tracing::info;
use uuid::Uuid;

use crate::access::DenialResponse;

/// The responses of this server.
pub(crate) type ServerResponse = http::Response<Full<Bytes>>;

/// Why no function is called. The message is for the client.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(crate) enum RequestRefusal {
    /// 403: no route has this method and path. The wording is API Gateway's.
    #[error("Missing Authentication Token")]
    NoSuchRoute,
    /// 403: the path is not below the stage. The wording is API Gateway's for a stage that an API does not have.
    #[error("Forbidden")]
    OutsideStage,
    /// 403: the route requires a client certificate.
    #[error("This route requires a client certificate.")]
    NoClientCertificate,
    /// 403: the request may come from a web page of another site.
    #[error(transparent)]
    ForeignSite(#[from] ForeignSite),
    /// 401, 403, 429 or 503: the caller does not meet the template's requirements. The wording is the template's.
    #[error("The template's own answer.")]
    Denied(DenialResponse),
    /// 421: plain HTTP for a host that the server has no certificate for.
    #[error("This server does not serve the request's host.")]
    UnknownHost,
    /// 400, 414 or 431: not an HTTP request.
    #[error(transparent)]
    Unreadable(#[from] UnreadableRequest),
    /// 400: HTTP/1.1 requires one `Host`.
    #[error("The request must have exactly one Host header.")]
    Host,
    /// 400, 413 or 503: the body is not accepted.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// 400: the query string cannot be decoded.
    #[error("The query string must be percent-encoded UTF-8.")]
    Query,
    /// 502: the function's response is invalid. The wording is API Gateway's.
    #[error("Internal server error")]
    Malformed,
    /// 504: the request took too long. The wording is API Gateway's.
    #[error("Endpoint request timed out")]
    TimedOut,
}

impl RequestRefusal {
    /// The HTTP status.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::NoSuchRoute
            | Self::OutsideStage
            | Self::NoClientCertificate
            | Self::ForeignSite(_) => StatusCode::FORBIDDEN,
            Self::Denied(denied) => denied.status(),
            Self::UnknownHost => StatusCode::MISDIRECTED_REQUEST,
            Self::Query | Self::Body(BodyError::Broken) | Self::Host => StatusCode::BAD_REQUEST,
            Self::Unreadable(unreadable) => unreadable.status(),
            Self::Body(BodyError::Busy) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Body(BodyError::TooLarge(_)) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Malformed => StatusCode::BAD_GATEWAY,
            Self::TimedOut => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// API Gateway's name for it, sent as `x-amzn-ErrorType`:
    /// <https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html>.
    fn kind(&self) -> &'static str {
        match self {
            Self::NoSuchRoute => "MissingAuthenticationTokenException",
            Self::Denied(denied) => denied.kind(),
            // API Gateway's response when its own mutual TLS refuses a client.
            Self::NoClientCertificate | Self::OutsideStage | Self::ForeignSite(_) => {
                "ForbiddenException"
            }
            Self::Query
            | Self::Body(BodyError::Broken)
            | Self::Unreadable(_)
            | Self::Host
            | Self::UnknownHost => "BadRequestException",
            Self::Body(BodyError::Busy) => "ServiceUnavailableException",
            Self::Body(BodyError::TooLarge(_)) => "RequestTooLargeException",
            Self::Malformed | Self::TimedOut => "InternalServerErrorException",
        }
    }

    /// The machine-readable code.
    fn code(&self) -> ErrorCode {
        match self {
            Self::NoSuchRoute
            | Self::OutsideStage
            | Self::NoClientCertificate
            | Self::ForeignSite(_)
            | Self::Denied(_) => ErrorCode::Forbidden,
            Self::UnknownHost => ErrorCode::MisdirectedRequest,
            Self::Query | Self::Body(BodyError::Broken) | Self::Unreadable(_) | Self::Host => {
                ErrorCode::InvalidRequest
            }
            Self::Body(BodyError::Busy) => ErrorCode::Unavailable,
            Self::Body(BodyError::TooLarge(_)) => ErrorCode::PayloadTooLarge,
            Self::Malformed => ErrorCode::Internal,
            Self::TimedOut => ErrorCode::Timeout,
        }
    }

    /// The cause, for the log. Where the wording is API Gateway's, it says more.
    pub(crate) fn cause(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Denied(denied) => return denied.reason(),
            Self::NoSuchRoute => "no such route",
            Self::OutsideStage => "the path is not below the stage",
            Self::Malformed => "the function did not answer, or its answer is invalid",
            Self::TimedOut => "the body or the function took too long",
            other => return Cow::Owned(other.to_string()),
        })
    }

    /// The response for the client. `unread` means that part of the body is unread, so the connection cannot be reused.
    ///
    /// `shape` is that of the route's function.
    pub(crate) fn answer(
        &self,
        shape: ErrorBody,
        request_id: &str,
        unread: bool,
    ) -> ServerResponse {
        let message = self.to_string();
        let body = match self {
            // Byte for byte API Gateway's response.
            Self::NoSuchRoute | Self::OutsideStage => json!({ "message": message }).to_string(),
            Self::Denied(denied) => denied.body(request_id),
            _ => serde_json::to_string(&shape.of(self.code(), &message, request_id))
                .unwrap_or_default(),
        };
        let mut answer = ServerResponse::new(Full::from(body));
        *answer.status_mut() = self.status();
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(
            HeaderName::from_static("x-amzn-errortype"),
            HeaderValue::from_static(self.kind()),
        );
        if let Self::Denied(denied) = self {
            headers.extend(denied.headers());
        }
        if *self == Self::Body(BodyError::Busy) {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if unread {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        answer
    }
}

/// The response to something that is not an HTTP request. It is logged.
pub(crate) fn of_unreadable(unreadable: UnreadableRequest, request_id: Uuid) -> ServerResponse {
    let refusal = RequestRefusal::Unreadable(unreadable);
    let (status, cause) = (refusal.status().as_u16(), refusal.cause());
    let request_id = request_id.to_string();
    info!(
        route = "none",
        status,
        request_id,
        cause = &*cause,
        "refused"
    );
    refusal.answer(ErrorBody::Standard, &request_id, true)
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn every_refusal_has_its_status_and_body() {
        for (refusal, status, body) in [
            (
                RequestRefusal::NoSuchRoute,
                403,
                r#"{"message":"Missing Authentication Token"}"#,
            ),
            (
                RequestRefusal::OutsideStage,
                403,
                r#"{"message":"Forbidden"}"#,
            ),
            (
                RequestRefusal::NoClientCertificate,
                403,
                r#"{"code":"Forbidden","message":"This route requires a client certificate.","request_id":"r"}"#,
            ),
            (
                RequestRefusal::UnknownHost,
                421,
                r#"{"code":"MisdirectedRequest","message":"This server does not serve the request's host.","request_id":"r"}"#,
            ),
            (
                RequestRefusal::Query,
                400,
                r#"{"code":"InvalidRequest","message":"The query string must be percent-encoded UTF-8.","request_id":"r"}"#,
            ),
            (
                BodyError::Broken.into(),
                400,
                r#"{"code":"InvalidRequest","message":"The request body did not arrive completely.","request_id":"r"}"#,
            ),
            (
                BodyError::TooLarge(9).into(),
                413,
                r#"{"code":"PayloadTooLarge","message":"The request body must be at most 9 bytes.","request_id":"r"}"#,
            ),
            (
                RequestRefusal::Malformed,
                502,
                r#"{"code":"Internal","message":"Internal server error","request_id":"r"}"#,
            ),
            (
                RequestRefusal::TimedOut,
                504,
                r#"{"code":"Timeout","message":"Endpoint request timed out","request_id":"r"}"#,
            ),
        ] {
            let answer = refusal.answer(ErrorBody::Standard, "r", false);
            assert_eq!(answer.status().as_u16(), status);
            let sent = answer.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(sent, body);
        }
    }
}
