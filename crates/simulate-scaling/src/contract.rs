//! What an endpoint must return, and how a response breaks the contract.
//!
//! The contract is the Swagger document of AWS's own sample
//! (<https://github.com/aws/aws-auto-scaling-custom-resource>): five keys are required, three are optional.

use percent_encoding::percent_decode_str;
use serde_json::Value;

/// `scalingStatus`: how far the endpoint is with the last desired capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContractStatus {
    /// Scaling has not begun.
    Pending,
    /// Scaling is in progress.
    InProgress,
    /// The last scaling succeeded.
    Successful,
    /// The last scaling failed.
    Failed,
}

impl ContractStatus {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "Pending" => Some(Self::Pending),
            "InProgress" => Some(Self::InProgress),
            "Successful" => Some(Self::Successful),
            "Failed" => Some(Self::Failed),
            _ => None,
        }
    }
}

/// A state that meets the contract.
#[derive(Clone, Debug, PartialEq)]
pub struct ContractState {
    /// The actual capacity.
    pub actual: f64,
    /// The desired capacity.
    pub desired: f64,
    /// How far scaling has come.
    pub status: ContractStatus,
    /// The version of the target; a changed one ends scaling.
    pub version: String,
    /// Why it failed, if the endpoint gives a reason.
    pub failure_reason: Option<String>,
}

/// What is known about the endpoint before it responds.
#[derive(Clone, Debug, Default)]
pub struct Expectations {
    /// The id in its URL, decoded; empty if any is accepted.
    pub id: String,
    /// The version that it was registered with.
    pub version: Option<String>,
    /// The capacity that this request sets.
    pub desired: Option<f64>,
}

impl Expectations {
    /// Expects the id that ends `url`.
    #[must_use]
    pub fn of(url: &str) -> Self {
        let segment = url.rsplit('/').next().unwrap_or_default();
        Self {
            id: percent_decode_str(segment).decode_utf8_lossy().into_owned(),
            ..Self::default()
        }
    }
}

/// Reads a response's body.
///
/// # Errors
/// Every breach of the contract, one clause each.
pub fn read(body: &[u8], expected: &Expectations) -> Result<ContractState, Vec<String>> {
    let value: Value = match serde_json::from_slice(body) {
        Ok(value) => value,
        Err(_) if body.iter().all(u8::is_ascii_whitespace) => {
            return Err(vec![
                "the body is empty, and must be a JSON object".to_owned(),
            ]);
        }
        Err(error) => return Err(vec![format!("the body is not JSON ({error})")]),
    };
    let Value::Object(keys) = &value else {
        return Err(vec![format!(
            "the body is {}, and must be an object",
            kind(&value)
        )]);
    };
    let mut breaches = Vec::new();
    let mut text = |key: &str, required: bool| match keys.get(key) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Null) | None if !required => None,
        Some(other) => {
            breaches.push(format!("{key} is {}, and must be a string", kind(other)));
            None
        }
        None => {
            breaches.push(format!("{key} is missing"));
            None
        }
    };
    let id = text("scalableTargetDimensionId", true);
    let version = text("version", true);
    let status = text("scalingStatus", true);
    text("resourceName", false);
    text("dimensionName", false);
    let failure_reason = text("failureReason", false);
    let mut capacity = |key: &str| match keys.get(key) {
        Some(Value::Number(number)) => match number.as_f64() {
            Some(value) if value.is_finite() && value >= 0.0 => Some(value),
            _ => {
                breaches.push(format!("{key} is {number}, and must not be negative"));
                None
            }
        },
        Some(other) => {
            breaches.push(format!("{key} is {}, and must be a number", kind(other)));
            None
        }
        None => {
            breaches.push(format!("{key} is missing"));
            None
        }
    };
    let (actual, desired) = (capacity("actualCapacity"), capacity("desiredCapacity"));
    let parsed = status.as_deref().map(ContractStatus::parse);
    if let (Some(text), Some(None)) = (&status, parsed) {
        breaches.push(format!(
            "scalingStatus is {text:?}, and must be Pending, InProgress, Successful or Failed"
        ));
    }
    if let Some(id) = id.filter(|id| *id != expected.id && !expected.id.is_empty()) {
        breaches.push(format!(
            "scalableTargetDimensionId is {id:?}, and the address asks for {:?}",
            expected.id
        ));
    }
    if let (Some(version), Some(registered)) = (&version, &expected.version)
        && version != registered
    {
        breaches.push(format!("version is {version:?} and was {registered:?}: a target whose version changes is no longer scaled"));
    }
    if let (Some(desired), Some(asked)) = (desired, expected.desired)
        && desired != asked
    {
        breaches.push(format!(
            "desiredCapacity is {desired} in the answer to a PATCH that asked for {asked}"
        ));
    }
    match (actual, desired, parsed.flatten(), version) {
        (Some(actual), Some(desired), Some(status), Some(version)) if breaches.is_empty() => {
            Ok(ContractState {
                actual,
                desired,
                status,
                version,
                failure_reason,
            })
        }
        _ => Err(breaches),
    }
}

fn kind(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => {
            format!("the string {:?}", text.chars().take(40).collect::<String>())
        }
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn state() -> Value {
        json!({"scalableTargetDimensionId": "1-23456789", "version": "MyVersion", "resourceName": "MyService", "dimensionName": "MyDimension",
            "actualCapacity": 2.0, "desiredCapacity": 3, "scalingStatus": "InProgress"})
    }

    fn expected() -> Expectations {
        Expectations {
            version: Some("MyVersion".to_owned()),
            ..Expectations::of("https://example.com/prod/scalableTargetDimensions/1-23456789")
        }
    }

    fn with(key: &str, value: Value) -> Vec<u8> {
        let mut changed = state();
        changed[key] = value;
        changed.to_string().into_bytes()
    }

    #[test]
    fn the_state_of_awss_example_is_read() {
        let read = read(state().to_string().as_bytes(), &expected()).unwrap();
        assert_eq!(
            (read.actual, read.desired, read.status),
            (2.0, 3.0, ContractStatus::InProgress)
        );
    }

    #[test]
    fn names_and_reason_may_be_left_out() {
        let body = r#"{"scalableTargetDimensionId":"1-23456789","version":"v","actualCapacity":1,"desiredCapacity":1,"scalingStatus":"Failed","failureReason":null}"#;
        assert_eq!(
            read(body.as_bytes(), &Expectations::default())
                .unwrap()
                .failure_reason,
            None
        );
    }

    #[test]
    fn every_breach_is_told_at_once() {
        assert_eq!(
            read(b"{}", &expected()).unwrap_err(),
            [
                "scalableTargetDimensionId is missing",
                "version is missing",
                "scalingStatus is missing",
                "actualCapacity is missing",
                "desiredCapacity is missing"
            ]
        );
    }

    #[test]
    fn each_breach_has_its_words() {
        for (body, words) in [
            (b"".to_vec(), "the body is empty, and must be a JSON object"),
            (
                b"[]".to_vec(),
                "the body is an array, and must be an object",
            ),
            (
                with("version", json!("v2")),
                r#"version is "v2" and was "MyVersion": a target whose version changes is no longer scaled"#,
            ),
            (
                with("version", json!(1)),
                "version is the number 1, and must be a string",
            ),
            (
                with("scalingStatus", json!("Done")),
                r#"scalingStatus is "Done", and must be Pending, InProgress, Successful or Failed"#,
            ),
            (
                with("actualCapacity", json!("2")),
                r#"actualCapacity is the string "2", and must be a number"#,
            ),
            (
                with("desiredCapacity", json!(-1)),
                "desiredCapacity is -1, and must not be negative",
            ),
            (
                with("desiredCapacity", json!(null)),
                "desiredCapacity is null, and must be a number",
            ),
            (
                with("scalableTargetDimensionId", json!("2")),
                r#"scalableTargetDimensionId is "2", and the address asks for "1-23456789""#,
            ),
            (
                with("resourceName", json!(true)),
                "resourceName is true, and must be a string",
            ),
            (
                with("failureReason", json!({})),
                "failureReason is an object, and must be a string",
            ),
        ] {
            assert_eq!(read(&body, &expected()).unwrap_err(), [words]);
        }
        let asked = Expectations {
            desired: Some(4.0),
            ..expected()
        };
        assert_eq!(
            read(state().to_string().as_bytes(), &asked).unwrap_err(),
            ["desiredCapacity is 3 in the answer to a PATCH that asked for 4"]
        );
        assert!(
            read(b"<html>", &expected()).unwrap_err()[0]
                .starts_with("the body is not JSON (expected value")
        );
    }

    #[test]
    fn an_id_in_the_address_is_decoded() {
        assert_eq!(
            Expectations::of("http://localhost:3000/scalableTargetDimensions/a%20b%2B").id,
            "a b+"
        );
    }
}
