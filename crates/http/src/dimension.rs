//! Shared by the scaling functions: the state as they return it, and the log event of a change.

use fleet_core::scaling::{
    Capacity, Dimension, DimensionChange, DimensionId, DimensionNames, FailureReason, FieldChange,
    StateTag, StatusName, StoredDimension, UpdateTime,
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
    response::{LogNote, note_error},
};

/// The routes of one method, with and without `/v1`: the resource ids of scalable targets have no `/v1`.
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
    /// The same for every dimension, and constant: Application Auto Scaling drops a target whose version changes.
    #[cfg_attr(feature = "schema", schema(min_length = 1, example = "MyVersion"))]
    version: String,
    /// The resource that is scaled.
    #[cfg_attr(feature = "schema", schema(min_length = 1, example = "MyService"))]
    resource_name: String,
    /// The part of the resource that is scaled.
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
    fn new(id: DimensionId, names: &DimensionNames, state: Dimension) -> Self {
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

/// The current state of a dimension, which `If-Match` does not match, with the keys of an error.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ChangedDimension {
    code: ErrorCode,
    /// One sentence: what was wrong.
    #[cfg_attr(feature = "schema", schema(min_length = 1))]
    message: String,
    /// The id of the request, which is also in its log line.
    #[cfg_attr(feature = "schema", schema(min_length = 1))]
    request_id: String,
    #[serde(flatten)]
    state: DimensionState,
}

/// A dimension in a list: its state, and when that was reached.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ListedDimension {
    #[serde(flatten)]
    state: DimensionState,
    /// When the last change was made, in UTC. Absent if an early version of the API made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    updated_at: Option<UpdateTime>,
}

impl ListedDimension {
    /// The dimension `id` as an entry of a list.
    #[must_use]
    pub fn new(id: DimensionId, names: &DimensionNames, stored: StoredDimension) -> Self {
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

/// How long a state last changed at `since` has been `Pending` or `InProgress`; 0 in another status, `None` if the time
/// of the last change is unknown.
fn pending_for(state: &Dimension, since: Option<UpdateTime>) -> Option<f64> {
    match state.status.kind() {
        StatusName::Pending | StatusName::InProgress => since.map(|since| since.seconds_ago()),
        StatusName::Successful | StatusName::Failed => Some(0.0),
    }
}

/// Responds with the state of the dimension `id` and its tag as `ETag`. `since`, the time of the last change if known,
/// only feeds a metric.
///
/// # Errors
/// Only if the state cannot be serialized.
pub fn answer(
    id: DimensionId,
    names: &DimensionNames,
    state: Dimension,
    tag: &StateTag,
    since: Option<UpdateTime>,
) -> Result<Response, ApiError> {
    // A dimension that has never been changed may not exist at all: a metric for each requested id would cost money.
    let capacity = (*tag != StateTag::initial()).then(|| CapacityMetrics::One {
        id: id.as_str().to_owned(),
        actual: state.actual.get(),
        desired: state.desired.get(),
        pending_seconds: pending_for(&state, since),
    });
    let state = DimensionState::new(id, names, state);
    let mut response = with_etag(json(StatusCode::OK, &state)?, tag)?;
    if let Some(capacity) = capacity {
        response
            .extensions_mut()
            .insert(LogNote::Capacity(capacity));
    }
    Ok(response)
}

/// For each of `dimensions` that is `Pending` or `InProgress`, the seconds since then.
pub fn pending_seconds<'a>(dimensions: impl Iterator<Item = &'a StoredDimension>) -> Vec<f64> {
    dimensions
        .filter_map(|stored| pending_for(&stored.state, stored.updated_at))
        .filter(|seconds| *seconds > 0.0)
        .collect()
}

/// Responds with `page`, a list of dimensions. `pending_seconds`, of those that are waiting, only feeds a metric.
///
/// # Errors
/// Only if the page cannot be serialized.
pub fn answer_list(page: &impl Serialize, pending_seconds: Vec<f64>) -> Result<Response, ApiError> {
    let mut response = json(StatusCode::OK, page)?;
    let capacity = CapacityMetrics::Many { pending_seconds };
    response
        .extensions_mut()
        .insert(LogNote::Capacity(capacity));
    Ok(response)
}

/// Responds 412 with the current state of the dimension `id`, which differs from the one that the client expected.
///
/// # Errors
/// Only if the state cannot be serialized.
pub fn precondition_failed(
    request: &Request,
    id: DimensionId,
    names: &DimensionNames,
    present: StoredDimension,
) -> Result<Response, ApiError> {
    let body = ChangedDimension {
        code: ErrorCode::PreconditionFailed,
        message: "The dimension has changed: If-Match does not match its current state.".to_owned(),
        request_id: request_id(request).to_owned(),
        state: DimensionState::new(id, names, present.state),
    };
    let mut response = with_etag(json(StatusCode::PRECONDITION_FAILED, &body)?, &present.tag)?;
    let cause = "If-Match does not match the current state";
    note_error(&mut response, ErrorCode::PreconditionFailed, cause);
    Ok(response)
}

fn with_etag(mut response: Response, tag: &StateTag) -> Result<Response, ApiError> {
    let value = HeaderValue::from_str(&format!("\"{}\"", tag.as_str()))
        .map_err(|error| ApiError::Internal(error.into()))?;
    response.headers_mut().insert(ETAG, value);
    Ok(response)
}

/// When `change` was made, if known: now, unless it changed nothing.
#[must_use]
pub fn changed_at(change: &DimensionChange) -> Option<UpdateTime> {
    (change.before != change.after).then(UpdateTime::now)
}

/// Logs how `request` changed the dimension `id`, if at all: one event with the old and new value of each field.
pub fn log_change(request: &Request, id: &DimensionId, change: &DimensionChange) {
    let fields: Vec<String> = change.fields().iter().map(FieldChange::to_string).collect();
    if !fields.is_empty() {
        let changes = fields.join(", ");
        info!(request_id = request_id(request), method = %request.method(), dimension = id.as_str(), changes, "dimension changed");
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use fleet_core::scaling::ScalingStatus;
    use lambda_http::Body;
    use serde_json::{Value, json as value};

    use super::*;
    use crate::request::EventRoute;

    /// More than an hour ago.
    const LONG_AGO: &str = "2020-01-02T03:04:05.000Z";

    fn at(status: ScalingStatus) -> Dimension {
        Dimension {
            desired: Capacity::new(3.0).unwrap(),
            status,
            ..Dimension::INITIAL
        }
    }

    fn long_ago() -> Option<UpdateTime> {
        Some(UpdateTime::parse(LONG_AGO).unwrap())
    }

    fn id() -> DimensionId {
        DimensionId::parse("a").unwrap()
    }

    fn body(response: &Response) -> Value {
        serde_json::from_slice(response.body().as_ref()).unwrap()
    }

    fn noted(response: &Response) -> Option<&CapacityMetrics> {
        match response.extensions().get() {
            Some(LogNote::Capacity(capacity)) => Some(capacity),
            _ => None,
        }
    }

    #[test]
    fn only_what_waits_is_pending_and_only_where_it_is_known_since_when() {
        assert_eq!(pending_for(&at(ScalingStatus::Pending), None), None);
        assert_eq!(pending_for(&at(ScalingStatus::Successful), None), Some(0.0));
        let waiting = pending_for(&at(ScalingStatus::InProgress), long_ago()).unwrap();
        assert!(waiting > 3600.0, "{waiting}");

        let stored = |status, updated_at| StoredDimension {
            state: at(status),
            tag: StateTag::of_write("w"),
            updated_at,
        };
        let all = [
            stored(ScalingStatus::Pending, long_ago()),
            stored(ScalingStatus::Pending, None),
            stored(ScalingStatus::Successful, long_ago()),
        ];
        let seconds = pending_seconds(all.iter());
        assert!(matches!(seconds[..], [one] if one > 3600.0), "{seconds:?}");
    }

    #[test]
    fn an_answer_is_the_state_with_its_tag_and_a_metric_of_what_somebody_has_changed() {
        let names = DimensionNames::default();
        let tag = StateTag::of_write("w-1");
        let state = at(ScalingStatus::Pending);
        let answered = answer(id(), &names, state.clone(), &tag, long_ago()).unwrap();
        assert_eq!(answered.status(), StatusCode::OK);
        assert_eq!(answered.headers()[ETAG], format!("\"{}\"", tag.as_str()));
        assert_eq!(
            body(&answered),
            value!({"scalableTargetDimensionId": "a", "version": names.version, "resourceName": names.resource_name,
                "dimensionName": names.dimension_name, "actualCapacity": 1.0, "desiredCapacity": 3.0, "scalingStatus": "Pending"})
        );
        assert!(
            matches!(noted(&answered), Some(CapacityMetrics::One { id, actual: 1.0, desired: 3.0, pending_seconds: Some(seconds) })
                if id == "a" && *seconds > 3600.0)
        );

        let initial = answer(id(), &names, Dimension::INITIAL, &StateTag::initial(), None).unwrap();
        assert!(noted(&initial).is_none());
    }

    #[test]
    fn a_list_is_answered_as_it_is_with_one_metric() {
        let answered = answer_list(&value!({"dimensions": []}), vec![2.0]).unwrap();
        assert_eq!(answered.status(), StatusCode::OK);
        assert_eq!(body(&answered), value!({"dimensions": []}));
        assert!(
            matches!(noted(&answered), Some(CapacityMetrics::Many { pending_seconds }) if pending_seconds[..] == [2.0])
        );
    }

    #[test]
    fn a_state_that_if_match_does_not_name_is_answered_with_its_tag() {
        let present = StoredDimension {
            state: at(ScalingStatus::Successful),
            tag: StateTag::of_write("w-2"),
            updated_at: None,
        };
        let tag = format!("\"{}\"", present.tag.as_str());
        let mut request = Request::new(Body::Empty);
        request.extensions_mut().insert(EventRoute {
            id: "r-1".to_owned(),
            route: String::new(),
        });
        let refused =
            precondition_failed(&request, id(), &DimensionNames::default(), present).unwrap();
        assert_eq!(refused.status(), StatusCode::PRECONDITION_FAILED);
        assert_eq!(refused.headers()[ETAG], tag);
        let body = body(&refused);
        assert_eq!(
            (&body["code"], &body["request_id"], &body["desiredCapacity"]),
            (&value!("PreconditionFailed"), &value!("r-1"), &value!(3.0))
        );
        assert!(matches!(
            refused.extensions().get(),
            Some(LogNote::Refusal {
                code: ErrorCode::PreconditionFailed,
                ..
            })
        ));
    }

    /// The logged lines.
    #[derive(Clone, Default)]
    struct CapturedLines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for CapturedLines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_change_is_one_line_and_no_change_is_none() {
        let change = |after: Dimension| DimensionChange {
            before: Dimension::INITIAL,
            after,
            tag: StateTag::of_write("w"),
        };
        let log = |change: &DimensionChange| {
            let lines = CapturedLines::default();
            let writer = lines.clone();
            let subscriber = tracing_subscriber::fmt()
                .with_writer(move || writer.clone())
                .finish();
            tracing::subscriber::with_default(subscriber, || {
                log_change(&Request::new(Body::Empty), &id(), change);
            });
            String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
        };
        let changed = change(at(ScalingStatus::Pending));
        let line = log(&changed);
        assert!(
            line.contains("dimension changed") && line.contains("desired"),
            "{line}"
        );
        assert!(changed_at(&changed).is_some());

        let same = change(Dimension::INITIAL);
        assert_eq!(log(&same), "");
        assert!(changed_at(&same).is_none());
    }
}
