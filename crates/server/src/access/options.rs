//! The options that control who may call.

use std::{net::SocketAddr, path::PathBuf};

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_credential_types::{Credentials, provider::ProvideCredentials as _};
use clap::{Args, ValueEnum};
use fleet_jwt::{Audiences, IssuerSettings, IssuerUrl};

use super::error::AccessError;

/// Whom the server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AccessMode {
    /// Everyone who can reach the server
    Open,
    /// Callers with the API key, token or SigV4 signature that the template requires, within its throttles
    Template,
}

/// Who may call.
#[derive(Args, Clone, Debug, Default)]
pub struct AccessOptions {
    /// Who may call; required if other machines can reach the server [default: open on loopback]
    #[arg(
        id = "access",
        long = "access",
        env = "FLEET_ACCESS",
        value_enum,
        value_name = "ACCESS",
        hide_env_values = true
    )]
    pub mode: Option<AccessMode>,

    /// The API keys for --access template, one per line, sent in the header x-api-key; created with one key if it does not
    /// exist, and reloaded when it changes [default: api-keys in the data folder]
    #[arg(
        long,
        env = "FLEET_API_KEY_FILE",
        value_name = "FILE",
        hide_env_values = true
    )]
    pub api_key_file: Option<PathBuf>,

    /// The issuer of the tokens that callers of the inventory send instead of API keys, as the template's JwtIssuer, for
    /// --access template; an https URL, or http on loopback
    #[arg(
        long,
        env = "FLEET_JWT_ISSUER",
        value_name = "URL",
        requires = "jwt_audience",
        hide_env_values = true
    )]
    pub jwt_issuer: Option<IssuerUrl>,

    /// The audiences of which a token must have one, separated by commas, as the template's JwtAudience
    #[arg(
        long,
        env = "FLEET_JWT_AUDIENCE",
        value_name = "AUDIENCE",
        requires = "jwt_issuer",
        hide_env_values = true
    )]
    pub jwt_audience: Option<Audiences>,

    /// The callers' credentials; from the environment or the AWS profile by default. Not a command line option.
    #[arg(skip)]
    pub credentials: Option<Credentials>,
}

impl AccessOptions {
    /// Whether callers of a server at `listen` need what the template requires.
    ///
    /// # Errors
    /// [`AccessError::NotSaid`] if the option is missing and other machines can reach the server, and
    /// [`AccessError::IssuerWithoutRules`] for an issuer whose tokens no route would require.
    pub(crate) fn requires_access(&self, listen: SocketAddr) -> Result<bool, AccessError> {
        let asks = match self.mode {
            Some(mode) => mode == AccessMode::Template,
            None if listen.ip().is_loopback() => false,
            None => return Err(AccessError::NotSaid(listen)),
        };
        if self.jwt_issuer.is_some() && !asks {
            return Err(AccessError::IssuerWithoutRules);
        }
        Ok(asks)
    }

    /// The issuer whose tokens are accepted, if any.
    pub(crate) fn issuer(&self) -> Option<IssuerSettings> {
        Some(IssuerSettings {
            issuer: self.jwt_issuer.clone()?,
            audiences: self.jwt_audience.clone()?,
        })
    }

    /// The credentials that callers sign with: `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, or else the profile's.
    pub(crate) async fn credentials(&self) -> Option<Credentials> {
        if let Some(credentials) = &self.credentials {
            return Some(credentials.clone());
        }
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let in_environment = variable("AWS_ACCESS_KEY_ID").zip(variable("AWS_SECRET_ACCESS_KEY"));
        if let Some((id, secret)) = in_environment {
            let token = variable("AWS_SESSION_TOKEN");
            return Some(Credentials::new(id, secret, token, None, "environment"));
        }
        let profile = ProfileFileCredentialsProvider::builder().build();
        profile.provide_credentials().await.ok()
    }
}
