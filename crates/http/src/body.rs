//! JSON bodies, field by field, so that every refusal names its field.

use std::fmt::Display;

use lambda_http::Request;
use serde_json::{Map, Value};

use crate::{ApiError, ErrorCode, InvalidInput, bounded_json, shown::Shown, suggestion};

/// A JSON object that is being taken apart: a body, or an object within it.
///
/// Say with [`Object::allow`] which fields the route has, then take each of them.
#[derive(Debug)]
pub struct Object {
    /// Where the object stands in the body: empty for the body itself, else `packages[3].`
    prefix: String,
    fields: Map<String, Value>,
}

impl Object {
    /// The request's body.
    ///
    /// # Errors
    /// [`InvalidInput`] for a body that is empty, not UTF-8, not JSON or not an object, that has a field twice, or more
    /// than 100,000 values.
    pub fn body(request: &Request) -> Result<Self, ApiError> {
        let refuse = |rule: &str| invalid_body(format!("The request body {rule}."), rule);
        let Ok(text) = std::str::from_utf8(request.body().as_ref()) else {
            return Err(refuse("must be UTF-8 text"));
        };
        if text.trim().is_empty() {
            return Err(refuse("must be a JSON object, but is empty"));
        }
        match bounded_json::parse(text) {
            Ok(Value::Object(fields)) => Ok(Self {
                prefix: String::new(),
                fields,
            }),
            Ok(other) => {
                let rule = format!("must be a JSON object, but is {}", kind(&other));
                Err(refuse(&rule))
            }
            Err(fault) => Err(invalid_body(
                format!("Invalid request body: {fault}."),
                &fault.reason(),
            )),
        }
    }

    /// Refuses a field that is not in `known`. Called before any field is taken: a client that misspells a field is to
    /// read of the one that it sent, not of the one that is missing.
    ///
    /// # Errors
    /// [`InvalidInput`] that names the field, those that are allowed, and the one that was probably meant.
    pub fn allow(&self, known: &[&str]) -> Result<(), ApiError> {
        let Some(unknown) = self
            .fields
            .keys()
            .find(|name| !known.contains(&name.as_str()))
        else {
            return Ok(());
        };
        let named = format_args!("`{}{}`", self.prefix, Shown(unknown));
        Err(InvalidInput::new(
            ErrorCode::UnknownField,
            format!("Unknown field {named}{}", suggestion::of(unknown, known)),
            "unknown field",
        )
        .into())
    }

    /// Whether no field is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Whether the field is there and not yet taken.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.fields.contains_key(name)
    }

    /// Takes a text that must be there.
    ///
    /// # Errors
    /// [`InvalidInput`] that names the field.
    pub fn text<T, E: Display>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(String) -> Result<T, E>,
    ) -> Result<T, ApiError> {
        self.optional_text(name, parse)?
            .ok_or_else(|| self.wrong(name, "is missing"))
    }

    /// Takes a text that may be there.
    ///
    /// # Errors
    /// [`InvalidInput`] that names the field.
    pub fn optional_text<T, E: Display>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(String) -> Result<T, E>,
    ) -> Result<Option<T>, ApiError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => parse(text)
                .map(Some)
                .map_err(|error| self.wrong(name, error)),
            Some(other) => Err(self.wrong_kind(name, "a string", &other)),
        }
    }

    /// Takes a number that may be there.
    ///
    /// # Errors
    /// [`InvalidInput`] that names the field.
    pub fn optional_number(&mut self, name: &'static str) -> Result<Option<f64>, ApiError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Number(number)) => number.as_f64().map(Some).ok_or_else(|| {
                self.wrong(name, "must be a number that fits 64-bit floating point")
            }),
            Some(other) => Err(self.wrong_kind(name, "a number", &other)),
        }
    }

    /// Takes a list of objects that may be there: `read` makes something of each, which has no fields but `known`.
    ///
    /// # Errors
    /// [`InvalidInput`] that names the field within the list: `packages[3].package_version`. A list of more
    /// than `max` entries is refused before any entry is looked at.
    pub fn optional_objects<T>(
        &mut self,
        name: &'static str,
        max: usize,
        known: &[&str],
        mut read: impl FnMut(&mut Self) -> Result<T, ApiError>,
    ) -> Result<Option<Vec<T>>, ApiError> {
        let entries = match self.take(name) {
            None => return Ok(None),
            Some(Value::Array(entries)) => entries,
            Some(other) => return Err(self.wrong_kind(name, "a list", &other)),
        };
        if entries.len() > max {
            return Err(self.wrong(
                name,
                format_args!("must have at most {max} entries, but has {}", entries.len()),
            ));
        }
        let entry = |(index, value): (usize, Value)| {
            let place = format!("{}{name}[{index}]", self.prefix);
            let Value::Object(fields) = value else {
                let rule = format!("must be an object, but is {}", kind(&value));
                return Err(InvalidInput::field(place, rule).into());
            };
            let mut object = Self {
                prefix: format!("{place}."),
                fields,
            };
            object.allow(known)?;
            read(&mut object)
        };
        entries
            .into_iter()
            .enumerate()
            .map(entry)
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// A refusal of the field `name`, which is one of ours, as the end of a sentence that begins with its place in the
    /// body.
    pub fn wrong(&self, name: &'static str, rule: impl Display) -> ApiError {
        InvalidInput::field(format_args!("{}{name}", self.prefix), rule).into()
    }

    fn wrong_kind(&self, name: &'static str, wanted: &str, value: &Value) -> ApiError {
        self.wrong(
            name,
            format_args!("must be {wanted}, but is {}", kind(value)),
        )
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        self.fields.remove(name)
    }
}

/// A refusal of the body as a whole.
fn invalid_body(message: String, rule: &str) -> ApiError {
    InvalidInput::new(
        ErrorCode::InvalidBody,
        message,
        format!("the request body: {rule}"),
    )
    .into()
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use lambda_http::Body;

    use super::*;

    fn body(text: &str) -> Result<Object, ApiError> {
        Object::body(&Request::new(Body::Text(text.to_owned())))
    }

    fn any(text: String) -> Result<String, String> {
        Ok(text)
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
        let binary = Object::body(&Request::new(Body::Binary(vec![0xFF]))).unwrap_err();
        assert_eq!(binary.to_string(), "The request body must be UTF-8 text.");
        assert_eq!(binary.code(), ErrorCode::InvalidBody);
        assert!(body(&"[".repeat(1_000_000)).is_err());
    }

    #[test]
    fn every_refusal_names_its_field() {
        let mut object = body(r#"{"n":"1","t":2,"e":"x","o":[{"a":"b"},7],"l":{}}"#).unwrap();
        let refusals = [
            object.text("t", any).unwrap_err(),
            object.text("m", any).unwrap_err(),
            object.text("e", |_| Err::<(), _>("must be e")).unwrap_err(),
            object.optional_number("n").unwrap_err(),
            object
                .optional_objects("l", 9, &[], |_| Ok(()))
                .unwrap_err(),
            object
                .optional_objects("o", 9, &["a"], |entry| entry.text("a", any))
                .unwrap_err(),
        ];
        let sentences = [
            "t must be a string, but is a number",
            "m is missing",
            "e must be e",
            "n must be a number, but is a string",
            "l must be a list, but is an object",
            "o[1] must be an object, but is a number",
        ];
        for (error, sentence) in refusals.iter().zip(sentences) {
            assert_eq!(error.to_string(), format!("{sentence}."));
            assert_eq!(
                (error.code(), error.cause().as_str()),
                (ErrorCode::InvalidField, sentence)
            );
        }
    }

    #[test]
    fn an_unknown_field_is_named_with_the_one_that_was_meant() {
        let object = body(r#"{"region":"x","aws_account":"1"}"#).unwrap();
        let refused = object
            .allow(&["aws_region", "aws_account", "packages"])
            .unwrap_err();
        assert_eq!(
            refused.to_string(),
            "Unknown field `region`; did you mean `aws_region`? Allowed are aws_region, aws_account, packages."
        );
        assert_eq!(
            (refused.code(), refused.cause().as_str()),
            (ErrorCode::UnknownField, "unknown field")
        );
    }

    #[test]
    fn a_field_within_a_list_is_named_with_its_place() {
        let refused = |text: &str| {
            body(text)
                .unwrap()
                .optional_objects("packages", 2, &["package_version"], |entry| {
                    entry.text("package_version", any)
                })
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            refused(r#"{"packages":[{"package_version":"1"},{"package_version":1}]}"#),
            "packages[1].package_version must be a string, but is a number."
        );
        assert_eq!(
            refused(r#"{"packages":[{"x":1}]}"#),
            "Unknown field `packages[0].x`; allowed are package_version."
        );
        assert_eq!(
            refused(r#"{"packages":[1,2,3]}"#),
            "packages must have at most 2 entries, but has 3."
        );
    }

    #[test]
    fn a_name_of_megabytes_is_not_sent_back() {
        let name = "x".repeat(3_000_000);
        let unknown = body(&format!(r#"{{"{name}":1}}"#)).unwrap();
        assert_eq!(
            unknown.allow(&["a"]).unwrap_err().to_string(),
            format!("Unknown field `{}…`; allowed are a.", "x".repeat(100))
        );
        let twice = body(&format!(r#"{{"{name}":1,"{name}":1}}"#)).unwrap_err();
        assert!(twice.to_string().len() < 250);
    }
}
