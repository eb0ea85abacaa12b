//! JSON bodies, field by field, so that every refusal names its field.

use std::fmt::Display;

use lambda_http::Request;
use serde_json::{Map, Value};

use crate::{ApiError, bounded_json, shown::Shown};

/// A JSON object that is being taken apart: a body, or an object within it.
///
/// Take each field that the route has, then call [`Object::finish`], which refuses what is left.
#[derive(Debug)]
pub struct Object {
    /// Where the object stands in the body: empty for the body itself, else `packages[3].`
    prefix: String,
    fields: Map<String, Value>,
    known: Vec<&'static str>,
}

impl Object {
    /// The request's body.
    ///
    /// # Errors
    /// [`ApiError::BadRequest`] for a body that is empty, not UTF-8, not JSON or not an object, that has a field twice, or
    /// more than 100,000 values.
    pub fn body(request: &Request) -> Result<Self, ApiError> {
        let refuse = |text: &str| {
            Err(ApiError::BadRequest(format!(
                "The body must be a JSON object, but it is {text}."
            )))
        };
        let Ok(text) = std::str::from_utf8(request.body().as_ref()) else {
            return refuse("not UTF-8 text");
        };
        if text.trim().is_empty() {
            return refuse("empty");
        }
        match bounded_json::parse(text) {
            Ok(Value::Object(fields)) => Ok(Self {
                prefix: String::new(),
                fields,
                known: Vec::new(),
            }),
            Ok(other) => refuse(kind(&other)),
            Err(error) => Err(ApiError::BadRequest(format!(
                "The body {}: {error}.",
                fault(&error)
            ))),
        }
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
    /// [`ApiError::BadRequest`] that names the field.
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
    /// [`ApiError::BadRequest`] that names the field.
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
    /// [`ApiError::BadRequest`] that names the field.
    pub fn optional_number(&mut self, name: &'static str) -> Result<Option<f64>, ApiError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Number(number)) => number.as_f64().map(Some).ok_or_else(|| {
                self.wrong(name, "must be a number that fits 64-bit floating point")
            }),
            Some(other) => Err(self.wrong_kind(name, "a number", &other)),
        }
    }

    /// Takes a list of objects that may be there; `read` makes something of each and the rest of it must be empty.
    ///
    /// # Errors
    /// [`ApiError::BadRequest`] that names the field within the list: `packages[3].package_version`. A list of more
    /// than `max` entries is refused before any entry is looked at.
    pub fn optional_objects<T>(
        &mut self,
        name: &'static str,
        max: usize,
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
                return Err(ApiError::BadRequest(format!(
                    "{place} must be an object, but is {}.",
                    kind(&value)
                )));
            };
            let mut object = Self {
                prefix: format!("{place}."),
                fields,
                known: Vec::new(),
            };
            let made = read(&mut object)?;
            object.finish()?;
            Ok(made)
        };
        entries
            .into_iter()
            .enumerate()
            .map(entry)
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// Refuses the fields that nobody took.
    ///
    /// # Errors
    /// [`ApiError::BadRequest`] that names one of them and those that are allowed.
    pub fn finish(self) -> Result<(), ApiError> {
        match self.fields.keys().next() {
            None => Ok(()),
            Some(unknown) => Err(self.wrong(
                unknown,
                format_args!(
                    "is not a known field; allowed are {}",
                    self.known.join(", ")
                ),
            )),
        }
    }

    /// A refusal of the field `name`, as the end of a sentence that begins with its place in the body.
    pub fn wrong(&self, name: &str, what: impl Display) -> ApiError {
        ApiError::BadRequest(format!("{}{} {what}.", self.prefix, Shown(name)))
    }

    fn wrong_kind(&self, name: &str, wanted: &str, value: &Value) -> ApiError {
        self.wrong(
            name,
            format_args!("must be {wanted}, but is {}", kind(value)),
        )
    }

    fn take(&mut self, name: &'static str) -> Option<Value> {
        self.known.push(name);
        self.fields.remove(name)
    }
}

/// What is wrong with a body that was not read, in general.
fn fault(error: &serde_json::Error) -> &'static str {
    if error.is_data() {
        return "cannot be taken";
    }
    // The parser tells this apart by its text alone. It is JSON all the same, so it must not be called broken.
    if error.to_string().starts_with("number out of range") {
        "has a number beyond 64-bit floating point"
    } else {
        "is not valid JSON"
    }
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
        assert_eq!(
            refused(" \n"),
            "The body must be a JSON object, but it is empty."
        );
        assert_eq!(
            refused("[1]"),
            "The body must be a JSON object, but it is a list."
        );
        assert_eq!(
            refused("null"),
            "The body must be a JSON object, but it is null."
        );
        assert_eq!(
            refused("{"),
            "The body is not valid JSON: EOF while parsing an object at line 1 column 1."
        );
        assert_eq!(
            refused(r#"{"a":1e400}"#),
            "The body has a number beyond 64-bit floating point: number out of range at line 1 column 10."
        );
        let binary = Object::body(&Request::new(Body::Binary(vec![0xFF])));
        assert_eq!(
            binary.unwrap_err().to_string(),
            "The body must be a JSON object, but it is not UTF-8 text."
        );
        assert!(body(&"[".repeat(1_000_000)).is_err());
    }

    #[test]
    fn every_refusal_names_its_field() {
        let mut object = body(r#"{"n":"1","t":2,"e":"x","o":[{"a":"b"},7],"l":{},"u":0}"#).unwrap();
        let refusals = [
            object.text("t", any).unwrap_err(),
            object.text("m", any).unwrap_err(),
            object.text("e", |_| Err::<(), _>("must be e")).unwrap_err(),
            object.optional_number("n").unwrap_err(),
            object.optional_objects("l", 9, |_| Ok(())).unwrap_err(),
            object
                .optional_objects("o", 9, |entry| entry.text("a", any))
                .unwrap_err(),
            object.finish().unwrap_err(),
        ];
        assert_eq!(
            refusals.map(|error| error.to_string()),
            [
                "t must be a string, but is a number.",
                "m is missing.",
                "e must be e.",
                "n must be a number, but is a string.",
                "l must be a list, but is an object.",
                "o[1] must be an object, but is a number.",
                "u is not a known field; allowed are t, m, e, n, l, o.",
            ]
        );
    }

    #[test]
    fn a_field_within_a_list_is_named_with_its_place() {
        let refused = |text: &str| {
            let mut object = body(text).unwrap();
            object
                .optional_objects("packages", 2, |entry| entry.text("package_version", any))
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            refused(r#"{"packages":[{"package_version":"1"},{"package_version":1}]}"#),
            "packages[1].package_version must be a string, but is a number."
        );
        assert_eq!(
            refused(r#"{"packages":[{"package_version":"1","x":1}]}"#),
            "packages[0].x is not a known field; allowed are package_version."
        );
        let name = "x".repeat(3_000_000);
        assert_eq!(
            body(&format!(r#"{{"{name}":1}}"#))
                .unwrap()
                .finish()
                .unwrap_err()
                .to_string(),
            format!("{}… is not a known field; allowed are .", "x".repeat(100))
        );
        assert!(
            body(&format!(r#"{{"{name}":1,"{name}":1}}"#))
                .unwrap_err()
                .to_string()
                .len()
                < 250
        );
        assert_eq!(
            refused(r#"{"packages":[1,2,3]}"#),
            "packages must have at most 2 entries, but has 3."
        );
    }
}
