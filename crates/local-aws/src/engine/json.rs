//! JSON documents in MySQL's normal form: keys by length and then by bytes, a space after each colon and comma.
//!
//! <https://dev.mysql.com/doc/refman/8.0/en/json.html#json-normalization>

use std::cmp::Ordering;

use serde_json::Value;

/// The normal form; `None` if MySQL may write a number differently.
pub(crate) fn normal(text: &str) -> serde_json::Result<Option<String>> {
    serde_json::from_str(text).map(|value| self::text(&value))
}

/// A document in normal form, as in [`normal`].
pub(crate) fn text(value: &Value) -> Option<String> {
    let mut normal = String::new();
    write(value, &mut normal).then_some(normal)
}

/// The order of an object's keys.
pub(crate) fn key_order(a: &str, b: &str) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

fn write(value: &Value, out: &mut String) -> bool {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by(|a, b| key_order(a.0, b.0));
            out.push('{');
            for (index, (key, value)) in members.into_iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                out.push_str(&Value::String(key.clone()).to_string());
                out.push_str(": ");
                if !write(value, out) {
                    return false;
                }
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                if !write(item, out) {
                    return false;
                }
            }
            out.push(']');
        }
        Value::Number(number) if number.is_f64() => {
            let number = number.as_f64().unwrap_or(f64::NAN);
            let zero = number == 0.0 && number.is_sign_positive();
            let plain = zero || (1e-4..1e15).contains(&number.abs());
            if !plain {
                return false;
            }
            out.push_str(&format!("{number:?}"));
        }
        other => out.push_str(&other.to_string()),
    }
    true
}

#[cfg(test)]
mod tests {
    use super::normal;

    #[test]
    fn documents_are_normalised() {
        for (text, expected) in [
            (
                r#"{"bb":1,"a":[1,2.50,null,true]}"#,
                r#"{"a": [1, 2.5, null, true], "bb": 1}"#,
            ),
            (r#" "é\u0041" "#, "\"éA\""),
            (r#"{"a":1,"a":2}"#, r#"{"a": 2}"#),
            ("[]", "[]"),
            ("1.0", "1.0"),
        ] {
            assert_eq!(normal(text).unwrap().as_deref(), Some(expected));
        }
        assert_eq!(normal("1e300").unwrap(), None);
        assert!(normal("{a}").is_err());
    }
}
