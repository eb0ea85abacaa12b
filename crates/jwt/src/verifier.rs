//! From an `authorization` header to the owner of its token.

use std::{fmt, sync::Arc, time::SystemTime};

use crate::{
    claims::Claims,
    error::{KeysError, TokenRefusal, VerifyError},
    fetch::Fetcher,
    keys::{Clock, IssuerKeys},
    settings::IssuerSettings,
    token::Token,
};

/// The owner of a token: its `sub`, or else its `client_id`, or nothing if the token has neither.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal(Option<String>);

impl Principal {
    /// The name, as the issuer gives it.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

/// Verifies tokens of one issuer. It caches the issuer's keys, so a process should have only one.
pub struct TokenVerifier {
    settings: IssuerSettings,
    keys: IssuerKeys,
    clock: Clock,
}

impl TokenVerifier {
    /// A verifier for an issuer, which is not contacted yet.
    ///
    /// # Errors
    /// [`KeysError`] if no TLS client can be built.
    pub fn new(settings: IssuerSettings) -> Result<Self, KeysError> {
        Self::with_clock(settings, Arc::new(SystemTime::now))
    }

    pub(crate) fn with_clock(settings: IssuerSettings, clock: Clock) -> Result<Self, KeysError> {
        let keys = IssuerKeys::new(settings.issuer.clone(), Fetcher::new()?, Arc::clone(&clock));
        Ok(Self {
            settings,
            keys,
            clock,
        })
    }

    /// Fetches the keys before a token needs them.
    ///
    /// # Errors
    /// [`KeysError`]; the first token tries again.
    pub async fn prefetch(&self) -> Result<(), KeysError> {
        self.keys.prefetch().await
    }

    /// Verifies the value of the `authorization` header.
    ///
    /// # Errors
    /// [`VerifyError`]: the rule that the token breaks, or why there are no keys.
    pub async fn verify(&self, authorization: Option<&str>) -> Result<Principal, VerifyError> {
        let token = Token::of_authorization(authorization)?;
        let is_signed = self
            .keys
            .with_key(token.key_id.as_deref(), token.algorithm, |key| {
                key.verifies(token.algorithm, token.signed, token.signature)
            })
            .await?;
        if !is_signed {
            return Err(TokenRefusal::Signature.into());
        }
        let claims = Claims::read(&token.claims)?;
        claims.check(&self.settings, (self.clock)())?;
        Ok(Principal(claims.principal()))
    }
}

impl fmt::Debug for TokenVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
