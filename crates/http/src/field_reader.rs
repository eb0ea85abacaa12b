//! Reads a JSON value into a type with a serde implementation, and describes an invalid field in our own words.
//!
//! `serde_json::from_value` would put the client's value and Rust's type names into its message, and accept `null` for
//! an absent optional field.

use std::fmt::Display;

use serde::{
    Deserializer,
    de::{
        Error, Expected, IntoDeserializer, Unexpected, Visitor,
        value::{MapDeserializer, SeqDeserializer},
    },
    forward_to_deserialize_any,
};
use serde_json::Value;

/// What is wrong with a field.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FieldFault {
    /// The object has a field that its type does not have; holds the known ones.
    #[error("unknown field")]
    Unknown(&'static [&'static str]),
    /// The object lacks this field.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// The field breaks a rule: the end of a sentence that begins with the field's name.
    #[error("{0}")]
    Rule(String),
}

impl Error for FieldFault {
    fn custom<T: Display>(rule: T) -> Self {
        Self::Rule(rule.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        // The only field type here that serde names as Rust does.
        let expected = match expected.to_string().as_str() {
            "f64" => "a number".to_owned(),
            other => other.to_owned(),
        };
        Self::Rule(format!("must be {expected}, but is {}", kind(found)))
    }

    fn unknown_field(_: &str, known: &'static [&'static str]) -> Self {
        Self::Unknown(known)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field)
    }
}

/// The kind of a JSON value, for a message.
pub(crate) fn kind(value: Unexpected<'_>) -> &'static str {
    match value {
        Unexpected::Unit | Unexpected::Option => "null",
        Unexpected::Bool(_) => "a boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "a number",
        Unexpected::Str(_) | Unexpected::Char(_) => "a string",
        Unexpected::Seq => "a list",
        Unexpected::Map => "an object",
        _ => "something else",
    }
}

/// A value that is being read.
pub(crate) struct FieldReader(pub(crate) Value);

/// The value as serde names it.
pub(crate) fn unexpected(value: &Value) -> Unexpected<'_> {
    match value {
        Value::Null => Unexpected::Unit,
        Value::Bool(value) => Unexpected::Bool(*value),
        Value::Number(number) => Unexpected::Float(number.as_f64().unwrap_or_default()),
        Value::String(text) => Unexpected::Str(text),
        Value::Array(_) => Unexpected::Seq,
        Value::Object(_) => Unexpected::Map,
    }
}

impl<'de> Deserializer<'de> for FieldReader {
    type Error = FieldFault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldFault> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(value), _, _) => visitor.visit_u64(value),
                (None, Some(value), _) => visitor.visit_i64(value),
                (None, None, value) => visitor.visit_f64(value.unwrap_or(f64::NAN)),
            },
            Value::String(text) => visitor.visit_string(text),
            Value::Array(entries) => {
                visitor.visit_seq(SeqDeserializer::new(entries.into_iter().map(FieldReader)))
            }
            Value::Object(fields) => visitor.visit_map(MapDeserializer::new(
                fields
                    .into_iter()
                    .map(|(name, value)| (name, FieldReader(value))),
            )),
        }
    }

    /// A field that is present must have a value: `null` has the wrong type.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldFault> {
        visitor.visit_some(self)
    }

    /// Reads an object by its field names only; serde would accept a list of its values as well. Unknown fields are
    /// reported first, so that a misspelled one is named before another error; then the known ones in the order of
    /// the type.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        known: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, FieldFault> {
        match self.0 {
            Value::Object(fields) => {
                let place = |name: &str| known.iter().position(|known| *known == name);
                let mut fields: Vec<_> = fields.into_iter().collect();
                fields.sort_by_key(|(name, _)| place(name));
                let fields = fields
                    .into_iter()
                    .map(|(name, value)| (name, FieldReader(value)));
                visitor.visit_map(MapDeserializer::new(fields))
            }
            other => Err(FieldFault::invalid_type(unexpected(&other), &visitor)),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, FieldFault> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map enum identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, FieldFault> for FieldReader {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}
