//! JSON documents in MySQL's normal form: keys by length and then by bytes, a space after each colon and comma.
//!
//! <https://dev.mysql.com/doc/refman/8.0/en/json.html#json-normalization>

use serde_json::Value;

/// The normal form; none where a number may be written otherwise by MySQL.
pub(crate) fn normal(text: &str) -> serde_json::Result<Option<String>> {
    let value: Value = serde_json::from_str(text)?;
    let mut normal = String::with_capacity(text.len());
    Ok(write(&value, &mut normal).then_some(normal))
}

fn write(value: &Value, out: &mut String) -> bool {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by(|a, b| a.0.len().cmp(&b.0.len()).then_with(|| a.0.cmp(b.0)));
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
            let plain = number == 0.0 || (1e-4..1e15).contains(&number.abs());
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
