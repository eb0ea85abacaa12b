//! AWS credentials, asked for when the server starts.

use std::{
    error::Error,
    sync::{Mutex, PoisonError},
};

use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, SharedCredentialsProvider, error::CredentialsError, future},
};
use fleet_aws::SdkConfig;

use crate::error::StartError;

/// Asks for credentials once and returns `config` with the answer. Without any, every request would be a 503 that never
/// passes.
///
/// # Errors
/// [`StartError::Credentials`] with the reason why there are none.
pub(crate) async fn with_credentials(config: SdkConfig) -> Result<SdkConfig, StartError> {
    let Some(provider) = config.credentials_provider() else {
        return Err(StartError::Credentials("no source of them is set".into()));
    };
    let first = provider
        .provide_credentials()
        .await
        .map_err(|error| StartError::Credentials(reason(&error)))?;
    let asked = AskedProvider {
        first: Mutex::new(Some(first)),
        provider,
    };
    Ok(config
        .into_builder()
        .credentials_provider(SharedCredentialsProvider::new(asked))
        .build())
}

/// A provider whose first answer is already there. A `credential_process` may ask a person, who should be asked once.
#[derive(Debug)]
struct AskedProvider {
    first: Mutex<Option<Credentials>>,
    provider: SharedCredentialsProvider,
}

impl ProvideCredentials for AskedProvider {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let first = self
            .first
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        match first {
            Some(credentials) => future::ProvideCredentials::ready(Ok(credentials)),
            None => self.provider.provide_credentials(),
        }
    }
}

/// Why there are no credentials, in one line.
fn reason(error: &CredentialsError) -> String {
    let causes = std::iter::successors(Some(error as &dyn Error), |error| (*error).source());
    let mut reasons: Vec<_> = causes.map(ToString::to_string).collect();
    reasons.dedup();
    let reason = reasons.join(": ");
    let reason = match error {
        // The SDK lists all that it tried, a line each. Only a profile can be there and be wrong.
        CredentialsError::CredentialsNotLoaded(_) => reason
            .lines()
            .find_map(|line| {
                line.trim()
                    .strip_prefix("Profile: the credential provider was not enabled: ")
            })
            .unwrap_or(
                "neither the environment, nor the profile, nor a role of this machine has any",
            ),
        _ => &reason,
    };
    // What a credential_process prints may have several lines.
    reason.split_whitespace().collect::<Vec<_>>().join(" ")
}
