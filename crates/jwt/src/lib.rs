//! Verifies the JSON Web Tokens (RFC 7519) of one OpenID Connect issuer, as the authorizer and the local server require them.
//!
//! A [`Verifier`] takes the value of the header `authorization`. The issuer's keys are found by OpenID Connect Discovery and
//! kept, within limits of time and size ([`limits`]). Only asymmetric signatures exist here: RSA and ECDSA over SHA-2. So
//! `none`, and an HMAC with a public key as its secret, are not refused by a rule that could be forgotten; nothing here could
//! verify them.
//!
//! The cryptography is AWS-LC's, which the TLS client brings anyway.

mod claims;
mod error;
mod fetch;
mod key;
mod keys;
pub mod limits;
mod settings;
mod token;
mod verifier;

pub use error::{KeysError, Refusal, VerifyError};
pub use settings::{Audiences, IssuerSettings, IssuerUrl, SettingsError};
pub use verifier::{Principal, Verifier};

#[cfg(test)]
mod tests;
