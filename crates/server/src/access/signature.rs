//! Verification of Signature Version 4: the SDK's own signer signs the request again with the same headers, time and
//! body, and both signatures are compared.
//!
//! The rules are those of
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>. The body's hash is
//! always computed: `UNSIGNED-PAYLOAD` is only for S3. A signature in the query string is accepted too, for as long
//! as it states; one in the header takes precedence.

mod statement;

use std::{
    borrow::Cow,
    time::{Duration, SystemTime},
};

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign},
    sign::v4,
};
use http::{HeaderName, header::HOST, request::Parts};
use subtle::ConstantTimeEq as _;
use time::{PrimitiveDateTime, format_description::BorrowedFormatItem, macros::format_description};

use self::statement::{DATE, SignatureFields, TOKEN};
use super::denial::Denial;

/// How far a signature's time may be from now, either way:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html>.
const SKEW: Duration = Duration::from_secs(5 * 60);
const SERVICE: &str = "execute-api";
const DATE_FORMAT: &[BorrowedFormatItem<'_>] =
    format_description!("[year][month][day]T[hour][minute][second]Z");

/// Verifies requests with the credentials that callers sign with.
pub(super) struct SignatureVerifier {
    credentials: Option<Credentials>,
    region: String,
    service: &'static str,
}

/// A signature of which everything but the body has been checked.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Claim {
    signed: Vec<HeaderName>,
    at: SystemTime,
    /// How long it is valid; only set for the query string.
    valid_for: Option<Duration>,
    signature: String,
}

impl SignatureVerifier {
    /// Without `credentials` every signature is rejected.
    pub(super) fn new(credentials: Option<Credentials>, region: String) -> Self {
        Self {
            credentials,
            region,
            service: SERVICE,
        }
    }

    /// The region that requests are signed for.
    pub(super) fn region(&self) -> &str {
        &self.region
    }

    /// Whether callers sign with a session token.
    pub(super) fn wants_token(&self) -> bool {
        let credentials = self.credentials.as_ref();
        credentials.is_some_and(|credentials| credentials.session_token().is_some())
    }

    /// Checks a request's signature as far as possible without the body: its credentials, scope and time.
    pub(super) fn parse_claim(&self, parts: &Parts, now: SystemTime) -> Result<Claim, Denial> {
        let SignatureFields {
            scope: [id, date, region, service, end],
            signed,
            signature,
            time,
            token,
            valid_for,
        } = SignatureFields::of(parts)?;
        if end != "aws4_request" || service != self.service {
            return Err(Denial::Signature("the credential is not for execute-api"));
        }
        if region != self.region {
            return Err(Denial::Signature("the credential is for another region"));
        }
        let at: SystemTime = PrimitiveDateTime::parse(&time, DATE_FORMAT)
            .map_err(|_| Denial::Signature("x-amz-date is not a time"))?
            .assume_utc()
            .into();
        if !time.starts_with(&date) || date.len() != 8 {
            return Err(Denial::Signature("the credential is for another day"));
        }
        let names = signed.split(';').map(str::parse::<HeaderName>);
        let signed: Vec<_> = names
            .collect::<Result<_, _>>()
            .map_err(|_| Denial::Signature("a signed header has no name"))?;
        if !signed.contains(&HOST) || (valid_for.is_none() && !signed.contains(&DATE)) {
            return Err(Denial::Signature("host and x-amz-date must be signed"));
        }
        // An unsigned token could have come from anybody.
        if parts.headers.contains_key(TOKEN) && !signed.contains(&TOKEN) {
            return Err(Denial::Signature("x-amz-security-token must be signed"));
        }
        let age = match now.duration_since(at) {
            Ok(age) => age <= valid_for.unwrap_or(SKEW),
            Err(ahead) => ahead.duration() <= SKEW,
        };
        if !age {
            return Err(Denial::Signature(match valid_for {
                None => "x-amz-date is more than 5 minutes away",
                Some(_) => "the signature is not valid yet, or no longer",
            }));
        }
        let credentials = self.credentials.as_ref();
        let known = credentials.ok_or(Denial::UnknownCaller(
            "no credentials are set to verify it with",
        ))?;
        if !equals_in_constant_time(&id, known.access_key_id()) {
            return Err(Denial::UnknownCaller("the access key is not known"));
        }
        if !equals_in_constant_time(&token, known.session_token().unwrap_or_default()) {
            return Err(Denial::UnknownCaller("the session token is not known"));
        }
        Ok(Claim {
            signed,
            at,
            valid_for,
            signature,
        })
    }

    /// Whether the signature matches the request.
    pub(super) fn confirm(&self, claim: &Claim, parts: &Parts, body: &[u8]) -> Result<(), Denial> {
        let unreadable = || Denial::Signature("a signed header is missing or not text");
        let mut headers = Vec::with_capacity(claim.signed.len());
        for name in &claim.signed {
            let before = headers.len();
            for value in parts.headers.get_all(name) {
                headers.push((name.as_str(), value.to_str().map_err(|_| unreadable())?));
            }
            if headers.len() == before {
                return Err(unreadable());
            }
        }
        let failed = || Denial::Signature("the request cannot be signed");
        let mut settings = SigningSettings::default();
        // Only what the client signed counts; the rest has been removed above.
        settings.excluded_headers = None;
        if claim.valid_for.is_some() {
            settings.signature_location = SignatureLocation::QueryParams;
            settings.expires_in = claim.valid_for;
        }
        let identity = self.credentials.clone().ok_or_else(failed)?.into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(self.service)
            .time(claim.at)
            .settings(settings)
            .build()
            .map_err(|_| failed())?
            .into();
        let address = match claim.valid_for {
            None => {
                let target = parts.uri.path_and_query();
                Cow::Borrowed(target.map_or("/", |target| target.as_str()))
            }
            // The signer adds the parameters again.
            Some(_) => Cow::Owned(statement::without_signature(&parts.uri)),
        };
        let request = SignableRequest::new(
            parts.method.as_str(),
            &*address,
            headers.into_iter(),
            SignableBody::Bytes(body),
        )
        .map_err(|_| failed())?;
        let (_, wanted) = sign(request, &parameters)
            .map_err(|_| failed())?
            .into_parts();
        if equals_in_constant_time(&claim.signature, &wanted) {
            Ok(())
        } else {
            Err(Denial::Signature("the signature does not match"))
        }
    }
}

/// Compares in constant time, so that the time does not reveal where two texts differ.
fn equals_in_constant_time(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

#[cfg(test)]
mod tests;
