//! Path and query parameters, decoded from an event to the text that the client meant.

use std::collections::HashMap;

use lambda_http::aws_lambda_events::query_map::QueryMap;
use percent_encoding::percent_decode_str;

use crate::{ErrorCode, InvalidInput, shown::ShortName};

/// The character that decoders substitute for invalid UTF-8.
const REPLACEMENT: char = '\u{FFFD}';

/// The path parameters, percent-decoded once: here if they `are_encoded`, otherwise by the host.
///
/// # Errors
/// [`InvalidInput`] that names the parameter which is not percent-encoded UTF-8.
pub(crate) fn path(
    are_encoded: bool,
    sent: HashMap<String, String>,
) -> Result<HashMap<String, String>, InvalidInput> {
    let decode = |(name, value): (String, String)| {
        let decoded = if are_encoded {
            percent_decoded(&value)
        } else {
            Some(value)
        };
        match decoded {
            Some(text) if !text.contains(REPLACEMENT) => Ok((name, text)),
            _ => Err(InvalidInput::parameter(
                name,
                "must be percent-encoded UTF-8",
            )),
        }
    };
    sent.into_iter().map(decode).collect()
}

/// Undoes percent-encoding; `None` if the result is not UTF-8, or a `%` is not followed by two hexadecimal digits.
fn percent_decoded(text: &str) -> Option<String> {
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|byte| *byte == b'%') {
        rest = &rest[at + 1..];
        if !matches!(rest, [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit()) {
            return None;
        }
    }
    percent_decode_str(text).decode_utf8().ok().map(Into::into)
}

/// The query parameters, which every host decodes.
///
/// # Errors
/// [`InvalidInput`] for a name or value with U+FFFD, which stands for invalid UTF-8.
pub(crate) fn query(sent: QueryMap) -> Result<QueryMap, InvalidInput> {
    if sent.is_empty() {
        return Ok(sent);
    }
    // As JSON, since only its iterator gives the names, and that panics on an empty list of values (query_map 0.7).
    let values = serde_json::to_value(&sent)
        .and_then(serde_json::from_value::<HashMap<String, Vec<String>>>);
    let mut values = values.unwrap_or_default();
    values.retain(|_, values| !values.is_empty());
    for (name, values) in &values {
        if name.contains(REPLACEMENT) || values.iter().any(|value| value.contains(REPLACEMENT)) {
            return Err(InvalidInput::new(
                ErrorCode::InvalidParameter,
                format!(
                    "The query parameter `{}` must be percent-encoded UTF-8.",
                    ShortName(name)
                ),
                "a query parameter must be percent-encoded UTF-8",
            ));
        }
    }
    Ok(QueryMap::from(values))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(are_encoded: bool, sent: &str) -> Result<String, String> {
        let sent = HashMap::from([("id".to_owned(), sent.to_owned())]);
        path(are_encoded, sent)
            .map(|mut decoded| decoded.remove("id").unwrap())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_path_parameter_is_decoded_exactly_once() {
        for (sent, meant) in [
            ("instance-002", "instance-002"),
            ("a%20b", "a b"),
            ("a%2525", "a%25"),
            ("a%2Fb", "a/b"),
            ("a+b", "a+b"),
            ("%D1%81%e6%9c%8d", "с服"),
            ("с", "с"),
            ("%00", "\0"),
            ("", ""),
        ] {
            assert_eq!(id(true, sent).as_deref(), Ok(meant), "{sent}");
        }
        for text in ["a b", "a%25", "100%", "%zz", "a/b"] {
            assert_eq!(id(false, text).as_deref(), Ok(text));
        }
    }

    #[test]
    fn what_is_not_encoded_utf_8_is_refused_by_name() {
        let refusal = Err("id must be percent-encoded UTF-8.".to_owned());
        for sent in [
            "%",
            "%2",
            "a%2",
            "%zz",
            "%+1",
            "%FF",
            "%ED%A0%80",
            "x%C3",
            "%C3%28",
            "%EF%BF%BD",
            "a\u{FFFD}",
        ] {
            assert_eq!(id(true, sent), refusal, "{sent}");
        }
        assert_eq!(id(false, "a\u{FFFD}"), refusal);
    }

    #[test]
    fn a_query_with_a_replaced_byte_is_refused_and_an_empty_list_is_nothing() {
        let read = |name: &str, values: &[&str]| {
            let values: Vec<_> = values.iter().map(|value| (*value).to_owned()).collect();
            query(QueryMap::from(HashMap::from([(name.to_owned(), values)])))
        };
        assert_eq!(read("a", &["1", "2"]).unwrap().iter().count(), 2);
        assert!(read("a", &[]).unwrap().is_empty());
        for (name, value) in [("a", "b\u{FFFD}"), ("\u{FFFD}", "b")] {
            assert_eq!(
                read(name, &["1", value]).unwrap_err().to_string(),
                format!("The query parameter `{name}` must be percent-encoded UTF-8.")
            );
        }
    }
}
