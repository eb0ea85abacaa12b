//! The bodies that a PATCH takes, in either mode.

use fleet_core::scaling::{
    Capacity, FailureReason,
    production::{Patch, StatusName},
};
use fleet_http::{ApiError, Object, Request};

/// Demo mode: `desiredCapacity` and nothing else.
pub(crate) fn demo(request: &Request) -> Result<Capacity, ApiError> {
    let mut body = Object::body(request)?;
    let desired = desired_capacity(&mut body)?;
    for field in ["actualCapacity", "scalingStatus", "failureReason"] {
        if body.has(field) {
            return Err(body.wrong(
                field,
                "can be set only in production mode; demo mode takes desiredCapacity alone",
            ));
        }
    }
    let desired = desired.ok_or_else(|| body.wrong("desiredCapacity", "is missing"))?;
    body.finish()?;
    Ok(desired)
}

/// Production mode: any of the four fields, at least one.
pub(crate) fn production(request: &Request) -> Result<Patch, ApiError> {
    let mut body = Object::body(request)?;
    if body.is_empty() {
        let fields = "desiredCapacity, actualCapacity, scalingStatus, failureReason";
        return Err(ApiError::BadRequest(format!(
            "The body must have at least one of {fields}."
        )));
    }
    let patch = Patch {
        desired: desired_capacity(&mut body)?,
        actual: capacity(&mut body, "actualCapacity", "actual")?,
        status: body.optional_text("scalingStatus", status)?,
        failure_reason: body.optional_text("failureReason", FailureReason::parse)?,
    };
    body.finish()?;
    Ok(patch)
}

fn desired_capacity(body: &mut Object) -> Result<Option<Capacity>, ApiError> {
    capacity(body, "desiredCapacity", "desired")
}

/// The refusal is the text that the callers of such an endpoint know.
fn capacity(
    body: &mut Object,
    field: &'static str,
    which: &str,
) -> Result<Option<Capacity>, ApiError> {
    let illegal =
        |number: f64| ApiError::BadRequest(format!("Illegal {which} capacity {number:?}"));
    body.optional_number(field)?
        .map(|number| Capacity::new(number).map_err(|_| illegal(number)))
        .transpose()
}

fn status(name: String) -> Result<StatusName, &'static str> {
    match name.as_str() {
        "Pending" => Ok(StatusName::Pending),
        "InProgress" => Ok(StatusName::InProgress),
        "Successful" => Ok(StatusName::Successful),
        "Failed" => Ok(StatusName::Failed),
        _ => Err("must be one of Pending, InProgress, Successful, Failed"),
    }
}
