//! Keeps web pages out, based on the host that a request names and on its signature.
//!
//! A page can send a "simple" request without a preflight, but not one with an `Authorization` header:
//! <https://fetch.spec.whatwg.org/#cors-safelisted-request-header>. AWS requires a signature, so every SDK sends one.

use fleet_edge::SiteRules;
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use serde_json::json;

use crate::respond::{self, ServiceResponse};

/// The prefixes of a signed request's header: `AWS4-HMAC-SHA256` or `AWS4-ECDSA-P256-SHA256`. Other schemes do
/// not count, since a browser adds `Basic` by itself.
const SIGNATURE_SCHEMES: &str = "AWS4-";
/// The refusal of a request whose host a web page could have chosen. Its `Origin` is not checked: the signature covers
/// that.
pub(crate) fn host<B>(request: &Request<B>) -> Option<ServiceResponse> {
    let foreign = SiteRules::default().check_host(request).err()?;
    Some(respond::error(
        StatusCode::FORBIDDEN,
        "application/json",
        "AccessDeniedException",
        &foreign.to_string(),
    ))
}

/// The refusal, in AWS's words, of a request without a signature. The signature itself is not verified.
pub(crate) fn signature(
    headers: &HeaderMap,
    content_type: &'static str,
) -> Option<ServiceResponse> {
    let is_signature =
        |value: &HeaderValue| value.as_bytes().starts_with(SIGNATURE_SCHEMES.as_bytes());
    if headers.get(header::AUTHORIZATION).is_some_and(is_signature) {
        return None;
    }
    let body = json!({"message": "Missing Authentication Token"}).to_string();
    let mut answer = respond::answer(StatusCode::FORBIDDEN, content_type, body);
    answer.headers_mut().insert(
        "x-amzn-errortype",
        HeaderValue::from_static("MissingAuthenticationTokenException"),
    );
    Some(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_aws_signature_is_a_signature() {
        for (value, is_one) in [
            (Some("AWS4-HMAC-SHA256 Credential=any"), true),
            (Some("AWS4-ECDSA-P256-SHA256 Credential=any"), true),
            (Some("Basic YTpi"), false),
            (Some(""), false),
            (None, false),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(value) = value {
                headers.insert(header::AUTHORIZATION, HeaderValue::from_static(value));
            }
            assert_eq!(
                signature(&headers, "application/json").is_none(),
                is_one,
                "{value:?}"
            );
        }
    }
}
