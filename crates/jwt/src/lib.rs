//! Verifies the JSON Web Tokens (RFC 7519) of one OpenID Connect issuer, as the authorizer and the local server require them.
//!
//! A [`TokenVerifier`] takes the value of the header `authorization`. The issuer's keys are found by OpenID Connect Discovery and
//! kept, within limits of time and size ([`limits`]). Keys and signatures are `jsonwebtoken`'s, over AWS-LC, which the TLS client
//! brings anyway. Only asymmetric signatures are accepted: RSA and ECDSA over SHA-2, by a list. A key is for the algorithms of its
//! own kind alone, so an HMAC with a public key as its secret finds no key either. The claims are checked here, by a clock that
//! tests can set, since Cognito's access tokens have no `aud`.

mod claims;
mod error;
mod fetch;
mod key;
mod keys;
pub mod limits;
mod settings;
mod token;
mod verifier;

pub use error::{KeysError, TokenRefusal, VerifyError};
pub use settings::{Audiences, IssuerSettings, IssuerSettingsError, IssuerUrl};
pub use verifier::{Principal, TokenVerifier};

#[cfg(test)]
mod tests;
