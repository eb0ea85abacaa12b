//! What a token must claim (RFC 7519, section 4.1).

use std::time::{SystemTime, UNIX_EPOCH};

use serde::Deserialize;

use crate::{
    error::TokenRefusal,
    limits::CLOCK_SKEW,
    settings::{Audiences, IssuerSettings},
};

/// The claims that matter here. A claim twice, or of another type, makes the token one that cannot be read.
#[derive(Deserialize)]
pub(crate) struct Claims {
    iss: Option<String>,
    sub: Option<String>,
    aud: Option<OneOrMany>,
    /// Seconds since 1970, which may have a fraction.
    exp: Option<f64>,
    nbf: Option<f64>,
    /// RFC 8693, section 4.3; Cognito's access tokens have it in place of `aud`.
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

    /// Holds the claims against the settings and the time.
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

    /// Who the token is of: the subject, or else the client that acts for itself.
    pub(crate) fn principal(self) -> Option<String> {
        self.sub.or(self.client_id)
    }
}
