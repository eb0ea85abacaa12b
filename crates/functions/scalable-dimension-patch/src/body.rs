//! The bodies that a PATCH takes, in either mode.

use std::collections::HashMap;

use fleet_core::scaling::{
    Capacity, FailureReason,
    production::{Patch, StatusName},
};
use fleet_http::{ApiError, ErrorCode, InvalidInput, Object, Request};
use serde_json::value::RawValue;

/// How much of a number's text a refusal repeats.
const SHOWN_DIGITS: usize = 40;

/// Demo mode: `desiredCapacity` and nothing else.
pub(crate) fn demo(request: &Request) -> Result<Capacity, ApiError> {
    let mut body = Object::body(request)?;
    for field in ["actualCapacity", "scalingStatus", "failureReason"] {
        if body.has(field) {
            return Err(body.wrong(
                field,
                "can be set only in production mode; demo mode takes desiredCapacity alone",
            ));
        }
    }
    body.allow(&["desiredCapacity"])?;
    desired_capacity(&mut body, request)?.ok_or_else(|| body.wrong("desiredCapacity", "is missing"))
}

/// The fields that a PATCH in production mode may bring.
const FIELDS: &[&str] = &[
    "desiredCapacity",
    "actualCapacity",
    "scalingStatus",
    "failureReason",
];

/// Production mode: any of the four fields, at least one.
pub(crate) fn production(request: &Request) -> Result<Patch, ApiError> {
    let mut body = Object::body(request)?;
    if body.is_empty() {
        let rule = format!("must have at least one of {}", FIELDS.join(", "));
        return Err(InvalidInput::new(
            ErrorCode::InvalidBody,
            format!("The request body {rule}."),
            format!("the request body: {rule}"),
        )
        .into());
    }
    body.allow(FIELDS)?;
    let patch = Patch {
        desired: desired_capacity(&mut body, request)?,
        actual: capacity(&mut body, request, "actualCapacity", "actual")?,
        status: body.optional_text("scalingStatus", |name| StatusName::parse(&name))?,
        failure_reason: body.optional_text("failureReason", FailureReason::parse)?,
    };
    Ok(patch)
}

fn desired_capacity(body: &mut Object, request: &Request) -> Result<Option<Capacity>, ApiError> {
    capacity(body, request, "desiredCapacity", "desired")
}

/// The refusal is the text that the callers of such an endpoint know.
fn capacity(
    body: &mut Object,
    request: &Request,
    field: &'static str,
    which: &str,
) -> Result<Option<Capacity>, ApiError> {
    let illegal = |number: String| {
        Err(InvalidInput::new(
            ErrorCode::InvalidField,
            format!("Illegal {which} capacity {number}"),
            format!("{field} must be a finite number that is not negative"),
        )
        .into())
    };
    let Some(number) = body.optional_number(field)? else {
        return Ok(None);
    };
    if number == 0.0
        && number.is_sign_negative()
        && let Some(text) = negative_text(request, field)
    {
        return illegal(text);
    }
    match Capacity::new(number) {
        Ok(capacity) => Ok(Some(capacity)),
        Err(_) => illegal(format!("{number:?}")),
    }
}

/// The field's number as the client wrote it, where it is below zero and yet too small for a double, which rounds it to
/// zero: `-1e-400`.
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
