//! The checks of a token's claims (RFC 7519, section 4.1).

use std::time::{SystemTime, UNIX_EPOCH};

use serde::Deserialize;

use crate::{
    error::TokenRefusal,
    limits::CLOCK_SKEW,
    settings::{Audiences, IssuerSettings},
};

/// The claims that matter here. A duplicate claim, or one of another type, makes the token malformed.
#[derive(Deserialize)]
pub(crate) struct Claims {
    iss: Option<String>,
    sub: Option<String>,
    aud: Option<OneOrMany>,
    /// Seconds since 1970, possibly with a fraction.
    exp: Option<f64>,
    nbf: Option<f64>,
    /// RFC 8693, section 4.3; Cognito's access tokens have it instead of `aud`.
    client_id: Option<String>,
    /// Cognito's: `access` or `id`.
    token_use: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl Claims {
    pub(crate) fn read(text: &[u8]) -> Result<Self, TokenRefusal> {
        serde_json::from_slice(text).map_err(|_| TokenRefusal::Malformed)
    }

    /// Checks the claims against the settings and the time.
    pub(crate) fn check(
        &self,
        settings: &IssuerSettings,
        now: SystemTime,
    ) -> Result<(), TokenRefusal> {
        let issuer = self.iss.as_deref().ok_or(TokenRefusal::NoClaim("iss"))?;
        if issuer != settings.issuer.as_str() {
            return Err(TokenRefusal::Issuer);
        }
        self.check_audience(&settings.audiences)?;
        let now = now
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs_f64();
        let skew = CLOCK_SKEW.as_secs_f64();
        let expires = self.exp.ok_or(TokenRefusal::NoClaim("exp"))?;
        if now >= expires + skew {
            return Err(TokenRefusal::Expired);
        }
        if self.nbf.is_some_and(|begins| now + skew < begins) {
            return Err(TokenRefusal::NotYet);
        }
        Ok(())
    }

    /// <https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-verifying-a-jwt.html>:
    /// an access token of Cognito has the client's id in `client_id`, an id token in `aud`.
    fn check_audience(&self, audiences: &Audiences) -> Result<(), TokenRefusal> {
        let is_access = match self.token_use.as_deref() {
            None | Some("id") => false,
            Some("access") => true,
            Some(_) => return Err(TokenRefusal::Use),
        };
        let includes = match (&self.aud, &self.client_id) {
            (Some(OneOrMany::One(audience)), _) => audiences.include(audience),
            (Some(OneOrMany::Many(all)), _) => all.iter().any(|one| audiences.include(one)),
            (None, Some(client)) if is_access => audiences.include(client),
            (None, _) => return Err(TokenRefusal::NoClaim("aud")),
        };
        includes.then_some(()).ok_or(TokenRefusal::Audience)
    }

    /// The owner of the token: the subject, or else the client acting for itself.
    pub(crate) fn principal(self) -> Option<String> {
        self.sub.or(self.client_id)
    }
}
