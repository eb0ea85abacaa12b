//! The options that say who may call.

use std::{net::SocketAddr, path::PathBuf};

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_credential_types::{Credentials, provider::ProvideCredentials as _};
use clap::{Args, ValueEnum};

use super::error::AccessError;

/// Whom the server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AccessMode {
    /// Everybody who can reach the server
    Open,
    /// Callers with the API key or SigV4 signature that the template requires, within its throttles
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

    /// The callers' credentials; from the environment or the AWS profile by default. Not a command line option.
    #[arg(skip)]
    pub credentials: Option<Credentials>,
}

impl AccessOptions {
    /// Whether callers of a server at `listen` need what the template requires.
    ///
    /// # Errors
    /// [`AccessError::NotSaid`] if the option is missing and other machines can reach the server.
    pub(crate) fn asks(&self, listen: SocketAddr) -> Result<bool, AccessError> {
        match self.mode {
            Some(mode) => Ok(mode == AccessMode::Template),
            None if listen.ip().is_loopback() => Ok(false),
            None => Err(AccessError::NotSaid(listen)),
        }
    }

    /// The credentials that callers sign with: `AWS_ACCESS_KEY_ID` and its kin, or else those of the profile.
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
