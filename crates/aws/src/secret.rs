//! The database's secret, and whether the Data API can read it.

use aws_sdk_secretsmanager::Client;
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::SdkConfig;
use fleet_core::{
    readiness::Probe,
    store::{Cause, Store, StoreError},
};
use thiserror::Error;

use crate::{
    budget::{self, retry_after},
    calls::WatchCalls,
    failure::{CallFailure, may_pass},
    settings::InventorySettings,
};

const OPERATION: &str = "DescribeSecret";

/// The secret with the database's user and password.
///
/// It is only described, never read: the Data API reads it, and this process does not need the password.
#[derive(Clone, Debug)]
pub struct SecretProbe {
    client: Client,
    secret: String,
}

/// A secret that exists but cannot be read by the Data API.
#[derive(Debug, Error)]
#[error("the secret is scheduled to be deleted")]
struct DeletionPending;

impl SecretProbe {
    /// The secret in `settings`, by name or ARN.
    #[must_use]
    pub fn new(config: &SdkConfig, settings: &InventorySettings) -> Self {
        let config = aws_sdk_secretsmanager::config::Builder::from(config)
            .interceptor(WatchCalls::about(&settings.secret))
            .build();
        Self {
            client: Client::from_conf(config),
            secret: settings.secret.clone(),
        }
    }
}

impl Probe for SecretProbe {
    async fn probe(&self) -> Result<(), StoreError> {
        let call = self.client.describe_secret().secret_id(&self.secret).send();
        match tokio::time::timeout(budget::PROBE, call).await {
            Err(_) => Err(unavailable(CallFailure::TimedOut {
                operation: OPERATION,
                waited: budget::PROBE,
            })),
            Ok(Err(error)) if is_transient(&error) => {
                Err(unavailable(CallFailure::of(OPERATION, &error)))
            }
            Ok(Err(error)) => Err(fault(CallFailure::of(OPERATION, &error))),
            Ok(Ok(secret)) if secret.deleted_date().is_some() => Err(fault(DeletionPending)),
            Ok(Ok(_)) => Ok(()),
        }
    }
}

/// Whether the same call may succeed later without a change.
fn is_transient<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    match error {
        SdkError::ConstructionFailure(_) => false,
        SdkError::ServiceError(refusal) => {
            may_pass(refusal.raw().status())
                || matches!(
                    refusal.err().code(),
                    Some(
                        "InternalServiceError"
                            | "ThrottlingException"
                            | "Throttling"
                            | "TooManyRequestsException"
                    )
                )
        }
        _ => true,
    }
}

fn unavailable(cause: impl Into<Cause>) -> StoreError {
    StoreError::Unavailable {
        store: Store::Secret,
        retry_after: retry_after(),
        source: cause.into(),
    }
}

fn fault(cause: impl Into<Cause>) -> StoreError {
    StoreError::Fault {
        store: Store::Secret,
        source: cause.into(),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretError;

    use super::*;

    #[test]
    fn a_request_that_cannot_be_built_does_not_pass() {
        let error: SdkError<DescribeSecretError, HttpResponse> =
            SdkError::construction_failure("no region");
        assert!(!is_transient(&error));
    }
}
