//! What the scaling functions share: the state as they answer it, and the log event of a change.

use fleet_core::scaling::{
    Capacity, Change, Dimension, DimensionId, FailureReason, FieldChange, Names, StateTag,
    StatusName, Stored, UpdateTime,
};
use lambda_http::{
    Request,
    http::{HeaderValue, StatusCode, header::ETAG},
};
use serde::Serialize;
use tracing::info;

use crate::{
    ApiError, ErrorCode, Response, json,
    metrics::CapacityMetrics,
    path_parameter, request_id,
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

/// The state of a scalable target dimension, in the words of AWS's custom-resource specification.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = ScalableTargetDimension))]
pub struct DimensionState {
    scalable_target_dimension_id: DimensionId,
    /// The same for every dimension, and constant: a target is dropped when it changes.
    #[cfg_attr(feature = "schema", schema(min_length = 1, example = "MyVersion"))]
    version: String,
    /// The resource that is scaled.
    #[cfg_attr(feature = "schema", schema(min_length = 1, example = "MyService"))]
    resource_name: String,
    /// What of it is scaled.
    #[cfg_attr(feature = "schema", schema(min_length = 1, example = "MyDimension"))]
    dimension_name: String,
    actual_capacity: Capacity,
    desired_capacity: Capacity,
    scaling_status: StatusName,
    /// Only with the status `Failed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    failure_reason: Option<FailureReason>,
}

impl DimensionState {
    fn new(id: DimensionId, names: &Names, state: Dimension) -> Self {
        Self {
            scalable_target_dimension_id: id,
            version: names.version.clone(),
            resource_name: names.resource_name.clone(),
            dimension_name: names.dimension_name.clone(),
            actual_capacity: state.actual,
            desired_capacity: state.desired,
            scaling_status: state.status.kind(),
            failure_reason: state.status.into_failure_reason(),
        }
    }
}

/// The present state of a dimension that `If-Match` does not name, with the keys of an error.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ChangedDimension {
    code: ErrorCode,
    /// What was wrong: one sentence.
    #[cfg_attr(feature = "schema", schema(min_length = 1))]
    message: String,
    /// The request's id, which its log line has too.
    #[cfg_attr(feature = "schema", schema(min_length = 1))]
    request_id: String,
    #[serde(flatten)]
    state: DimensionState,
}

/// A dimension in a list: its state, and since when it stands.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ListedDimension {
    #[serde(flatten)]
    state: DimensionState,
    /// When the last change was made, in UTC. Absent where an earlier version of the API made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    updated_at: Option<UpdateTime>,
}

impl ListedDimension {
    /// The dimension `id` as an entry of a list.
    #[must_use]
    pub fn new(id: DimensionId, names: &Names, stored: Stored) -> Self {
        Self {
            state: DimensionState::new(id, names, stored.state),
            updated_at: stored.updated_at,
        }
    }
}

/// The dimension that the request's path names.
///
/// # Errors
/// [`InvalidInput`](crate::InvalidInput) that names the parameter.
pub fn id(request: &Request) -> Result<DimensionId, ApiError> {
    path_parameter(request, "scalableTargetDimensionId", DimensionId::parse)
}

/// For how long a state that was left at `since` has been `Pending` or `InProgress`; 0 in another status, and `None` where
/// the time of the last change is not known.
fn pending_for(state: &Dimension, since: Option<UpdateTime>) -> Option<f64> {
    match state.status.kind() {
        StatusName::Pending | StatusName::InProgress => since.map(|since| since.seconds_ago()),
        StatusName::Successful | StatusName::Failed => Some(0.0),
    }
}

/// Answers the state of the dimension `id`, with its tag as `ETag`. `since` is when it was left so, where that is known:
/// a metric, not part of the answer.
///
/// # Errors
/// Only when the state cannot be written.
pub fn answer(
    id: DimensionId,
    names: &Names,
    state: Dimension,
    tag: &StateTag,
    since: Option<UpdateTime>,
) -> Result<Response, ApiError> {
    // What nobody has changed yet is no dimension of anybody's: a metric for each id that is asked for would cost money.
    let capacity = (*tag != StateTag::initial()).then(|| CapacityMetrics::One {
        id: id.as_str().to_owned(),
        actual: state.actual.get(),
        desired: state.desired.get(),
        pending_seconds: pending_for(&state, since),
    });
    let state = DimensionState::new(id, names, state);
    let mut response = tagged(json(StatusCode::OK, &state)?, tag)?;
    if let Some(capacity) = capacity {
        response.extensions_mut().insert(Noted::Capacity(capacity));
    }
    Ok(response)
}

/// For how many seconds each of `dimensions` that is `Pending` or `InProgress` has been so.
pub fn pending_seconds<'a>(dimensions: impl Iterator<Item = &'a Stored>) -> Vec<f64> {
    dimensions
        .filter_map(|stored| pending_for(&stored.state, stored.updated_at))
        .filter(|seconds| *seconds > 0.0)
        .collect()
}

/// Answers `page`, a list of dimensions of which some have been waiting for `pending_seconds`: a metric, not part of the
/// answer.
///
/// # Errors
/// Only when it cannot be written.
pub fn answer_list(page: &impl Serialize, pending_seconds: Vec<f64>) -> Result<Response, ApiError> {
    let mut response = json(StatusCode::OK, page)?;
    let capacity = CapacityMetrics::Many { pending_seconds };
    response.extensions_mut().insert(Noted::Capacity(capacity));
    Ok(response)
}

/// Answers 412 with the present state of the dimension `id`, which the client did not know.
///
/// # Errors
/// Only when the state cannot be written.
pub fn precondition_failed(
    request: &Request,
    id: DimensionId,
    names: &Names,
    present: Stored,
) -> Result<Response, ApiError> {
    let body = ChangedDimension {
        code: ErrorCode::PreconditionFailed,
        message: "The dimension has changed: If-Match does not name its present state.".to_owned(),
        request_id: request_id(request).to_owned(),
        state: DimensionState::new(id, names, present.state),
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
