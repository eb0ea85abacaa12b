//! The inventory's calls to the Data API, each within a deadline, and transactions that always end.

use std::{error::Error as StdError, future::Future, sync::Arc, time::Duration};

use aws_sdk_rdsdata::{
    Client,
    config::Builder,
    operation::execute_statement::ExecuteStatementOutput,
    types::{Field, SqlParameter},
};
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::{error::metadata::ProvideErrorMetadata, retry::RetryConfig};
use tokio::{
    runtime::Handle,
    time::{Instant, timeout_at},
};

use super::errors::{CallVerdict, FailedCall};
use crate::{budget, calls::WatchCalls, failure::CallFailure, settings::InventorySettings};

/// The time limit of one call. None of our statements takes a second on a running cluster; a call that takes this
/// long has lost its connection, and there is time for one more try.
const CALL_LIMIT: Duration = Duration::from_secs(10);

/// How many times a rollback is sent: repeating it is safe, and a lost one leaves rows locked for minutes.
const ROLLBACK_ATTEMPTS: usize = 2;

/// The Data API of one cluster.
#[derive(Clone, Debug)]
pub(super) struct DataApiClient {
    client: Client,
    settings: Arc<InventorySettings>,
}

impl DataApiClient {
    pub(super) fn new(config: Builder, settings: InventorySettings) -> Self {
        let config = config
            .retry_config(RetryConfig::disabled())
            .interceptor(WatchCalls::about(&settings.cluster_arn))
            .build();
        Self {
            client: Client::from_conf(config),
            settings: Arc::new(settings),
        }
    }

    /// Runs one statement, within a transaction or, if it only reads, on its own: the database may run a write long
    /// after the deadline.
    pub(super) async fn execute(
        &self,
        sql: impl Into<String>,
        parameters: Vec<SqlParameter>,
        transaction: Option<&OpenTransaction>,
        deadline: Instant,
    ) -> Result<ExecuteStatementOutput, FailedCall> {
        let call = self
            .client
            .execute_statement()
            .resource_arn(&self.settings.cluster_arn)
            .secret_arn(&self.settings.secret)
            .database(&self.settings.database)
            .sql(sql)
            .set_parameters((!parameters.is_empty()).then_some(parameters))
            .set_transaction_id(transaction.map(|transaction| transaction.id.clone()));
        bounded("ExecuteStatement", deadline, call.send()).await
    }

    /// Begins a transaction, which the caller must commit or roll back.
    pub(super) async fn begin(&self, deadline: Instant) -> Result<OpenTransaction, FailedCall> {
        let call = self
            .client
            .begin_transaction()
            .resource_arn(&self.settings.cluster_arn)
            .secret_arn(&self.settings.secret)
            .database(&self.settings.database);
        let begun = bounded("BeginTransaction", deadline, call.send()).await?;
        let id = begun
            .transaction_id
            .ok_or_else(|| FailedCall::fault("BeginTransaction returned no transaction id"))?;
        Ok(OpenTransaction {
            api: self.clone(),
            id,
            open: true,
        })
    }

    /// Returns whether the service confirmed the rollback.
    async fn send_rollback(&self, id: &str, deadline: Instant) -> bool {
        for _ in 0..ROLLBACK_ATTEMPTS {
            let call = self
                .client
                .rollback_transaction()
                .resource_arn(&self.settings.cluster_arn)
                .secret_arn(&self.settings.secret)
                .transaction_id(id);
            match bounded("RollbackTransaction", deadline, call.send()).await {
                Ok(_) => return true,
                Err(FailedCall {
                    verdict: CallVerdict::Unknown | CallVerdict::Crowded,
                    ..
                }) => {}
                // Already ended, or unreachable: the service itself ends it after three idle minutes.
                Err(_) => break,
            }
        }
        false
    }
}

/// An open transaction. If it is dropped open (because its request was given up), it is rolled back in the background,
/// since its locks would block others for minutes.
#[derive(Debug)]
pub(super) struct OpenTransaction {
    api: DataApiClient,
    id: String,
    open: bool,
}

impl OpenTransaction {
    /// Commits it. After a failure the commit may or may not have succeeded; [`Self::roll_back`] settles that.
    pub(super) async fn commit(&mut self, deadline: Instant) -> Result<(), FailedCall> {
        let settings = &self.api.settings;
        let call = self
            .api
            .client
            .commit_transaction()
            .resource_arn(&settings.cluster_arn)
            .secret_arn(&settings.secret)
            .transaction_id(&self.id);
        bounded("CommitTransaction", deadline, call.send()).await?;
        self.open = false;
        Ok(())
    }

    /// Rolls it back, if the service can be reached within [`budget::ENDING`] and before `deadline`. Returns
    /// whether the service confirmed the rollback: `false` if the transaction had already ended, or without a response.
    pub(super) async fn roll_back(mut self, deadline: Instant) -> bool {
        let undone = self
            .api
            .send_rollback(&self.id, deadline.min(Instant::now() + budget::ENDING))
            .await;
        self.open = false;
        undone
    }

    /// Forgets it without a call: the service has already ended it.
    pub(super) fn forget(mut self) {
        self.open = false;
    }
}

impl Drop for OpenTransaction {
    fn drop(&mut self) {
        if let (true, Ok(runtime)) = (self.open, Handle::try_current()) {
            let (api, id) = (self.api.clone(), std::mem::take(&mut self.id));
            runtime.spawn(async move {
                api.send_rollback(&id, Instant::now() + budget::ENDING)
                    .await
            });
        }
    }
}

/// Sends `call` if there is time, and waits for its response no longer than `deadline` and [`CALL_LIMIT`] allow.
async fn bounded<T, E>(
    operation: &'static str,
    deadline: Instant,
    call: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
) -> Result<T, FailedCall>
where
    E: StdError + ProvideErrorMetadata + 'static,
{
    let sent = Instant::now();
    if sent >= deadline {
        return Err(FailedCall::unanswered(
            CallVerdict::Unavailable,
            CallFailure::NotSent { operation },
        ));
    }
    // Boxed: the SDK's futures are large, and each one around it would copy it.
    match timeout_at(deadline.min(sent + CALL_LIMIT), Box::pin(call)).await {
        Ok(answer) => answer.map_err(|error| FailedCall::of(operation, &error)),
        Err(_) => Err(FailedCall::unanswered(
            CallVerdict::Unknown,
            CallFailure::TimedOut {
                operation,
                waited: sent.elapsed(),
            },
        )),
    }
}

/// A text as a named SQL parameter.
pub(super) fn text(name: impl Into<String>, value: &str) -> SqlParameter {
    SqlParameter::builder()
        .name(name)
        .value(Field::StringValue(value.to_owned()))
        .build()
}
