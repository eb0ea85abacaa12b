//! What the scaling functions share: the state as they answer it, and the log event of a change.

use fleet_core::scaling::{
    Capacity, Change, Dimension, DimensionId, FailureReason, FieldChange, Names, StateTag, Stored,
    UpdateTime,
};
use lambda_http::{
    Request,
    http::{HeaderValue, StatusCode, header::ETAG},
};
use serde::Serialize;
use tracing::info;

use crate::{ApiError, ErrorCode, Response, json, path_parameter, request_id};

/// The routes of one method, with and without `/v1`: a scalable target's resource id has the form without.
#[macro_export]
macro_rules! dimension_routes {
    ($method:literal) => {
        &[
            (
                $method,
                "/scalableTargetDimensions/{scalableTargetDimensionId}",
            ),
            (
                $method,
                "/v1/scalableTargetDimensions/{scalableTargetDimensionId}",
            ),
        ]
    };
}

/// A dimension's state, in the words of AWS's custom-resource specification.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct State<'a> {
    scalable_target_dimension_id: &'a str,
    version: &'a str,
    resource_name: &'a str,
    dimension_name: &'a str,
    actual_capacity: Capacity,
    desired_capacity: Capacity,
    scaling_status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_reason: Option<&'a FailureReason>,
}

impl<'a> State<'a> {
    fn of(id: &'a DimensionId, names: &'a Names, state: &'a Dimension) -> Self {
        Self {
            scalable_target_dimension_id: id.as_str(),
            version: &names.version,
            resource_name: &names.resource_name,
            dimension_name: &names.dimension_name,
            actual_capacity: state.actual,
            desired_capacity: state.desired,
            scaling_status: state.status.name(),
            failure_reason: state.status.failure_reason(),
        }
    }
}

/// The state with the keys of an error, so that a client can go on from it at once.
#[derive(Serialize)]
struct PreconditionFailed<'a> {
    code: ErrorCode,
    message: &'static str,
    request_id: &'a str,
    #[serde(flatten)]
    state: State<'a>,
}

/// One entry of a list.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed<'a> {
    #[serde(flatten)]
    state: State<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<UpdateTime>,
}

/// A dimension as an entry of a list: its state, and since when it has been so.
pub fn listed<'a>(
    id: &'a DimensionId,
    names: &'a Names,
    stored: &'a Stored,
) -> impl Serialize + 'a {
    Listed {
        state: State::of(id, names, &stored.state),
        updated_at: stored.updated_at,
    }
}

/// The dimension that the request's path names.
///
/// # Errors
/// [`InvalidInput`](crate::InvalidInput) that names the parameter.
pub fn id(request: &Request) -> Result<DimensionId, ApiError> {
    path_parameter(request, "scalableTargetDimensionId", DimensionId::parse)
}

/// Answers the state of the dimension `id`, with its tag as `ETag`.
///
/// # Errors
/// Only when the state cannot be written.
pub fn answer(
    id: &DimensionId,
    names: &Names,
    state: &Dimension,
    tag: &StateTag,
) -> Result<Response, ApiError> {
    tagged(json(StatusCode::OK, &State::of(id, names, state))?, tag)
}

/// Answers 412 with the present state of the dimension `id`, which the client did not know.
///
/// # Errors
/// Only when the state cannot be written.
pub fn precondition_failed(
    request: &Request,
    id: &DimensionId,
    names: &Names,
    present: &Stored,
) -> Result<Response, ApiError> {
    let body = PreconditionFailed {
        code: ErrorCode::PreconditionFailed,
        message: "The dimension has changed: If-Match does not name its present state.",
        request_id: request_id(request),
        state: State::of(id, names, &present.state),
    };
    tagged(json(StatusCode::PRECONDITION_FAILED, &body)?, &present.tag)
}

fn tagged(mut response: Response, tag: &StateTag) -> Result<Response, ApiError> {
    let value = HeaderValue::from_str(&format!("\"{}\"", tag.as_str()))
        .map_err(|error| ApiError::Internal(error.into()))?;
    response.headers_mut().insert(ETAG, value);
    Ok(response)
}

/// Logs what `request` changed of the dimension `id`: one event, with from and to of each field; none without a change.
pub fn log_change(request: &Request, id: &DimensionId, change: &Change) {
    let fields: Vec<String> = change.fields().iter().map(FieldChange::to_string).collect();
    if !fields.is_empty() {
        let changes = fields.join(", ");
        info!(request_id = request_id(request), method = %request.method(), dimension = id.as_str(), changes, "dimension changed");
    }
}
