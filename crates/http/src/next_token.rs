//! The `next_token` of a page: where the next one begins, in a form that is opaque to clients.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The position where the next page of a list begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NextToken(String);

/// Has a field name, so that a text which merely happens to be base64 is not a token.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenContent<T> {
    after: T,
}

impl NextToken {
    /// The token of the page that begins after `id`, which is serialized as JSON.
    #[must_use]
    pub fn after<T: Serialize>(id: &T) -> Self {
        Self(URL_SAFE_NO_PAD.encode(serde_json::json!({ "after": id }).to_string()))
    }

    /// The id from which the token `text` was made.
    ///
    /// # Errors
    /// The end of a sentence that begins with the parameter's name, for a text that is not one of our tokens.
    pub fn decode<T: DeserializeOwned>(text: &str) -> Result<T, &'static str> {
        let json = URL_SAFE_NO_PAD.decode(text).ok();
        let content: Option<TokenContent<T>> =
            json.and_then(|json| serde_json::from_slice(&json).ok());
        content
            .map(|content| content.after)
            .ok_or("must be the next_token of an earlier response, unchanged")
    }

    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(feature = "schema")]
impl utoipa::PartialSchema for NextToken {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::Type::String)
            .description(Some(
                "Opaque: where the next page begins. Send it back unchanged.",
            ))
            .min_length(Some(1))
            .pattern(Some("^[A-Za-z0-9_-]+$"))
            .examples([serde_json::Value::from("eyJhZnRlciI6Imluc3RhbmNlLTAwMiJ9")])
            .into()
    }
}

#[cfg(feature = "schema")]
impl utoipa::ToSchema for NextToken {}

#[cfg(test)]
mod tests {
    use fleet_core::{inventory::InstanceId, scaling::DimensionId};

    use super::*;

    #[test]
    fn a_token_names_its_id_and_needs_no_escaping_in_a_url() {
        for text in ["i-1", "..", "a?b&c=d+e", "服务器", &"𝕏".repeat(255)] {
            let id = InstanceId::parse(text).unwrap();
            let token = NextToken::after(&id);
            assert!(
                token
                    .as_str()
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'),
                "{token:?}"
            );
            assert_eq!(NextToken::decode(token.as_str()), Ok(id));
        }
    }

    #[test]
    fn other_texts_are_refused() {
        let base64 = |text: &str| URL_SAFE_NO_PAD.encode(text);
        for text in [
            "",
            "x",
            "i-1",
            "====",
            &base64("i-1"),
            &base64(r#"{"after":""}"#),
            &base64(r#"{"after":"a/b"}"#),
            &base64(r#"{"after":"a","b":1}"#),
            &base64("{}"),
        ] {
            assert!(NextToken::decode::<DimensionId>(text).is_err(), "{text:?}");
        }
    }
}
