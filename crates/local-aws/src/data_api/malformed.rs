//! Explains what is wrong with a malformed request: where, and what is expected there.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};

use super::errors::DataApiError;

/// What a field may contain.
#[derive(Debug, Clone, Copy)]
pub(super) enum FieldShape {
    Text,
    Flag,
    Parameters,
    ParameterSets,
    ResultSetOptions,
}

/// A request with its known field names.
pub(super) trait RequestShape {
    /// The required fields; all of them are strings.
    const REQUIRED: &'static [&'static str];
    /// The optional fields.
    const OPTIONAL: &'static [(&'static str, FieldShape)];
}

/// The error for a body that could not be read.
pub(super) fn explain<T: RequestShape>(body: &[u8]) -> DataApiError {
    DataApiError::BadRequest(match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(request)) => fields::<T>(&request)
            .err()
            .unwrap_or_else(|| "The request is not valid: a field is given twice".into()),
        Ok(_) => "The request is not valid: it must be a JSON object".into(),
        Err(error) => format!(
            "The request is not valid JSON (line {}, column {})",
            error.line(),
            error.column()
        ),
    })
}

type ShapeResult = Result<(), String>;

fn fields<T: RequestShape>(request: &Map<String, Value>) -> ShapeResult {
    for name in T::REQUIRED {
        match request.get(*name) {
            None | Some(Value::Null) => {
                return Err(format!("The request is not valid: {name} is required"));
            }
            Some(value) => check(name, value, FieldShape::Text)?,
        }
    }
    for (name, shape) in T::OPTIONAL {
        if let Some(value) = request.get(*name).filter(|value| !value.is_null()) {
            check(name, value, *shape)?;
        }
    }
    Ok(())
}

fn check(place: &str, value: &Value, shape: FieldShape) -> ShapeResult {
    match shape {
        FieldShape::Text => require(value.is_string(), place, "a string"),
        FieldShape::Flag => require(value.is_boolean(), place, "true or false"),
        FieldShape::Parameters => list(place, value, parameter),
        FieldShape::ParameterSets => list(place, value, |place, set| list(place, set, parameter)),
        FieldShape::ResultSetOptions => options(place, value),
    }
}

fn require(holds: bool, place: &str, what: &str) -> ShapeResult {
    if holds {
        Ok(())
    } else {
        Err(format!("The request is not valid: {place} must be {what}"))
    }
}

fn list(place: &str, value: &Value, each: impl Fn(&str, &Value) -> ShapeResult) -> ShapeResult {
    let Value::Array(items) = value else {
        return require(false, place, "a list");
    };
    for (index, item) in items.iter().enumerate() {
        each(&format!("{place}[{index}]"), item)?;
    }
    Ok(())
}

fn parameter(place: &str, value: &Value) -> ShapeResult {
    let Value::Object(parameter) = value else {
        return require(false, place, "an object");
    };
    for name in ["name", "typeHint"] {
        if let Some(text) = parameter.get(name).filter(|value| !value.is_null()) {
            check(&format!("{place}.{name}"), text, FieldShape::Text)?;
        }
    }
    match parameter.get("value") {
        None | Some(Value::Null) => Ok(()),
        Some(value) => field(&format!("{place}.value"), value),
    }
}

/// The members of the service's value union.
const MEMBERS: &str = "an object with exactly one of isNull, booleanValue, longValue, doubleValue, stringValue, \
                       blobValue and arrayValue";

fn field(place: &str, value: &Value) -> ShapeResult {
    let Value::Object(field) = value else {
        return require(false, place, MEMBERS);
    };
    let mut members = field.iter();
    let (Some((name, value)), None) = (members.next(), members.next()) else {
        return require(false, place, MEMBERS);
    };
    let member = format!("{place}.{name}");
    match name.as_str() {
        "isNull" | "booleanValue" => check(&member, value, FieldShape::Flag),
        "longValue" => require(value.is_i64(), &member, "a whole number of 64 bits"),
        "doubleValue" => {
            let named = matches!(value.as_str(), Some("NaN" | "Infinity" | "-Infinity"));
            require(value.is_number() || named, &member, "a number")
        }
        "stringValue" => check(&member, value, FieldShape::Text),
        "blobValue" => {
            let decodes = |text| STANDARD.decode(text).is_ok();
            require(value.as_str().is_some_and(decodes), &member, "base64")
        }
        "arrayValue" => Ok(()),
        _ => require(false, place, MEMBERS),
    }
}

fn options(place: &str, value: &Value) -> ShapeResult {
    let Value::Object(options) = value else {
        return require(false, place, "an object");
    };
    for (name, allowed) in [
        ("decimalReturnType", ["STRING", "DOUBLE_OR_LONG"]),
        ("longReturnType", ["STRING", "LONG"]),
    ] {
        if let Some(value) = options.get(name) {
            let known = value.as_str().is_some_and(|text| allowed.contains(&text));
            let what = format!("{} or {}", allowed[0], allowed[1]);
            require(known, &format!("{place}.{name}"), &what)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::wire::{BatchRequest, ExecuteRequest};
    use super::*;

    fn told<T: RequestShape>(body: &str) -> String {
        explain::<T>(body.as_bytes()).to_string()
    }

    /// The error for a request with this one field.
    fn told_of(field: &str) -> String {
        told::<ExecuteRequest>(&format!(
            r#"{{"resourceArn": "a", "secretArn": "s", "sql": "SELECT 1", {field}}}"#
        ))
    }

    #[test]
    fn a_malformed_value_is_named_by_its_place() {
        let union = "parameters[0].value must be an object with exactly one of isNull";
        for (field, expected) in [
            (r#""database": 1"#, "database must be a string"),
            (
                r#""continueAfterTimeout": "yes""#,
                "continueAfterTimeout must be true or false",
            ),
            (r#""parameters": {}"#, "parameters must be a list"),
            (
                r#""parameters": [{"name": "a"}, 7]"#,
                "parameters[1] must be an object",
            ),
            (
                r#""parameters": [{"name": 1}]"#,
                "parameters[0].name must be a string",
            ),
            (
                r#""parameters": [{"value": {"longValue": 1.5}}]"#,
                "parameters[0].value.longValue must be a whole number of 64 bits",
            ),
            (
                r#""parameters": [{"value": {"doubleValue": "x"}}]"#,
                "parameters[0].value.doubleValue must be a number",
            ),
            (
                r#""parameters": [{"value": {"blobValue": "%"}}]"#,
                "parameters[0].value.blobValue must be base64",
            ),
            (r#""parameters": [{"value": {"point": 1}}]"#, union),
            (r#""parameters": [{"value": {}}]"#, union),
            (
                r#""resultSetOptions": {"longReturnType": "BIG"}"#,
                "resultSetOptions.longReturnType must be STRING or LONG",
            ),
        ] {
            let told = told_of(field);
            let start = format!("The request is not valid: {expected}");
            assert!(told.starts_with(&start), "{field}: {told}");
        }
        assert_eq!(
            told::<BatchRequest>(
                r#"{"resourceArn": "a", "secretArn": "s", "sql": "x", "parameterSets": [[], [{"value": {"isNull": 1}}]]}"#
            ),
            "The request is not valid: parameterSets[1][0].value.isNull must be true or false"
        );
    }

    #[test]
    fn what_is_missing_and_what_is_no_json_is_told() {
        assert_eq!(
            told::<ExecuteRequest>(r#"{"resourceArn": "a"}"#),
            "The request is not valid: secretArn is required"
        );
        assert_eq!(
            told::<ExecuteRequest>("[]"),
            "The request is not valid: it must be a JSON object"
        );
        assert_eq!(
            told::<ExecuteRequest>("{\n\"sql\""),
            "The request is not valid JSON (line 2, column 5)"
        );
        assert_eq!(
            told_of(r#""sql": "SELECT 2""#),
            "The request is not valid: a field is given twice"
        );
    }
}
