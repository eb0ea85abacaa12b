//! The RDS Data API: its five operations, on either engine.
//!
//! AWS reference: <https://docs.aws.amazon.com/rdsdataservice/latest/APIReference/Welcome.html>.

mod errors;
mod limits;
mod malformed;
mod params;
mod results;
mod transactions;
mod wire;

use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use serde::de::DeserializeOwned;
use tokio::task::JoinError;

use crate::{
    data_file::DataFile,
    engine::{Database, Parameters, SqlStatement, StatementResult, why_unfinished},
    options::Timeouts,
    respond::{self, BodyLimit, ServiceResponse},
    secrets::Secrets,
};
use errors::DataApiError;
use malformed::RequestShape;
use transactions::Transactions;
use wire::{BatchRequest, BeginRequest, EndRequest, ExecuteRequest};

/// Size limit for a request.
pub(crate) const LIMIT: BodyLimit = BodyLimit {
    bytes: limits::MAX_REQUEST_BYTES,
    refusal: too_large,
};

/// The service behind the five paths.
#[derive(Debug)]
pub(crate) struct DataApi {
    /// One per secret, connected as that secret's user.
    databases: Vec<Database>,
    transactions: Transactions,
    secrets: Arc<Secrets>,
    cluster_arn: String,
    database_name: String,
    timeouts: Timeouts,
    file: Arc<DataFile>,
}

/// One of the five operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DataApiOperation {
    Execute,
    BatchExecute,
    Begin,
    Commit,
    Rollback,
}

impl DataApiOperation {
    /// The operation at a path.
    pub(crate) fn at(path: &str) -> Option<Self> {
        Some(match path {
            "/Execute" => Self::Execute,
            "/BatchExecute" => Self::BatchExecute,
            "/BeginTransaction" => Self::Begin,
            "/CommitTransaction" => Self::Commit,
            "/RollbackTransaction" => Self::Rollback,
            _ => return None,
        })
    }
}

impl DataApi {
    pub(crate) fn new(
        databases: Vec<Database>,
        secrets: Arc<Secrets>,
        cluster_arn: String,
        database_name: String,
        timeouts: Timeouts,
        file: Arc<DataFile>,
    ) -> Self {
        Self {
            databases,
            file,
            transactions: Transactions::new(timeouts),
            secrets,
            cluster_arn,
            database_name,
            timeouts,
        }
    }

    /// Handles one request. `header_bytes` counts towards the size limit, as the service documents.
    pub(crate) async fn answer(
        &self,
        operation: DataApiOperation,
        header_bytes: usize,
        body: &Bytes,
    ) -> ServiceResponse {
        let result = match limits::request(header_bytes, body.len()) {
            Err(error) => Err(error),
            Ok(()) => self.run_kept(operation, body).await,
        };
        // A missing file need not be recorded: it is checked for on every call.
        if let Err(DataApiError::Storage(cause)) = &result
            && self.file.is_there().is_ok()
        {
            self.file.note_failure(cause);
        }
        match result {
            Ok(body) => respond::answer(StatusCode::OK, "application/json", body),
            Err(error) => {
                tracing::debug!(?operation, kind = error.kind(), "refused");
                error.into_answer()
            }
        }
    }

    /// Runs an operation, and never acknowledges anything that could be lost.
    async fn run_kept(
        &self,
        operation: DataApiOperation,
        body: &Bytes,
    ) -> Result<Bytes, DataApiError> {
        // A rollback needs no durable storage, and it must free the single writer slot.
        if operation == DataApiOperation::Rollback {
            return self.end(body, false).await;
        }
        self.is_kept()?;
        let answer = match operation {
            DataApiOperation::Execute => self.execute(body).await,
            DataApiOperation::BatchExecute => self.batch(body).await,
            DataApiOperation::Begin => self.begin(body).await,
            DataApiOperation::Commit | DataApiOperation::Rollback => self.end(body, true).await,
        }?;
        self.is_kept()?;
        Ok(answer)
    }

    fn is_kept(&self) -> Result<(), DataApiError> {
        self.file
            .is_there()
            .map_err(|gone| DataApiError::Storage(gone.to_string()))
    }

    /// Rolls back every open transaction, each once its running statement is done.
    pub(crate) async fn roll_back(&self) {
        self.transactions.close().await;
    }

    /// Rolls back every open transaction and closes the database.
    pub(crate) async fn close(&self) {
        self.roll_back().await;
        for database in self.databases.iter().rev() {
            database.close().await;
        }
    }

    async fn execute(&self, body: &[u8]) -> Result<Bytes, DataApiError> {
        let request: ExecuteRequest = read(body)?;
        let user = self.check(
            &request.resource_arn,
            &request.secret_arn,
            request.database.as_deref(),
        )?;
        no_schema(request.schema.is_some())?;
        limits::sql(&request.sql)?;
        let options = results::ResultFormat {
            metadata: request.include_result_metadata.unwrap_or(false),
            json: as_json(request.format_records_as.as_deref())?,
            set: request.result_set_options.unwrap_or_default(),
        };
        let statement = SqlStatement {
            sql: request.sql.into(),
            sets: vec![params::read(request.parameters.unwrap_or_default())?],
            timeout: self.timeouts.statement,
            continue_after_timeout: request.continue_after_timeout.unwrap_or(false),
            metadata: options.metadata && !options.json,
            max_bytes: if options.json {
                limits::MAX_FORMATTED_BYTES
            } else {
                limits::MAX_RESPONSE_BYTES
            },
        };
        let outcomes = self
            .run(
                user,
                request.transaction_id.as_deref(),
                request.database.as_deref(),
                statement,
            )
            .await?;
        results::execute(outcomes.into_iter().next().unwrap_or_default(), &options)
    }

    async fn batch(&self, body: &[u8]) -> Result<Bytes, DataApiError> {
        let request: BatchRequest = read(body)?;
        let user = self.check(
            &request.resource_arn,
            &request.secret_arn,
            request.database.as_deref(),
        )?;
        no_schema(request.schema.is_some())?;
        limits::sql(&request.sql)?;
        let sets = request
            .parameter_sets
            .unwrap_or_default()
            .into_iter()
            .map(params::read)
            .collect::<Result<Vec<Parameters>, _>>()?;
        if sets.is_empty() {
            // Like AWS, run nothing and report no error: <https://github.com/aws/aws-sdk-js/issues/2775>.
            if let Some(id) = &request.transaction_id {
                self.transactions.check(id)?;
            }
            return results::batch(&[]);
        }
        let statement = SqlStatement {
            sql: request.sql.into(),
            sets,
            timeout: self.timeouts.statement,
            continue_after_timeout: false,
            metadata: false,
            max_bytes: limits::MAX_RESPONSE_BYTES,
        };
        let outcomes = self
            .run(
                user,
                request.transaction_id.as_deref(),
                request.database.as_deref(),
                statement,
            )
            .await?;
        results::batch(&outcomes)
    }

    async fn begin(&self, body: &[u8]) -> Result<Bytes, DataApiError> {
        let request: BeginRequest = read(body)?;
        let user = self.check(
            &request.resource_arn,
            &request.secret_arn,
            request.database.as_deref(),
        )?;
        no_schema(request.schema.is_some())?;
        let session = user.begin().await?;
        Ok(wire::json(&wire::BeginResponse {
            transaction_id: self.transactions.open(session, request.database),
        }))
    }

    async fn end(&self, body: &[u8], commit: bool) -> Result<Bytes, DataApiError> {
        let request: EndRequest = read(body)?;
        self.check(&request.resource_arn, &request.secret_arn, None)?;
        self.transactions
            .end(&request.transaction_id, commit)
            .await?;
        let transaction_status = if commit {
            "Transaction Committed"
        } else {
            "Rollback Complete"
        };
        Ok(wire::json(&wire::EndResponse { transaction_status }))
    }

    async fn run(
        &self,
        user: &Database,
        transaction: Option<&str>,
        database: Option<&str>,
        statement: SqlStatement,
    ) -> Result<Vec<StatementResult>, DataApiError> {
        Ok(match transaction {
            Some(id) => self.transactions.execute(id, database, statement).await?,
            None => user.execute(statement).await?,
        })
    }

    /// The database, connected to as the secret's user.
    fn check(
        &self,
        resource_arn: &str,
        secret: &str,
        database: Option<&str>,
    ) -> Result<&Database, DataApiError> {
        if !resource_arn.starts_with("arn:") {
            return Err(DataApiError::BadRequest(
                "Invalid resourceArn: it must be the ARN of a DB cluster".into(),
            ));
        }
        if resource_arn != self.cluster_arn {
            return Err(DataApiError::DatabaseNotFound(format!(
                "DB cluster {resource_arn} is not found"
            )));
        }
        let Some(user) = self
            .secrets
            .position(secret)
            .and_then(|position| self.databases.get(position))
        else {
            return Err(DataApiError::Secrets(format!(
                "Error fetching secret {secret} : Secrets Manager can't find the specified secret."
            )));
        };
        match database {
            Some(name) if !name.is_empty() && name != self.database_name => {
                let message =
                    format!("Unknown database '{name}'; Error code: 1049; SQLState: 42000");
                Err(DataApiError::Database(message))
            }
            _ => Ok(user),
        }
    }
}

/// The response to a request that exceeds the size limit.
fn too_large() -> ServiceResponse {
    limits::too_large().into_answer()
}

/// The response to a call whose task did not finish.
pub(crate) fn unfinished_response(error: JoinError) -> ServiceResponse {
    DataApiError::Internal(why_unfinished(error)).into_answer()
}

/// MySQL has no schemas within a database.
fn no_schema(given: bool) -> Result<(), DataApiError> {
    if given {
        return Err(DataApiError::BadRequest(
            "The schema parameter is not supported for Aurora MySQL: name the database instead"
                .into(),
        ));
    }
    Ok(())
}

fn as_json(format: Option<&str>) -> Result<bool, DataApiError> {
    match format {
        None | Some("NONE") => Ok(false),
        Some("JSON") => Ok(true),
        Some(_) => Err(DataApiError::BadRequest(
            "formatRecordsAs must be NONE or JSON".into(),
        )),
    }
}

/// Reads a request body; the error names the field.
fn read<T: DeserializeOwned + RequestShape>(body: &[u8]) -> Result<T, DataApiError> {
    // serde's own message is about Rust types; the real explanation is only worked out when parsing fails.
    serde_json::from_slice(body).map_err(|_| malformed::explain::<T>(body))
}

#[cfg(test)]
mod tests;
