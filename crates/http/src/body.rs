//! JSON bodies, read into the types that the API describes, so that every error names its field.

use std::fmt::Display;

use lambda_http::Request;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use serde_path_to_error::{Path, Segment};

use crate::{
    ApiError, ErrorCode, InvalidInput, bounded_json,
    field_reader::{FieldFault, FieldReader, kind, unexpected},
    shown::ShortName,
    suggestion,
};

/// A request's body: a JSON object, not yet read into the type of its route.
#[derive(Debug)]
pub struct JsonBody(Map<String, Value>);

impl JsonBody {
    /// The request's body.
    ///
    /// # Errors
    /// [`InvalidInput`] for a body that is empty, not UTF-8, not JSON or not an object, that has a duplicate field, or
    /// more than 100,000 values.
    pub fn read(request: &Request) -> Result<Self, ApiError> {
        let refuse = |rule: &str| invalid_body(format!("The request body {rule}."), rule);
        let Ok(text) = std::str::from_utf8(request.body().as_ref()) else {
            return Err(refuse("must be UTF-8 text"));
        };
        if text.trim().is_empty() {
            return Err(refuse("must be a JSON object, but is empty"));
        }
        match bounded_json::parse(text) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            Ok(other) => {
                let rule = format!("must be a JSON object, but is {}", kind(unexpected(&other)));
                Err(refuse(&rule))
            }
            Err(fault) => Err(invalid_body(
                format!("Invalid request body: {fault}."),
                &fault.reason(),
            )),
        }
    }

    /// Whether it has no field.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it has the field `name`.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Reads it into `T`, whose fields may not be `null`. Unknown fields are reported before missing ones, so a
    /// client that misspells a field is told about the one that it sent.
    ///
    /// # Errors
    /// [`InvalidInput`] that names the field with its path (`packages[3].package_version`) and the rule; for an unknown
    /// field, also the known ones and the one that was probably meant.
    pub fn into<T: DeserializeOwned>(self) -> Result<T, ApiError> {
        serde_path_to_error::deserialize(FieldReader(Value::Object(self.0))).map_err(|error| {
            let path = error.path().clone();
            refusal(&path, error.into_inner())
        })
    }
}

/// An error about the field `name` of a body. `rule` ends a sentence that begins with the name.
pub fn invalid_field(name: &'static str, rule: impl Display) -> ApiError {
    InvalidInput::field(name, rule).into()
}

fn refusal(path: &Path, fault: FieldFault) -> ApiError {
    let segments: Vec<&Segment> = path.iter().collect();
    match (fault, segments.as_slice()) {
        // The path ends in the field itself, whose name comes from the client.
        (FieldFault::Unknown(known), [within @ .., Segment::Map { key }]) => InvalidInput::new(
            ErrorCode::UnknownField,
            format!(
                "Unknown field `{}`{}",
                place(within, Some(&ShortName(key).to_string())),
                suggestion::of(key, known)
            ),
            "unknown field",
        ),
        (FieldFault::Missing(field), within) => {
            InvalidInput::field(place(within, Some(field)), "is missing")
        }
        (fault, within) => InvalidInput::field(place(within, None), fault),
    }
    .into()
}

/// `packages[3].package_version`: the segments, whose names are all ours, and a field within them.
fn place(segments: &[&Segment], field: Option<&str>) -> String {
    let mut text = String::new();
    let names = segments.iter().map(|segment| match segment {
        Segment::Seq { index } => Err(*index),
        Segment::Map { key } => Ok(key.as_str()),
        Segment::Enum { variant } => Ok(variant.as_str()),
        Segment::Unknown => Ok("?"),
    });
    for name in names.chain(field.map(Ok)) {
        match name {
            Ok(name) if text.is_empty() => text.push_str(name),
            Ok(name) => text = format!("{text}.{name}"),
            Err(index) => text = format!("{text}[{index}]"),
        }
    }
    text
}

/// An error about the body as a whole.
fn invalid_body(message: String, rule: &str) -> ApiError {
    InvalidInput::new(
        ErrorCode::InvalidBody,
        message,
        format!("the request body: {rule}"),
    )
    .into()
}

#[cfg(test)]
mod tests {
    use lambda_http::Body;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields, expecting = "an object")]
    #[expect(dead_code, reason = "read, and never looked at")]
    struct TestOrder {
        name: String,
        #[serde(default)]
        count: Option<f64>,
        #[serde(default)]
        parts: Vec<TestPart>,
        #[serde(default)]
        colour: Option<Colour>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields, expecting = "an object")]
    #[expect(dead_code, reason = "read, and never looked at")]
    struct TestPart {
        size: u8,
    }

    #[derive(Debug, Deserialize)]
    #[serde(try_from = "String")]
    struct Colour;

    impl TryFrom<String> for Colour {
        type Error = &'static str;

        fn try_from(text: String) -> Result<Self, Self::Error> {
            if text == "red" {
                Ok(Self)
            } else {
                Err("must be red")
            }
        }
    }

    fn body(text: &str) -> Result<JsonBody, ApiError> {
        JsonBody::read(&Request::new(Body::Text(text.to_owned())))
    }

    fn refused(text: &str) -> ApiError {
        body(text).unwrap().into::<TestOrder>().unwrap_err()
    }

    #[test]
    fn a_body_says_which_fields_it_has() {
        let empty = body("{}").unwrap();
        assert!(empty.is_empty() && !empty.has("name"));
        let one = body(r#"{"name": null}"#).unwrap();
        assert!(!one.is_empty() && one.has("name") && !one.has("count"));
    }

    #[test]
    fn a_body_that_is_no_object_is_refused_with_what_it_is() {
        let refused = |text: &str| body(text).unwrap_err().to_string();
        for (text, sentence) in [
            (
                " \n",
                "The request body must be a JSON object, but is empty.",
            ),
            (
                "[1]",
                "The request body must be a JSON object, but is a list.",
            ),
            (
                "null",
                "The request body must be a JSON object, but is null.",
            ),
            (
                "{",
                "Invalid request body: the JSON ends too early (line 1, column 1).",
            ),
        ] {
            assert_eq!(refused(text), sentence);
        }
        let binary = JsonBody::read(&Request::new(Body::Binary(vec![0xFF]))).unwrap_err();
        assert_eq!(binary.to_string(), "The request body must be UTF-8 text.");
        assert_eq!(binary.code(), ErrorCode::InvalidBody);
        assert!(body(&"[".repeat(1_000_000)).is_err());
    }

    #[test]
    fn every_refusal_names_its_field_with_its_place() {
        for (text, sentence) in [
            (r#"{}"#, "name is missing"),
            (r#"{"name":2}"#, "name must be a string, but is a number"),
            (
                r#"{"count":"1","name":2}"#,
                "name must be a string, but is a number",
            ),
            (
                r#"{"name":"","count":"1"}"#,
                "count must be a number, but is a string",
            ),
            (
                r#"{"name":"","count":null}"#,
                "count must be a number, but is null",
            ),
            (r#"{"name":{}}"#, "name must be a string, but is an object"),
            (
                r#"{"name":"","count":true}"#,
                "count must be a number, but is a boolean",
            ),
            (
                r#"{"name":"","colour":[]}"#,
                "colour must be a string, but is a list",
            ),
            (r#"{"name":"","colour":"blue"}"#, "colour must be red"),
            (
                r#"{"name":"","parts":[{"size":1},7]}"#,
                "parts[1] must be an object, but is a number",
            ),
            (
                r#"{"name":"","parts":[[1]]}"#,
                "parts[0] must be an object, but is a list",
            ),
            (
                r#"{"name":"","parts":[{"size":1},{}]}"#,
                "parts[1].size is missing",
            ),
        ] {
            let error = refused(text);
            assert_eq!(error.to_string(), format!("{sentence}."));
            assert_eq!(
                (error.code(), error.cause().as_str()),
                (ErrorCode::InvalidField, sentence)
            );
        }
    }

    #[test]
    fn an_unknown_field_is_named_with_the_one_that_was_meant_though_another_is_missing() {
        for (text, sentence) in [
            (
                r#"{"nmae":"x"}"#,
                "Unknown field `nmae`; did you mean `name`? Allowed are name, count, parts, colour.",
            ),
            (
                r#"{"count":"1","nmae":"x"}"#,
                "Unknown field `nmae`; did you mean `name`? Allowed are name, count, parts, colour.",
            ),
            (
                r#"{"name":"","parts":[{"x":1}]}"#,
                "Unknown field `parts[0].x`; only size is allowed.",
            ),
        ] {
            let error = refused(text);
            assert_eq!(error.to_string(), sentence);
            assert_eq!(
                (error.code(), error.cause().as_str()),
                (ErrorCode::UnknownField, "unknown field")
            );
        }
    }

    #[test]
    fn a_name_of_megabytes_is_not_sent_back() {
        let name = "x".repeat(3_000_000);
        let unknown = refused(&format!(r#"{{"{name}":1}}"#)).to_string();
        let cut = format!("Unknown field `{}…`; allowed are", "x".repeat(100));
        assert!(
            unknown.starts_with(&cut) && unknown.len() < 250,
            "{unknown:.300}"
        );
        let twice = body(&format!(r#"{{"{name}":1,"{name}":1}}"#)).unwrap_err();
        assert!(twice.to_string().len() < 250);
    }
}
