//! Signature Version 4, verified: the request is signed again with the same headers, time and body by the SDK's own
//! signer, and both signatures are compared.
//!
//! The rules are those of
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>. The hash of the body is
//! always the body's: `UNSIGNED-PAYLOAD` is for S3 alone there. A signature in the query string is not taken.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use http::{
    HeaderMap, HeaderName,
    header::{AUTHORIZATION, HOST},
    request::Parts,
};
use subtle::ConstantTimeEq as _;
use time::{PrimitiveDateTime, format_description::BorrowedFormatItem, macros::format_description};

use super::denial::Denial;

/// How far a signature's time may be from now, either way:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html>.
const SKEW: Duration = Duration::from_secs(5 * 60);
const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const SERVICE: &str = "execute-api";
const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
const DATE_FORMAT: &[BorrowedFormatItem<'_>] =
    format_description!("[year][month][day]T[hour][minute][second]Z");

/// Verifies requests by the credentials that callers sign with.
pub(super) struct Verifier {
    credentials: Option<Credentials>,
    region: String,
    service: &'static str,
}

/// A signature that may be right: all but the body has been looked at.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Claim {
    signed: Vec<HeaderName>,
    at: SystemTime,
    signature: String,
}

impl Verifier {
    /// Without `credentials` every signature is refused.
    pub(super) fn new(credentials: Option<Credentials>, region: String) -> Self {
        Self {
            credentials,
            region,
            service: SERVICE,
        }
    }

    /// Looks at what a request says of its signature: whose it is, for what, and from when. Nothing of the body is
    /// needed yet.
    pub(super) fn claim(&self, headers: &HeaderMap, now: SystemTime) -> Result<Claim, Denial> {
        let mut sent = headers.get_all(AUTHORIZATION).iter();
        let authorization = match (sent.next(), sent.next()) {
            (None, _) => return Err(Denial::NoSignature),
            (Some(one), None) => one.to_str().ok(),
            _ => None,
        };
        let parsed = authorization.and_then(Authorization::parse);
        let parsed = parsed.ok_or(Denial::Signature("the authorization is not a SigV4 one"))?;
        let [id, date, region, service, end] = parsed.scope;
        if end != "aws4_request" || service != self.service {
            return Err(Denial::Signature("the credential is not for execute-api"));
        }
        if region != self.region {
            return Err(Denial::Signature("the credential is for another region"));
        }
        let text = single(headers, &DATE).ok_or(Denial::Signature("x-amz-date is missing"))?;
        let at: SystemTime = PrimitiveDateTime::parse(text, DATE_FORMAT)
            .map_err(|_| Denial::Signature("x-amz-date is not a time"))?
            .assume_utc()
            .into();
        if !text.starts_with(date) || date.len() != 8 {
            return Err(Denial::Signature("the credential is of another day"));
        }
        let names = parsed.signed.split(';').map(str::parse::<HeaderName>);
        let signed: Vec<_> = names
            .collect::<Result<_, _>>()
            .map_err(|_| Denial::Signature("a signed header has no name"))?;
        if !signed.contains(&HOST) || !signed.contains(&DATE) {
            return Err(Denial::Signature("host and x-amz-date must be signed"));
        }
        // What is not signed could have come from anybody.
        if headers.contains_key(TOKEN) && !signed.contains(&TOKEN) {
            return Err(Denial::Signature("x-amz-security-token must be signed"));
        }
        let skew = now
            .duration_since(at)
            .unwrap_or_else(|ahead| ahead.duration());
        if skew > SKEW {
            return Err(Denial::Signature("x-amz-date is more than 5 minutes away"));
        }
        let credentials = self.credentials.as_ref();
        let known =
            credentials.ok_or(Denial::UnknownCaller("no credentials to verify by are set"))?;
        if !same(id, known.access_key_id()) {
            return Err(Denial::UnknownCaller("the access key is not known"));
        }
        let token = match headers.contains_key(TOKEN) {
            true => single(headers, &TOKEN),
            false => Some(""),
        };
        let wanted = known.session_token().unwrap_or_default();
        if !token.is_some_and(|token| same(token, wanted)) {
            return Err(Denial::UnknownCaller("the session token is not known"));
        }
        Ok(Claim {
            signed,
            at,
            signature: parsed.signature.to_owned(),
        })
    }

    /// Whether the signature is the request's.
    pub(super) fn confirm(&self, claim: &Claim, parts: &Parts, body: &[u8]) -> Result<(), Denial> {
        let unreadable = Denial::Signature("a signed header is missing or not text");
        let mut headers = Vec::with_capacity(claim.signed.len());
        for name in &claim.signed {
            let before = headers.len();
            for value in parts.headers.get_all(name) {
                headers.push((name.as_str(), value.to_str().map_err(|_| unreadable)?));
            }
            if headers.len() == before {
                return Err(unreadable);
            }
        }
        let failed = Denial::Signature("the request cannot be signed");
        let mut settings = SigningSettings::default();
        // What the client signed counts, the rest has been left out above.
        settings.excluded_headers = None;
        let identity = self.credentials.clone().ok_or(failed)?.into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(self.service)
            .time(claim.at)
            .settings(settings)
            .build()
            .map_err(|_| failed)?
            .into();
        let address = parts
            .uri
            .path_and_query()
            .map_or("/", |target| target.as_str());
        let request = SignableRequest::new(
            parts.method.as_str(),
            address,
            headers.into_iter(),
            SignableBody::Bytes(body),
        )
        .map_err(|_| failed)?;
        let (_, wanted) = sign(request, &parameters).map_err(|_| failed)?.into_parts();
        if same(&claim.signature, &wanted) {
            Ok(())
        } else {
            Err(Denial::Signature("the signature does not match"))
        }
    }
}

/// The parts of an `Authorization` header.
struct Authorization<'a> {
    scope: [&'a str; 5],
    signed: &'a str,
    signature: &'a str,
}

impl<'a> Authorization<'a> {
    fn parse(text: &'a str) -> Option<Self> {
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
        Some(Self {
            scope: credential?.split('/').collect::<Vec<_>>().try_into().ok()?,
            signed: signed?,
            signature: signature?,
        })
    }
}

/// A header's value, where it was sent once.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

/// Compares without telling by its time where two texts differ.
fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

#[cfg(test)]
mod tests;
