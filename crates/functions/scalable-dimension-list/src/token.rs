//! The `next_token` of a page: where the next one begins, in a form that clients hand back as it is.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use fleet_core::scaling::DimensionId;
use serde::{Deserialize, Serialize};

/// Named, so that a text which merely happens to be base64 is no token.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Token {
    after: String,
}

/// The token of the page after `id`.
pub(crate) fn encode(id: &DimensionId) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::json!({ "after": id.as_str() }).to_string())
}

/// The id that `token` was made of.
///
/// # Errors
/// The end of a sentence that begins with the parameter's name, for a text that no answer of ours held.
pub(crate) fn decode(token: &str) -> Result<DimensionId, &'static str> {
    let json = URL_SAFE_NO_PAD.decode(token).ok();
    let token: Option<Token> = json.and_then(|json| serde_json::from_slice(&json).ok());
    token
        .and_then(|token| DimensionId::parse(token.after).ok())
        .ok_or("must be the next_token of an earlier answer, unchanged")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_its_id_and_needs_no_escaping_in_a_url() {
        for text in [
            "1-23456789",
            "..",
            "a?b&c=d+e",
            "измерение",
            &"𝕏".repeat(255),
        ] {
            let id = DimensionId::parse(text).unwrap();
            let token = encode(&id);
            assert!(
                token
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'),
                "{token}"
            );
            assert_eq!(decode(&token), Ok(id));
        }
    }

    #[test]
    fn other_texts_are_refused() {
        let base64 = |text: &str| URL_SAFE_NO_PAD.encode(text);
        for text in [
            "",
            "x",
            "====",
            &base64("1-23456789"),
            &base64(r#"{"after":""}"#),
            &base64(r#"{"after":"a/b"}"#),
            &base64(r#"{"after":"a","b":1}"#),
            &base64("{}"),
        ] {
            assert!(decode(text).is_err(), "{text:?}");
        }
    }
}
