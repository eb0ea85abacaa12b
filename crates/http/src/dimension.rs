//! What the scaling functions share: the state as they answer it, and the log event of a change.

use fleet_core::scaling::{
    Capacity, Change, Dimension, DimensionId, FailureReason, FieldChange, Names, ScalingStatus,
    StateTag, Stored, UpdateTime,
};
use lambda_http::{
    Request,
    http::{HeaderValue, StatusCode, header::ETAG},
};
use serde::Serialize;
use tracing::info;

use crate::{
    ApiError, ErrorCode, Response, json, path_parameter, request_id,
    response::{Noted, note_error},
};

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

/// What is measured of the dimensions in an answer. Capacities have no unit of CloudWatch's.
#[derive(Clone, Debug)]
pub(crate) enum CapacityMetrics {
    /// Of one dimension.
    One {
        id: String,
        actual: f64,
        desired: f64,
        /// For how long it has been `Pending` or `InProgress` without a change; `None` where that is not known.
        pending_seconds: Option<f64>,
    },
    /// Of a list of dimensions, those that are `Pending` or `InProgress`.
    Many { pending_seconds: Vec<f64> },
}

/// For how long a state that was left at `since` has been `Pending` or `InProgress`; 0 in another status, and `None` where
/// the time of the last change is not known.
fn pending_seconds(state: &Dimension, since: Option<UpdateTime>) -> Option<f64> {
    match state.status {
        ScalingStatus::Pending | ScalingStatus::InProgress => {
            since.map(|since| since.seconds_ago())
        }
        ScalingStatus::Successful | ScalingStatus::Failed(_) => Some(0.0),
    }
}

/// Answers the state of the dimension `id`, with its tag as `ETag`. `since` is when it was left so, where that is known:
/// a metric, not part of the answer.
///
/// # Errors
/// Only when the state cannot be written.
pub fn answer(
    id: &DimensionId,
    names: &Names,
    state: &Dimension,
    tag: &StateTag,
    since: Option<UpdateTime>,
) -> Result<Response, ApiError> {
    let mut response = tagged(json(StatusCode::OK, &State::of(id, names, state))?, tag)?;
    // What nobody has changed yet is no dimension of anybody's: a metric for each id that is asked for would cost money.
    if *tag != StateTag::initial() {
        let capacity = CapacityMetrics::One {
            id: id.as_str().to_owned(),
            actual: state.actual.get(),
            desired: state.desired.get(),
            pending_seconds: pending_seconds(state, since),
        };
        response.extensions_mut().insert(Noted::Capacity(capacity));
    }
    Ok(response)
}

/// Answers `page`, which is a list of `dimensions`.
///
/// # Errors
/// Only when it cannot be written.
pub fn answer_list<'a>(
    page: &impl Serialize,
    dimensions: impl Iterator<Item = &'a Stored>,
) -> Result<Response, ApiError> {
    let mut response = json(StatusCode::OK, page)?;
    let pending = dimensions.filter_map(|stored| pending_seconds(&stored.state, stored.updated_at));
    let capacity = CapacityMetrics::Many {
        pending_seconds: pending.filter(|seconds| *seconds > 0.0).collect(),
    };
    response.extensions_mut().insert(Noted::Capacity(capacity));
    Ok(response)
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
    let mut response = tagged(json(StatusCode::PRECONDITION_FAILED, &body)?, &present.tag)?;
    let cause = "If-Match does not name the present state";
    note_error(&mut response, ErrorCode::PreconditionFailed, cause);
    Ok(response)
}

fn tagged(mut response: Response, tag: &StateTag) -> Result<Response, ApiError> {
    let value = HeaderValue::from_str(&format!("\"{}\"", tag.as_str()))
        .map_err(|error| ApiError::Internal(error.into()))?;
    response.headers_mut().insert(ETAG, value);
    Ok(response)
}

/// When the state that `change` left was made, where the change tells: now, unless it changed nothing.
#[must_use]
pub fn changed_at(change: &Change) -> Option<UpdateTime> {
    (change.before != change.after).then(UpdateTime::now)
}

/// Logs what `request` changed of the dimension `id`: one event, with from and to of each field; none without a change.
pub fn log_change(request: &Request, id: &DimensionId, change: &Change) {
    let fields: Vec<String> = change.fields().iter().map(FieldChange::to_string).collect();
    if !fields.is_empty() {
        let changes = fields.join(", ");
        info!(request_id = request_id(request), method = %request.method(), dimension = id.as_str(), changes, "dimension changed");
    }
}
