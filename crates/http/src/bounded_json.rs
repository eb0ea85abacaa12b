//! JSON with a bounded number of values and no duplicate keys.
//!
//! `serde_json::Value` alone would need a gigabyte for a hostile body of a few megabytes (`[{"":0},{"":0},…]`), and would
//! silently use the last of two equal keys.

use std::{
    cell::{Cell, RefCell},
    fmt,
};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::shown::ShortName;

/// The most values in a body: three times as many as 10,000 packages need, so that a list which is only slightly too
/// long still gets an error that names it.
pub(crate) const MAX_VALUES: usize = 100_000;

/// The maximum nesting of arrays and objects: `serde_json`'s own.
const MAX_DEPTH: usize = 127;

/// Why and where a text is rejected.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct JsonFault {
    rule: Rule,
    line: usize,
    column: usize,
}

#[derive(Debug, PartialEq, Eq)]
enum Rule {
    Syntax,
    Ends,
    Depth,
    NumberRange,
    Values,
    Duplicate(String),
}

impl JsonFault {
    fn new(error: &serde_json::Error, broken: Option<Rule>) -> Self {
        let rule = broken.unwrap_or_else(|| {
            // The parser tells these apart only in its message.
            let text = error.to_string();
            if error.is_eof() {
                Rule::Ends
            } else if text.starts_with("number out of range") {
                Rule::NumberRange
            } else if text.starts_with("recursion limit exceeded") {
                Rule::Depth
            } else {
                Rule::Syntax
            }
        });
        Self {
            rule,
            line: error.line(),
            column: error.column(),
        }
    }

    /// The broken rule, without anything that the client sent.
    pub(crate) fn reason(&self) -> String {
        match &self.rule {
            Rule::Syntax => "not valid JSON".to_owned(),
            Rule::Ends => "the JSON ends too early".to_owned(),
            Rule::Depth => format!("nested more than {MAX_DEPTH} levels deep"),
            Rule::NumberRange => "a number out of the range of 64-bit floating point".to_owned(),
            Rule::Values => format!("more than {MAX_VALUES} values"),
            Rule::Duplicate(_) => "duplicate field".to_owned(),
        }
    }
}

impl fmt::Display for JsonFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason())?;
        if let Rule::Duplicate(name) = &self.rule {
            write!(f, " `{}`", ShortName(name))?;
        }
        write!(f, " (line {}, column {})", self.line, self.column)
    }
}

/// Reads all of `text` as one JSON value.
///
/// # Errors
/// The rule that it breaks, and where.
pub(crate) fn parse(text: &str) -> Result<Value, JsonFault> {
    let bounds = JsonAllowance {
        left: Cell::new(MAX_VALUES),
        broken: RefCell::new(None),
    };
    let mut json = serde_json::Deserializer::from_str(text);
    BoundedSeed(&bounds)
        .deserialize(&mut json)
        .and_then(|value| json.end().map(|()| value))
        .map_err(|error| JsonFault::new(&error, bounds.broken.take()))
}

/// How many more values a text may have, and the limit that it exceeded.
struct JsonAllowance {
    left: Cell<usize>,
    broken: RefCell<Option<Rule>>,
}

impl JsonAllowance {
    /// An error for serde to stop with; the rule itself is recorded separately.
    fn stop<E: Error>(&self, rule: Rule) -> E {
        self.broken.replace(Some(rule));
        E::custom("a bound is broken")
    }
}

/// Reads one value, if the allowance is not used up.
#[derive(Clone, Copy)]
struct BoundedSeed<'a>(&'a JsonAllowance);

impl<'de> DeserializeSeed<'de> for BoundedSeed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        match self.0.left.get().checked_sub(1) {
            Some(left) => self.0.left.set(left),
            None => return Err(self.0.stop(Rule::Values)),
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for BoundedSeed<'_> {
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
                return Err(self.0.stop(Rule::Duplicate(name)));
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
    }

    #[test]
    fn what_is_wrong_is_told_in_our_words_with_its_place() {
        let refused = |text: &str| parse(text).unwrap_err().to_string();
        assert_eq!(refused(""), "the JSON ends too early (line 1, column 0)");
        assert_eq!(refused("{"), "the JSON ends too early (line 1, column 1)");
        assert_eq!(
            refused("\"\\u00"),
            "the JSON ends too early (line 1, column 5)"
        );
        for (text, line, column) in [
            ("{} {}", 1, 4),
            ("[1,\n]", 2, 1),
            ("nul", 1, 3),
            (r#"{"a"}"#, 1, 5),
            ("{'a':1}", 1, 2),
            ("[01]", 1, 3),
            ("\"\t\"", 1, 2),
            (r#""\q""#, 1, 3),
            (r#""\ud800""#, 1, 8),
        ] {
            // A truncated word counts as a text that ends too early.
            let rule = if text == "nul" {
                "the JSON ends too early"
            } else {
                "not valid JSON"
            };
            assert_eq!(
                refused(text),
                format!("{rule} (line {line}, column {column})")
            );
        }
        assert_eq!(
            refused("[1e400]"),
            "a number out of the range of 64-bit floating point (line 1, column 6)"
        );
        assert!(parse(&format!("{}{}", "[".repeat(127), "]".repeat(127))).is_ok());
        assert_eq!(
            refused(&"[".repeat(200)),
            "nested more than 127 levels deep (line 1, column 128)"
        );
    }

    #[test]
    fn values_are_counted_and_stop_at_the_bound() {
        let zeros = |n: usize| format!("[{}0]", "0,".repeat(n - 1));
        assert!(parse(&zeros(MAX_VALUES - 1)).is_ok());
        assert_eq!(
            parse(&zeros(MAX_VALUES)).unwrap_err().reason(),
            "more than 100000 values"
        );
    }

    #[test]
    fn a_field_that_stands_twice_is_named_to_the_client_alone() {
        let refused = parse(r#"{"a": {"b": 1, "b": 2}}"#).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "duplicate field `b` (line 1, column 18)"
        );
        assert_eq!(refused.reason(), "duplicate field");
    }
}
