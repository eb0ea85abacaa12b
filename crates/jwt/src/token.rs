//! The parts of a token: JSON Web Signature in its compact form (RFC 7515, section 7.1).

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::Algorithm;
use serde::Deserialize;
use serde_json::Value;

use crate::{error::TokenRefusal, key, limits};

/// A parsed token that has not been verified yet.
pub(crate) struct Token<'a> {
    pub(crate) algorithm: Algorithm,
    /// The id of the issuer's key that signed it.
    pub(crate) key_id: Option<String>,
    /// The signed text: header and claims as they were sent.
    pub(crate) signed: &'a str,
    /// The signature in base64url.
    pub(crate) signature: &'a str,
    /// The claims as JSON.
    pub(crate) claims: Vec<u8>,
}

/// The header's members that matter here (RFC 7515, section 4.1). A duplicate member is an error.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
}

impl<'a> Token<'a> {
    /// Parses the value of the `authorization` header: `Bearer` and a token (RFC 6750, section 2.1).
    pub(crate) fn of_authorization(value: Option<&'a str>) -> Result<Self, TokenRefusal> {
        let value = value.unwrap_or_default();
        if value.len() > limits::AUTHORIZATION_BYTES {
            return Err(TokenRefusal::TooLong);
        }
        if value.trim().is_empty() {
            return Err(TokenRefusal::Missing);
        }
        // The scheme's name is not case-sensitive (RFC 9110, section 11.1).
        let (scheme, token) = value.split_once(' ').ok_or(TokenRefusal::NotBearer)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(TokenRefusal::NotBearer);
        }
        Self::read(token.trim_matches(' '))
    }

    fn read(text: &'a str) -> Result<Self, TokenRefusal> {
        let (signed, signature) = text.rsplit_once('.').ok_or(TokenRefusal::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(TokenRefusal::Malformed)?;
        let decode = |part: &str| {
            BASE64_URL_SAFE_NO_PAD
                .decode(part)
                .map_err(|_| TokenRefusal::Malformed)
        };
        let header: Header =
            serde_json::from_slice(&decode(header)?).map_err(|_| TokenRefusal::Malformed)?;
        let algorithm = key::algorithm(&header.alg).ok_or(TokenRefusal::Algorithm)?;
        if header.crit.is_some() {
            return Err(TokenRefusal::Critical);
        }
        // A token that no key could verify is rejected before keys are fetched.
        decode(signature)?;
        Ok(Self {
            algorithm,
            key_id: header.kid,
            signed,
            signature,
            claims: decode(claims)?,
        })
    }
}
