//! Keeps web pages out: a page in the browser of whoever runs the server can send requests to a loopback address too.
//!
//! - A page can send a "simple" request without a preflight, but not one with an `Authorization` header:
//!   <https://fetch.spec.whatwg.org/#cors-safelisted-request-header>. AWS asks for a signature, so every SDK sends one.
//! - A page can have its own name resolve to a loopback address (DNS rebinding) and then is of the same origin, but
//!   its requests still carry that name as `Host`.

use std::net::{IpAddr, Ipv6Addr};

use http::{HeaderMap, HeaderValue, Request, StatusCode, header, uri::Authority};
use serde_json::json;

use crate::respond::{self, Answer};

/// What the header of a signed request begins with: `AWS4-HMAC-SHA256` or `AWS4-ECDSA-P256-SHA256`. Other schemes do
/// not count, since a browser adds `Basic` by itself.
const SIGNATURE_SCHEMES: &str = "AWS4-";
/// Domains that the public DNS never answers for, so that nobody can rebind a name in them: `localhost` by RFC 6761,
/// and `internal` by ICANN's decision of 2024. A container finds this machine as `host.docker.internal` or
/// `host.containers.internal`.
const PRIVATE_DOMAINS: [&str; 2] = [".localhost", ".internal"];

/// The refusal of a request that names a host which a web page could have chosen.
pub(crate) fn host<B>(request: &Request<B>) -> Option<Answer> {
    let mut named = request.headers().get_all(header::HOST).iter().peekable();
    let by_header = named.peek().is_some() && named.all(is_local_header);
    if by_header && request.uri().authority().is_none_or(is_local) {
        return None;
    }
    let message = "The Host of a request to the local AWS endpoints must be an IP address, localhost, a name without dots \
                   or a name that ends with .internal.";
    Some(respond::error(
        StatusCode::FORBIDDEN,
        "application/json",
        "AccessDeniedException",
        message,
    ))
}

/// The refusal, in AWS's words, of a request without a signature. The signature itself is not verified.
pub(crate) fn signature(headers: &HeaderMap, content_type: &'static str) -> Option<Answer> {
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

fn is_local_header(value: &HeaderValue) -> bool {
    value
        .to_str()
        .ok()
        .and_then(|text| text.parse().ok())
        .is_some_and(|authority| is_local(&authority))
}

fn is_local(authority: &Authority) -> bool {
    let host = authority.host();
    // Nothing but a port beside it: neither a user before it nor a name after a bracket.
    if !authority
        .as_str()
        .strip_prefix(host)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
    {
        return false;
    }
    if let Some(address) = host.strip_prefix('[') {
        return address
            .strip_suffix(']')
            .is_some_and(|address| address.parse::<Ipv6Addr>().is_ok());
    }
    let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    !name.is_empty()
        && (name.parse::<IpAddr>().is_ok()
            || !name.contains('.')
            || PRIVATE_DOMAINS.iter().any(|domain| name.ends_with(domain)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(hosts: &[&str]) -> bool {
        let mut request = Request::builder().uri("/Execute");
        for name in hosts {
            request = request.header(header::HOST, *name);
        }
        host(&request.body(()).unwrap()).is_none()
    }

    #[test]
    fn addresses_and_names_that_no_public_dns_answers_for_are_local() {
        for name in [
            "127.0.0.1:4566",
            "172.17.0.1",
            "[::1]:4566",
            "localhost:4566",
            "LOCALHOST",
            "fleet.localhost",
            "fleet:4566",
            "host.docker.internal:4566",
            "host.containers.internal",
            "host.docker.internal.",
        ] {
            assert!(named(&[name]), "{name}");
        }
    }

    #[test]
    fn names_that_anybody_may_own_are_refused() {
        for name in [
            "evil.example:4566",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "internal.evil.example",
            "host.docker.internal.evil.example",
            "notlocalhost.example",
            "[::1].evil.example",
            "[evil.example]",
            "localhost@evil.example",
            ".",
            "",
        ] {
            assert!(!named(&[name]), "{name}");
        }
        assert!(!named(&[]));
        assert!(!named(&["localhost", "evil.example"]));
        let absolute = Request::builder()
            .uri("http://evil.example/Execute")
            .header(header::HOST, "localhost");
        assert!(host(&absolute.body(()).unwrap()).is_some());
    }

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
