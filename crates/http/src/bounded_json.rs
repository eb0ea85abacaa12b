//! JSON of a bounded number of values, in which no key stands twice.
//!
//! `serde_json::Value` alone would make a gigabyte of a hostile body of a few megabytes (`[{"":0},{"":0},…]`), and would
//! take the last of two equal keys in silence.

use std::{cell::Cell, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::shown::Shown;

/// The most values that a body may have: three times what 10,000 packages take, so that a list which is only somewhat
/// too long is still refused by name.
pub(crate) const MAX_VALUES: usize = 100_000;

/// Reads `text`, to its end, as one JSON value.
///
/// # Errors
/// What is wrong with it, and where. Of the category `Data` where it is JSON, but breaks a bound of ours.
pub(crate) fn parse(text: &str) -> Result<Value, serde_json::Error> {
    let left = Cell::new(MAX_VALUES);
    let mut json = serde_json::Deserializer::from_str(text);
    let value = Bounded { left: &left }.deserialize(&mut json)?;
    json.end()?;
    Ok(value)
}

/// Makes one value while there are any left.
#[derive(Clone, Copy)]
struct Bounded<'a> {
    left: &'a Cell<usize>,
}

impl<'de> DeserializeSeed<'de> for Bounded<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        match self.left.get().checked_sub(1) {
            Some(left) => self.left.set(left),
            None => {
                return Err(D::Error::custom(format_args!(
                    "it has more than {MAX_VALUES} values"
                )));
            }
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Bounded<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(entry) = entries.next_element_seed(self)? {
            list.push(entry);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            if map.contains_key(&name) {
                return Err(A::Error::custom(format_args!(
                    "it has the field {} more than once",
                    Shown(&name)
                )));
            }
            map.insert(name, fields.next_value_seed(self)?);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_is_read_as_it_is() {
        let text =
            r#" {"a": [null, true, -1, 18446744073709551615, 0.1, 1E5, "é\n"], "b": {}, "c": []} "#;
        assert_eq!(
            parse(text).unwrap(),
            json!({"a": [null, true, -1, 18446744073709551615_u64, 0.1, 1e5, "é\n"], "b": {}, "c": []})
        );
        for text in [
            "",
            "{",
            "{} {}",
            "[1,]",
            "nul",
            r#"{"a"}"#,
            &"[".repeat(200),
        ] {
            assert!(parse(text).is_err_and(|error| !error.is_data()), "{text}");
        }
    }

    #[test]
    fn values_are_counted_and_stop_at_the_bound() {
        let zeros = |n: usize| format!("[{}0]", "0,".repeat(n - 1));
        assert!(parse(&zeros(MAX_VALUES - 1)).is_ok());
        let refused = parse(&zeros(MAX_VALUES)).unwrap_err();
        assert!(
            refused.is_data()
                && refused
                    .to_string()
                    .starts_with("it has more than 100000 values at line 1"),
            "{refused}"
        );
    }

    #[test]
    fn a_key_that_stands_twice_is_named() {
        let refused = parse(r#"{"a": {"b": 1, "b": 2}}"#).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "it has the field b more than once at line 1 column 18"
        );
    }
}
