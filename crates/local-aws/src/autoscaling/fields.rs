//! Request fields that several operations read.

use serde_json::Value;
use simulate_scaling::{policy::MOST_CAPACITY, series::Statistic};

use super::error::ScalingError;

/// The text field `name` of a request.
pub(super) fn text<'v>(value: &'v Value, name: &str) -> Result<&'v str, ScalingError> {
    let text = value.get(name).and_then(Value::as_str);
    text.filter(|text| !text.is_empty())
        .ok_or_else(|| ScalingError::invalid(format!("{name} is missing.")))
}

/// A capacity, if the request has one.
pub(super) fn capacity(value: &Value, name: &str) -> Result<Option<u32>, ScalingError> {
    let Some(given) = value.get(name).filter(|given| !given.is_null()) else {
        return Ok(None);
    };
    given
        .as_u64()
        .and_then(|number| u32::try_from(number).ok())
        .filter(|number| *number <= MOST_CAPACITY)
        .map(Some)
        .ok_or_else(|| {
            ScalingError::invalid(format!(
                "{name} must be a whole number from 0 to {MOST_CAPACITY}."
            ))
        })
}

/// The statistic with this name; without a name, the average.
pub(super) fn statistic(name: Option<&str>) -> Result<Statistic, ScalingError> {
    match name {
        None | Some("Average") => Ok(Statistic::Average),
        Some("Sum") => Ok(Statistic::Sum),
        Some("Maximum") => Ok(Statistic::Maximum),
        Some("Minimum") => Ok(Statistic::Minimum),
        Some(other) => Err(ScalingError::invalid(format!(
            "The statistic {other} is not supported here; use Average, Sum, Maximum or Minimum."
        ))),
    }
}
