//! The `next_token` of a page: where the next one begins, in a form that clients hand back as it is.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use fleet_core::inventory::InstanceId;
use serde::{Deserialize, Serialize};

/// Named, so that a text which merely happens to be base64 is no token.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Token {
    after: InstanceId,
}

/// The token of the page after `id`.
#[must_use]
pub fn encode(id: &InstanceId) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::json!({ "after": id }).to_string())
}

/// The id that `token` was made of.
///
/// # Errors
/// The end of a sentence that begins with the parameter's name, for a text that no answer of ours held.
pub fn decode(token: &str) -> Result<InstanceId, &'static str> {
    let json = URL_SAFE_NO_PAD.decode(token).ok();
    let token: Option<Token> = json.and_then(|json| serde_json::from_slice(&json).ok());
    token
        .map(|token| token.after)
        .ok_or("must be the next_token of an earlier answer, unchanged")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_its_id_and_needs_no_escaping_in_a_url() {
        for text in ["i-1", "a/b?c&d=e+f", "服务器", &"𝕏".repeat(255)] {
            let id = InstanceId::parse(text).unwrap();
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
    fn other_texts_are_no_tokens() {
        let base64 = |text: &str| URL_SAFE_NO_PAD.encode(text);
        for text in [
            "",
            "x",
            "i-1",
            "====",
            &base64("i-1"),
            &base64(r#"{"after":""}"#),
            &base64(r#"{"after":"a","b":1}"#),
            &base64("{}"),
        ] {
            assert!(decode(text).is_err(), "{text:?}");
        }
    }
}
