//! The bodies that a PATCH accepts, in either mode.

use std::collections::HashMap;

use fleet_core::scaling::{Capacity, FailureReason, StatusName, production::DimensionPatch};
use fleet_http::{ApiError, ErrorCode, InvalidInput, JsonBody, Request, invalid_field};
use serde::Deserialize;
use serde_json::value::RawValue;

/// How much of a number's text an error quotes.
const SHOWN_DIGITS: usize = 40;

/// A change. In production mode any of the fields; in demo mode only `desiredCapacity`, see `DemoRequest`.
///
/// Capacities are numbers here, since a number that is not a capacity has its own error message.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", expecting = "an object")]
pub struct PatchRequest {
    desired_capacity: Option<f64>,
    actual_capacity: Option<f64>,
    scaling_status: Option<StatusName>,
    failure_reason: Option<FailureReason>,
}

/// The fields that a change may have in demo mode.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", expecting = "an object")]
struct DemoRequest {
    desired_capacity: f64,
}

/// Demo mode: `desiredCapacity` and nothing else.
pub(crate) fn demo(request: &Request) -> Result<Capacity, ApiError> {
    let body = JsonBody::read(request)?;
    for field in ["actualCapacity", "scalingStatus", "failureReason"] {
        if body.has(field) {
            return Err(invalid_field(
                field,
                "can be set only in production mode; demo mode takes desiredCapacity alone",
            ));
        }
    }
    let change: DemoRequest = body.into()?;
    desired_capacity(request, change.desired_capacity)
}

/// Production mode: any of the four fields, at least one.
pub(crate) fn production(request: &Request) -> Result<DimensionPatch, ApiError> {
    let body = JsonBody::read(request)?;
    if body.is_empty() {
        let rule = "must have at least one of desiredCapacity, actualCapacity, scalingStatus, failureReason";
        return Err(InvalidInput::new(
            ErrorCode::InvalidBody,
            format!("The request body {rule}."),
            format!("the request body: {rule}"),
        )
        .into());
    }
    let change: PatchRequest = body.into()?;
    let desired = change.desired_capacity;
    let actual = change.actual_capacity;
    Ok(DimensionPatch {
        desired: desired
            .map(|number| desired_capacity(request, number))
            .transpose()?,
        actual: actual
            .map(|number| capacity(request, "actualCapacity", "actual", number))
            .transpose()?,
        status: change.scaling_status,
        failure_reason: change.failure_reason,
    })
}

fn desired_capacity(request: &Request, number: f64) -> Result<Capacity, ApiError> {
    capacity(request, "desiredCapacity", "desired", number)
}

/// The error is the text that callers of such an endpoint know.
fn capacity(
    request: &Request,
    field: &'static str,
    which: &str,
    number: f64,
) -> Result<Capacity, ApiError> {
    let illegal = |number: String| {
        Err(InvalidInput::new(
            ErrorCode::InvalidField,
            format!("Illegal {which} capacity {number}"),
            format!("{field} must be a finite number that is not negative"),
        )
        .into())
    };
    if number == 0.0
        && number.is_sign_negative()
        && let Some(text) = negative_text(request, field)
    {
        return illegal(text);
    }
    match Capacity::new(number) {
        Ok(capacity) => Ok(capacity),
        Err(_) => illegal(format!("{number:?}")),
    }
}

/// The field's number as the client wrote it, if it is negative but a double rounds it to zero: `-1e-400`.
fn negative_text(request: &Request, field: &str) -> Option<String> {
    let fields: HashMap<String, &RawValue> =
        serde_json::from_slice(request.body().as_ref()).ok()?;
    let text = fields.get(field)?.get();
    let mantissa = text.split(['e', 'E']).next()?;
    mantissa
        .contains(|digit| matches!(digit, '1'..='9'))
        .then(|| {
            let shown: String = text.chars().take(SHOWN_DIGITS).collect();
            let cut = if shown.len() < text.len() { "…" } else { "" };
            shown + cut
        })
}
