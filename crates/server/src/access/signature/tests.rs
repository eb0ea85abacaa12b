//! Requests and signatures that AWS publishes: its Signature Version 4 test suite, from `awslabs/aws-c-auth`.

use http::{HeaderValue, Request, header::AUTHORIZATION};

use super::*;

const AUTHORIZATION_OF: &str = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=";
/// 2015-08-30T12:36:00Z.
const AT: u64 = 1_440_938_160;

fn verifier() -> SignatureVerifier {
    let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    SignatureVerifier {
        credentials: Some(Credentials::new("AKIDEXAMPLE", secret, None, None, "test")),
        region: "us-east-1".to_owned(),
        service: "service",
    }
}

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn request(method: &str, target: &str, headers: &[(&'static str, &str)]) -> Parts {
    let mut request = Request::new(());
    *request.method_mut() = method.parse().unwrap();
    *request.uri_mut() = target.parse().unwrap();
    let all = [
        ("host", "example.amazonaws.com"),
        ("x-amz-date", "20150830T123600Z"),
    ];
    for (name, value) in all.iter().chain(headers) {
        request
            .headers_mut()
            .append(*name, HeaderValue::from_str(value).unwrap());
    }
    request.into_parts().0
}

fn signed(mut parts: Parts, signed: &str, signature: &str) -> Parts {
    let value = format!("{AUTHORIZATION_OF}{signed}, Signature={signature}");
    parts
        .headers
        .insert(AUTHORIZATION, HeaderValue::from_str(&value).unwrap());
    parts
}

/// The verifier's result for a request.
fn verified(parts: &Parts, body: &[u8]) -> Result<(), Denial> {
    let verifier = verifier();
    let claim = verifier.parse_claim(parts, at(AT))?;
    verifier.confirm(&claim, parts, body)
}

/// `get-vanilla` of the test suite.
fn vanilla() -> Parts {
    signed(
        request("GET", "/", &[]),
        "host;x-amz-date",
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    )
}

#[test]
fn the_signatures_of_the_test_suite_are_right() {
    let in_suite = [
        // get-vanilla
        (vanilla(), ""),
        // get-header-value-trim
        (
            signed(
                request(
                    "GET",
                    "/",
                    &[("my-header1", " value1"), ("my-header2", " \"a   b   c\"")],
                ),
                "host;my-header1;my-header2;x-amz-date",
                "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
            ),
            "",
        ),
        // post-x-www-form-urlencoded
        (
            signed(
                request(
                    "POST",
                    "/",
                    &[
                        ("content-type", "application/x-www-form-urlencoded"),
                        ("content-length", "13"),
                        (
                            "x-amz-content-sha256",
                            "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e",
                        ),
                    ],
                ),
                "content-length;content-type;host;x-amz-content-sha256;x-amz-date",
                "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b",
            ),
            "Param1=value1",
        ),
    ];
    for (parts, body) in in_suite {
        assert_eq!(verified(&parts, body.as_bytes()), Ok(()), "{parts:?}");
        let other = Err(Denial::Signature("the signature does not match"));
        assert_eq!(verified(&parts, b"another body"), other, "{parts:?}");
        let mut elsewhere = parts.clone();
        elsewhere.uri = "/elsewhere".parse().unwrap();
        assert_eq!(verified(&elsewhere, body.as_bytes()), other, "{parts:?}");
        let mut changed = parts.clone();
        changed.method = http::Method::PUT;
        assert_eq!(verified(&changed, body.as_bytes()), other, "{parts:?}");
    }
}

#[test]
fn a_time_may_be_five_minutes_away() {
    let verifier = verifier();
    let parts = vanilla();
    let claim = |seconds| verifier.parse_claim(&parts, at(seconds)).map(|_| ());
    for near in [AT - 300, AT, AT + 300] {
        assert_eq!(claim(near), Ok(()));
    }
    for far in [AT - 301, AT + 301] {
        assert_eq!(
            claim(far),
            Err(Denial::Signature("x-amz-date is more than 5 minutes away"))
        );
    }
}

#[test]
fn a_signature_that_says_something_else_is_refused_with_the_reason() {
    let change = |from: &str, to: &str| {
        let mut parts = vanilla();
        let text = parts.headers[AUTHORIZATION].to_str().unwrap();
        assert!(text.contains(from), "{from}");
        let text = text.replace(from, to);
        parts
            .headers
            .insert(AUTHORIZATION, HeaderValue::from_str(&text).unwrap());
        verified(&parts, b"").unwrap_err()
    };
    let unreadable = "the authorization is not a SigV4 one";
    for (from, to, reason) in [
        ("AWS4-HMAC-SHA256 ", "Bearer ", unreadable),
        ("AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA256", unreadable),
        ("Signature=", "Signature", unreadable),
        ("Signature=", "Signature=0, Signature=", unreadable),
        ("SignedHeaders", "Headers", unreadable),
        ("/aws4_request", "", unreadable),
        ("/service/", "/s3/", "the credential is not for execute-api"),
        (
            "aws4_request",
            "aws4",
            "the credential is not for execute-api",
        ),
        (
            "us-east-1",
            "eu-west-1",
            "the credential is for another region",
        ),
        (
            "/20150830/",
            "/20150831/",
            "the credential is for another day",
        ),
        ("/20150830/", "/2015/", "the credential is for another day"),
        (
            "host;x-amz-date",
            "x-amz-date",
            "host and x-amz-date must be signed",
        ),
        (
            "host;x-amz-date",
            "host",
            "host and x-amz-date must be signed",
        ),
        (
            "host;x-amz-date",
            "host;x amz date",
            "a signed header has no name",
        ),
        (
            "host;x-amz-date",
            "host;x-amz-date;x-other",
            "a signed header is missing or not text",
        ),
        ("5fa00f", "5FA00F", "the signature does not match"),
        ("5fa00f", "", "the signature does not match"),
    ] {
        assert_eq!(change(from, to), Denial::Signature(reason), "{from} {to}");
    }
    assert_eq!(
        change("AKIDEXAMPLE", "AKIDEXAMPLF"),
        Denial::UnknownCaller("the access key is not known")
    );
    let mut twice = vanilla();
    let value = twice.headers[AUTHORIZATION].clone();
    twice.headers.append(AUTHORIZATION, value);
    assert_eq!(
        verified(&twice, b"").unwrap_err(),
        Denial::Signature(unreadable)
    );
    let mut none = vanilla();
    none.headers.remove(AUTHORIZATION);
    assert_eq!(verified(&none, b"").unwrap_err(), Denial::NoSignature);
}

#[test]
fn a_session_token_belongs_to_the_credentials() {
    let mut verifier = verifier();
    let with_token = |token: &str, signed: &str| {
        let mut parts = vanilla();
        parts
            .headers
            .insert(TOKEN, HeaderValue::from_str(token).unwrap());
        let text = parts.headers[AUTHORIZATION].to_str().unwrap();
        let text = text.replace("x-amz-date", signed);
        parts
            .headers
            .insert(AUTHORIZATION, HeaderValue::from_str(&text).unwrap());
        parts
    };
    let unknown = Err(Denial::UnknownCaller("the session token is not known"));
    let claim = |verifier: &SignatureVerifier, parts: &Parts| {
        verifier.parse_claim(parts, at(AT)).map(|_| ())
    };
    let signed = "x-amz-date;x-amz-security-token";
    assert_eq!(claim(&verifier, &with_token("t", signed)), unknown);
    let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    let token = Some("token".to_owned());
    verifier.credentials = Some(Credentials::new("AKIDEXAMPLE", secret, token, None, "test"));
    assert_eq!(claim(&verifier, &with_token("token", signed)), Ok(()));
    assert_eq!(claim(&verifier, &with_token("tokem", signed)), unknown);
    assert_eq!(claim(&verifier, &vanilla()), unknown);
    assert_eq!(
        claim(&verifier, &with_token("token", "x-amz-date")),
        Err(Denial::Signature("x-amz-security-token must be signed"))
    );
}

#[test]
fn an_unsigned_payload_is_not_taken() {
    let parts = signed(
        request("GET", "/", &[("x-amz-content-sha256", "UNSIGNED-PAYLOAD")]),
        "host;x-amz-content-sha256;x-amz-date",
        "0000000000000000000000000000000000000000000000000000000000000000",
    );
    assert_eq!(
        verified(&parts, b""),
        Err(Denial::Signature("the signature does not match"))
    );
}

/// `get-vanilla`, `get-vanilla-query-order-encoded` and `post-vanilla-query` of the test suite, in their query form.
const PRESIGNED: [(&str, &str, &str); 3] = [
    (
        "GET",
        "/?",
        "e93c787ed7f371d5c6b165c1b38ede9550f4dce4144713e844b25b7192d3865d",
    ),
    (
        "GET",
        "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1&",
        "c5f1848ceec943ac2ca68ee720460c23aaae30a2300586597ada94c4a65e4787",
    ),
    (
        "POST",
        "/?Param1=value1&",
        "a9ef26247f293bffe40eeff86a0480ba8c14d31503b2e0c3399e3a16bf1a3682",
    ),
];
const IN_QUERY: &str = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20150830%2Fus-east-1%2Fservice%2Faws4_request&X-Amz-Date=20150830T123600Z&X-Amz-SignedHeaders=host&X-Amz-Expires=3600";

fn presigned(method: &str, before: &str, in_query: &str, signature: &str) -> Parts {
    let target = format!("{before}{in_query}&X-Amz-Signature={signature}");
    let mut parts = request(method, &target, &[]);
    parts.headers.remove(DATE);
    parts
}

#[test]
fn a_signature_in_the_query_string_is_taken() {
    for (method, before, signature) in PRESIGNED {
        let parts = presigned(method, before, IN_QUERY, signature);
        assert_eq!(verified(&parts, b""), Ok(()), "{before}");
        let other = Err(Denial::Signature("the signature does not match"));
        assert_eq!(verified(&parts, b"a body"), other);
        let changed = presigned(method, &format!("{before}more=1&"), IN_QUERY, signature);
        assert_eq!(verified(&changed, b""), other);
        let elsewhere = before.replace("/?", "/elsewhere?");
        let changed = presigned(method, &elsewhere, IN_QUERY, signature);
        assert_eq!(verified(&changed, b""), other);
    }
}

#[test]
fn a_signature_in_the_query_string_holds_as_long_as_it_says() {
    let verifier = verifier();
    let (method, before, signature) = PRESIGNED[0];
    let parts = presigned(method, before, IN_QUERY, signature);
    let claim = |seconds| verifier.parse_claim(&parts, at(seconds)).map(|_| ());
    for in_time in [AT - 300, AT, AT + 3_600] {
        assert_eq!(claim(in_time), Ok(()));
    }
    let over = Err(Denial::Signature(
        "the signature is not valid yet, or no longer",
    ));
    for not_in_time in [AT - 301, AT + 3_601] {
        assert_eq!(claim(not_in_time), over);
    }
}

#[test]
fn a_query_string_that_says_something_else_is_refused_with_the_reason() {
    let (method, before, signature) = PRESIGNED[0];
    let expires = "X-Amz-Expires is not between 1 and 604800";
    let parameter = "a parameter of the signature is missing or repeated";
    for (from, to, reason) in [
        (
            "Expires=3600",
            "Expires=7200",
            "the signature does not match",
        ),
        ("Expires=3600", "Expires=0", expires),
        ("Expires=3600", "Expires=604801", expires),
        ("Expires=3600", "Expires=x", expires),
        ("&X-Amz-Expires=3600", "", parameter),
        ("Expires=3600", "Expires=3600&X-Amz-Expires=3600", parameter),
        (
            "HMAC-SHA256",
            "HMAC-SHA1",
            "the algorithm is not AWS4-HMAC-SHA256",
        ),
        (
            "%2Faws4_request",
            "",
            "the credential does not have five parts",
        ),
        (
            "SignedHeaders=host",
            "SignedHeaders=accept",
            "host and x-amz-date must be signed",
        ),
    ] {
        assert!(IN_QUERY.contains(from), "{from}");
        let parts = presigned(method, before, &IN_QUERY.replace(from, to), signature);
        assert_eq!(
            verified(&parts, b""),
            Err(Denial::Signature(reason)),
            "{from} {to}"
        );
    }
    let mut token = verifier();
    let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    // `get-vanilla-with-session-token`.
    let suite = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267";
    token.credentials = Some(Credentials::new(
        "AKIDEXAMPLE",
        secret,
        Some(suite.to_owned()),
        None,
        "test",
    ));
    let with = |shown: &str| {
        let in_query = format!("{IN_QUERY}&X-Amz-Security-Token={shown}");
        let signature = "7ff2b50b376cb4d151970630573d6291dc128cc5c2a12ffb237f73cc53f67b6c";
        let parts = presigned(method, before, &in_query, signature);
        let claim = token.parse_claim(&parts, at(AT))?;
        token.confirm(&claim, &parts, b"")
    };
    assert_eq!(with(suite), Ok(()));
    let unknown = Err(Denial::UnknownCaller("the session token is not known"));
    assert_eq!(with("another"), unknown);
}
