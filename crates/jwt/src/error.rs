//! Why a token is rejected.
//!
//! [`TokenRefusal`] is the caller's fault and becomes a 401; [`KeysError`] is the issuer's or the network's, and also
//! keeps callers out.

use std::error::Error;

use thiserror::Error as ThisError;

/// Why a token is rejected, or could not be verified.
#[derive(Debug, ThisError)]
pub enum VerifyError {
    /// The caller must send another token.
    #[error(transparent)]
    Refused(#[from] TokenRefusal),
    /// There are no keys to verify it with.
    #[error(transparent)]
    Keys(#[from] KeysError),
}

/// The rule that a token breaks. The message is for the log and contains nothing of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ThisError)]
pub enum TokenRefusal {
    /// No header, or an empty one.
    #[error("no authorization header")]
    Missing,
    /// A scheme other than `Bearer`.
    #[error("the authorization header is not Bearer with a token")]
    NotBearer,
    /// Longer than [`crate::limits::AUTHORIZATION_BYTES`].
    #[error("the authorization header is longer than 8192 bytes")]
    TooLong,
    /// Not three parts of base64url, or not JSON in the first two.
    #[error("the token is not a signed JWT that can be read")]
    Malformed,
    /// `alg` is not one of the accepted algorithms.
    #[error("the token's alg is not one of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384")]
    Algorithm,
    /// `crit` names an extension; none is supported (RFC 7515, section 4.1.11).
    #[error("the token's header has crit, which names extensions that must be understood")]
    Critical,
    /// The issuer has no key with this `kid` for this `alg`.
    #[error("no key of the issuer has the token's kid and alg")]
    UnknownKey,
    /// The signature was not made with that key.
    #[error("the token's signature does not match")]
    Signature,
    /// A required claim is missing.
    #[error("the token has no {0}")]
    NoClaim(&'static str),
    /// `iss` is another issuer.
    #[error("the token's iss is not the configured issuer")]
    Issuer,
    /// Neither `aud` nor, in an access token of Cognito, `client_id` is one of the audiences.
    #[error("the token is for another audience")]
    Audience,
    /// Cognito's `token_use` is neither `access` nor `id`.
    #[error("the token's token_use is neither access nor id")]
    Use,
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// `nbf` is in the future.
    #[error("the token is not valid yet (nbf)")]
    NotYet,
}

/// Why the issuer's keys are not available. The message is for the log.
#[derive(Clone, Debug, ThisError)]
pub enum KeysError {
    /// The issuer does not respond, or not in time.
    #[error("the issuer's {what} cannot be fetched: {reason}")]
    Fetch {
        /// What was requested: its configuration or its keys.
        what: &'static str,
        /// The reason.
        reason: String,
    },
    /// The issuer's response is invalid.
    #[error("the issuer's {what} cannot be used: {reason}")]
    Answer {
        /// What was requested.
        what: &'static str,
        /// What is wrong with the response.
        reason: &'static str,
    },
}

/// An error with its causes, on one line.
pub(crate) fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text
}
