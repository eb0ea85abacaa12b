//! A request's signature fields, from the `Authorization` header or the query string.

use std::{borrow::Cow, time::Duration};

use http::{HeaderMap, HeaderName, Uri, header::AUTHORIZATION, request::Parts};

use super::super::denial::Denial;

pub(super) const DATE: HeaderName = HeaderName::from_static("x-amz-date");
pub(super) const TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// The longest validity of a signature in a query string, in seconds: a week, the limit that AWS documents
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>).
const LONGEST: u64 = 7 * 24 * 60 * 60;
/// The parameters of a signature in a query string. Only the last one is never signed; the one before it is optional.
const PARAMETERS: [&str; 7] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-SignedHeaders",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
];

/// A signature and what it claims to sign.
#[derive(Debug)]
pub(super) struct SignatureFields {
    /// The access key, the day, the region, the service and `aws4_request`.
    pub(super) scope: [String; 5],
    /// The names of the signed headers, separated by semicolons.
    pub(super) signed: String,
    pub(super) signature: String,
    pub(super) time: String,
    /// The session token; empty without one.
    pub(super) token: String,
    /// How long it is valid; only set for a query string.
    pub(super) valid_for: Option<Duration>,
}

impl SignatureFields {
    /// Reads the fields from a request.
    pub(super) fn of(parts: &Parts) -> Result<Self, Denial> {
        if parts.headers.contains_key(AUTHORIZATION) {
            return Self::of_headers(&parts.headers);
        }
        let query = parts.uri.query().unwrap_or_default();
        if parameters(query).any(|(name, _)| name == "X-Amz-Signature") {
            return Self::of_query(query);
        }
        Err(Denial::NoSignature)
    }

    fn of_headers(headers: &HeaderMap) -> Result<Self, Denial> {
        let unreadable = || Denial::Signature("the authorization is not a SigV4 one");
        let authorization = single(headers, &AUTHORIZATION).ok_or_else(unreadable)?;
        let [credential, signed, signature] = fields(authorization).ok_or_else(unreadable)?;
        let time = single(headers, &DATE).ok_or(Denial::Signature("x-amz-date is missing"))?;
        let token = match headers.contains_key(TOKEN) {
            true => single(headers, &TOKEN)
                .ok_or(Denial::UnknownCaller("the session token is not known"))?,
            false => "",
        };
        Ok(Self {
            scope: scope(credential).ok_or_else(unreadable)?,
            signed: signed.to_owned(),
            signature: signature.to_owned(),
            time: time.to_owned(),
            token: token.to_owned(),
            valid_for: None,
        })
    }

    fn of_query(query: &str) -> Result<Self, Denial> {
        let of = |wanted: &str| {
            let mut found = parameters(query).filter(|(name, _)| name == wanted);
            match (found.next(), found.next()) {
                (Some((_, value)), None) => Ok(value.into_owned()),
                _ => Err(Denial::Signature(
                    "a parameter of the signature is missing or repeated",
                )),
            }
        };
        if of("X-Amz-Algorithm")? != ALGORITHM {
            return Err(Denial::Signature("the algorithm is not AWS4-HMAC-SHA256"));
        }
        let seconds = of("X-Amz-Expires")?.parse::<u64>().ok();
        let seconds = seconds
            .filter(|seconds| (1..=LONGEST).contains(seconds))
            .ok_or(Denial::Signature(
                "X-Amz-Expires is not between 1 and 604800",
            ))?;
        let has_token = parameters(query).any(|(name, _)| name == "X-Amz-Security-Token");
        let token = has_token.then(|| of("X-Amz-Security-Token")).transpose()?;
        let credential = of("X-Amz-Credential")?;
        Ok(Self {
            scope: scope(&credential)
                .ok_or(Denial::Signature("the credential does not have five parts"))?,
            signed: of("X-Amz-SignedHeaders")?,
            signature: of("X-Amz-Signature")?,
            time: of("X-Amz-Date")?,
            token: token.unwrap_or_default(),
            valid_for: Some(Duration::from_secs(seconds)),
        })
    }
}

/// The URI without the parameters of a signature.
pub(super) fn without_signature(uri: &Uri) -> String {
    let kept: Vec<_> = uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|parameter| {
            let name = parameter.split('=').next().unwrap_or_default();
            !parameter.is_empty() && !PARAMETERS.contains(&name)
        })
        .collect();
    if kept.is_empty() {
        uri.path().to_owned()
    } else {
        format!("{}?{}", uri.path(), kept.join("&"))
    }
}

fn parameters(query: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    form_urlencoded::parse(query.as_bytes())
}

/// The credential, signed headers and signature of an `Authorization` header.
fn fields(text: &str) -> Option<[&str; 3]> {
    let fields = text.strip_prefix(ALGORITHM)?.strip_prefix(' ')?;
    let (mut credential, mut signed, mut signature) = (None, None, None);
    for field in fields.split(',') {
        let (name, value) = field.trim().split_once('=')?;
        let known = match name {
            "Credential" => &mut credential,
            "SignedHeaders" => &mut signed,
            "Signature" => &mut signature,
            _ => return None,
        };
        if known.replace(value).is_some() {
            return None;
        }
    }
    Some([credential?, signed?, signature?])
}

fn scope(credential: &str) -> Option<[String; 5]> {
    let parts: Vec<String> = credential.split('/').map(str::to_owned).collect();
    parts.try_into().ok()
}

/// A header's value, if it was sent exactly once.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}
