//! API Gateway's authorizer for the routes that require a token, if the template's parameters name an issuer.
//!
//! It uses no store and needs no permission: an issuer's keys are public.

use fleet_http::{Authorizer, AuthorizerError};
use fleet_jwt::{IssuerSettings, KeysError, TokenVerifier, VerifyError};
use tracing::warn;

/// The authorizer for one issuer.
#[derive(Debug)]
pub struct JwtAuthorizer(TokenVerifier);

impl JwtAuthorizer {
    /// The authorizer, with the issuer's keys if it responds: Lambda gives a starting function a full core and ten
    /// seconds. Otherwise the first request fetches them.
    ///
    /// # Errors
    /// [`KeysError`] if no TLS client can be built.
    pub async fn new(settings: IssuerSettings) -> Result<Self, KeysError> {
        let verifier = TokenVerifier::new(settings)?;
        if let Err(error) = verifier.prefetch().await {
            warn!(function = Self::NAME, "starting without keys: {error}");
        }
        Ok(Self(verifier))
    }
}

impl Authorizer for JwtAuthorizer {
    const NAME: &'static str = "jwt-authorizer";

    async fn authorize(
        &self,
        authorization: Option<&str>,
    ) -> Result<Option<String>, AuthorizerError> {
        match self.0.verify(authorization).await {
            Ok(principal) => Ok(principal.name().map(str::to_owned)),
            Err(VerifyError::Refused(refusal)) => {
                Err(AuthorizerError::Unauthorized(refusal.into()))
            }
            Err(VerifyError::Keys(error)) => Err(AuthorizerError::Unavailable(error.into())),
        }
    }
}
