//! AWS credentials, resolved when the server starts.

use std::sync::{Mutex, PoisonError};

use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, SharedCredentialsProvider, future},
};
use fleet_aws::SdkConfig;
use simulate_scaling::credentials::reason;

use crate::error::StartError;

/// Resolves credentials once and returns `config` with the result. Without any, every request would be a 503 for good.
///
/// # Errors
/// [`StartError::Credentials`] with the reason.
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

/// A provider whose first result is already known. A `credential_process` may prompt a person, who should be asked only
/// once.
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
