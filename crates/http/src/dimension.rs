//! What both scaling functions share: the state as they answer it, and the log event of a change.

use fleet_core::scaling::{
    Capacity, Change, Dimension, DimensionId, FailureReason, FieldChange, Names,
};
use lambda_http::{Request, http::StatusCode};
use serde::Serialize;
use tracing::info;

use crate::{ApiError, Response, json, path_parameter, request_id};

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

/// The dimension that the request's path names.
///
/// # Errors
/// [`ApiError::BadRequest`] that names the parameter.
pub fn id(request: &Request) -> Result<DimensionId, ApiError> {
    path_parameter(request, "scalableTargetDimensionId", DimensionId::parse)
}

/// Answers the state of the dimension `id`.
///
/// # Errors
/// Only when the state cannot be written as JSON.
pub fn answer(id: &DimensionId, names: &Names, state: &Dimension) -> Result<Response, ApiError> {
    json(
        StatusCode::OK,
        &State {
            scalable_target_dimension_id: id.as_str(),
            version: &names.version,
            resource_name: &names.resource_name,
            dimension_name: &names.dimension_name,
            actual_capacity: state.actual,
            desired_capacity: state.desired,
            scaling_status: state.status.name(),
            failure_reason: state.status.failure_reason(),
        },
    )
}

/// Logs what `request` changed of the dimension `id`: one event, with from and to of each field; none without a change.
pub fn log_change(request: &Request, id: &DimensionId, change: &Change) {
    let fields: Vec<String> = change.fields().iter().map(FieldChange::to_string).collect();
    if !fields.is_empty() {
        let changes = fields.join(", ");
        info!(request_id = request_id(request), method = %request.method(), dimension = id.as_str(), changes, "dimension changed");
    }
}
