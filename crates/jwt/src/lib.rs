//! Verifies the JSON Web Tokens (RFC 7519) of one OpenID Connect issuer, for the authorizer and the local server.
//!
//! A [`TokenVerifier`] takes the value of the `authorization` header. The issuer's keys are found by OpenID Connect
//! Discovery and cached, within limits of time and size ([`limits`]). Keys and signatures are handled by
//! `jsonwebtoken` over AWS-LC, which the TLS client needs anyway. Only an explicit list of asymmetric signatures is
//! accepted: RSA and ECDSA over SHA-2. A key is only used with the algorithms of its own kind, so an HMAC with a
//! public key as its secret finds no key either. The claims are checked here, with a clock that tests can set, since
//! Cognito's access tokens have no `aud`.

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
