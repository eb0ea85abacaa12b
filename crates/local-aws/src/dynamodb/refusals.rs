//! Responses sent instead of the storage's.

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::{Either, Full};
use hyper::body::Incoming;

use crate::respond::{self, ServiceResponse};

pub(super) const CONTENT_TYPE: &str = "application/x-amz-json-1.0";

/// A response from this crate or from the listener behind it.
pub(crate) type DynamoDbResponse = Response<Either<Full<Bytes>, Incoming>>;

pub(super) fn not_kept(cause: &str) -> DynamoDbResponse {
    respond::error(
        StatusCode::SERVICE_UNAVAILABLE,
        CONTENT_TYPE,
        "ServiceUnavailable",
        &format!("The table cannot be used now: {cause}"),
    )
    .map(Either::Left)
}

/// A missing table, stream or shard: its kind and its name.
#[derive(Debug)]
pub(super) struct NotFound(&'static str, String);

impl NotFound {
    pub(super) fn new(kind: &'static str, name: &str) -> Self {
        Self(kind, name.to_owned())
    }

    pub(super) fn answer(&self) -> ServiceResponse {
        let Self(kind, name) = self;
        respond::error(
            StatusCode::BAD_REQUEST,
            CONTENT_TYPE,
            "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException",
            &format!("Requested resource not found: {kind}: {name} not found"),
        )
    }
}

pub(super) fn too_large() -> ServiceResponse {
    respond::error(
        StatusCode::PAYLOAD_TOO_LARGE,
        CONTENT_TYPE,
        "RequestEntityTooLargeException",
        "The request must have at most 16 MiB.",
    )
}

pub(super) fn unavailable() -> DynamoDbResponse {
    let message = "The DynamoDB storage is unavailable.";
    respond::error(
        StatusCode::INTERNAL_SERVER_ERROR,
        CONTENT_TYPE,
        "InternalServerError",
        message,
    )
    .map(Either::Left)
}
