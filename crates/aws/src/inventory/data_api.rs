//! The calls of the Data API that the inventory makes, each within a deadline, and transactions that end.

use std::{error::Error as StdError, future::Future, sync::Arc, time::Duration};

use aws_sdk_rdsdata::{
    Client,
    operation::execute_statement::ExecuteStatementOutput,
    types::{Field, SqlParameter},
};
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::{error::metadata::ProvideErrorMetadata, retry::RetryConfig};
use aws_types::SdkConfig;
use tokio::{
    runtime::Handle,
    time::{Instant, timeout_at},
};

use super::errors::{Failure, Verdict};
use crate::{budget, calls::CountCalls, failure::CallFailure, settings::InventorySettings};

/// How long one call may take. None of our statements takes a second on a cluster that is awake; a call that takes this
/// long has lost its connection, and there is time to try once more.
const CALL_LIMIT: Duration = Duration::from_secs(10);

/// How many times a rollback is sent: it may be repeated safely, and one that is lost leaves rows locked for minutes.
const ROLLBACK_ATTEMPTS: usize = 2;

/// The Data API of one cluster.
#[derive(Clone, Debug)]
pub(super) struct DataApi {
    client: Client,
    settings: Arc<InventorySettings>,
}

impl DataApi {
    pub(super) fn new(config: &SdkConfig, settings: InventorySettings) -> Self {
        let config = aws_sdk_rdsdata::config::Builder::from(config)
            .retry_config(RetryConfig::disabled())
            .interceptor(CountCalls)
            .build();
        Self {
            client: Client::from_conf(config),
            settings: Arc::new(settings),
        }
    }

    /// Runs one statement, within a transaction or, when it only reads, by itself: one that writes may be run by the
    /// database long after the deadline.
    pub(super) async fn execute(
        &self,
        sql: impl Into<String>,
        parameters: Vec<SqlParameter>,
        transaction: Option<&Transaction>,
        deadline: Instant,
    ) -> Result<ExecuteStatementOutput, Failure> {
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

    /// Begins a transaction, which the caller commits or rolls back.
    pub(super) async fn begin(&self, deadline: Instant) -> Result<Transaction, Failure> {
        let call = self
            .client
            .begin_transaction()
            .resource_arn(&self.settings.cluster_arn)
            .secret_arn(&self.settings.secret)
            .database(&self.settings.database);
        let begun = bounded("BeginTransaction", deadline, call.send()).await?;
        let id = begun
            .transaction_id
            .ok_or_else(|| Failure::fault("BeginTransaction answered no transaction id"))?;
        Ok(Transaction {
            api: self.clone(),
            id,
            open: true,
        })
    }

    /// Answers whether the service says that it is undone.
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
                Err(Failure {
                    verdict: Verdict::Unknown | Verdict::Crowded,
                    ..
                }) => {}
                // Ended otherwise, or not ours to end: the service itself does so after three idle minutes.
                Err(_) => break,
            }
        }
        false
    }
}

/// A transaction that has begun. One that is dropped open (its request was given up) is rolled back in the background,
/// since its locks would stop others for minutes.
#[derive(Debug)]
pub(super) struct Transaction {
    api: DataApi,
    id: String,
    open: bool,
}

impl Transaction {
    /// Makes what it did last. After a failure it may or may not have; [`Self::roll_back`] settles that.
    pub(super) async fn commit(&mut self, deadline: Instant) -> Result<(), Failure> {
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

    /// Undoes what it did, as far as the service can be reached within [`budget::ENDING`] and before `deadline`. Answers
    /// whether the service says that it is undone: `false` for one that had ended, or when nothing was heard.
    pub(super) async fn roll_back(mut self, deadline: Instant) -> bool {
        let undone = self
            .api
            .send_rollback(&self.id, deadline.min(Instant::now() + budget::ENDING))
            .await;
        self.open = false;
        undone
    }

    /// Lets go of it without a call: the service has ended it.
    pub(super) fn forget(mut self) {
        self.open = false;
    }
}

impl Drop for Transaction {
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

/// Sends `call` if there is time, and waits for its answer no longer than `deadline` and [`CALL_LIMIT`] allow.
async fn bounded<T, E>(
    operation: &'static str,
    deadline: Instant,
    call: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
) -> Result<T, Failure>
where
    E: StdError + ProvideErrorMetadata + 'static,
{
    let sent = Instant::now();
    if sent >= deadline {
        return Err(Failure::unanswered(
            Verdict::Unavailable,
            CallFailure::NotSent { operation },
        ));
    }
    match timeout_at(deadline.min(sent + CALL_LIMIT), call).await {
        Ok(answer) => answer.map_err(|error| Failure::of(operation, &error)),
        Err(_) => Err(Failure::unanswered(
            Verdict::Unknown,
            CallFailure::TimedOut {
                operation,
                waited: sent.elapsed(),
            },
        )),
    }
}

/// A text as a named parameter.
pub(super) fn text(name: impl Into<String>, value: &str) -> SqlParameter {
    SqlParameter::builder()
        .name(name)
        .value(Field::StringValue(value.to_owned()))
        .build()
}
