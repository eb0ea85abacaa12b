//! The changes to a table's items, from its DynamoDB stream.

use std::{fmt, sync::Arc};

use dynoxide::{
    Database, DynoxideError,
    actions::{
        describe_stream::DescribeStreamRequest, describe_table::DescribeTableRequest,
        get_records::GetRecordsRequest, get_shard_iterator::GetShardIteratorRequest,
    },
};
use serde_json::Value;

use crate::journal::Journal;

/// The stream could not be read.
#[derive(Debug, thiserror::Error)]
#[error("the table's stream cannot be read: {0}")]
pub struct ChangesError(String);

impl From<DynoxideError> for ChangesError {
    fn from(error: DynoxideError) -> Self {
        Self(error.to_string())
    }
}

/// Where to begin reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamPosition {
    /// At the oldest record that is still stored.
    Oldest,
    /// After the newest record.
    Newest,
    /// After the record with this `SequenceNumber`.
    After(String),
}

/// The stream of one table. Clones read the same stream.
#[derive(Clone)]
pub struct ChangeStream {
    database: Arc<Database>,
    table: String,
    journal: Journal,
}

impl fmt::Debug for ChangeStream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Changes").field(&self.table).finish()
    }
}

impl ChangeStream {
    pub(crate) fn new(database: Database, table: String, journal: Journal) -> Self {
        Self {
            database: Arc::new(database),
            table,
            journal,
        }
    }

    /// A reader that begins at `position`.
    ///
    /// # Errors
    /// [`ChangesError`], also for an invalid position.
    pub async fn reader(&self, position: StreamPosition) -> Result<ChangeReader, ChangesError> {
        let changes = self.clone();
        let iterator = blocking(move || changes.iterator(position)).await?;
        Ok(ChangeReader {
            changes: self.clone(),
            iterator,
        })
    }

    fn iterator(&self, position: StreamPosition) -> Result<String, ChangesError> {
        let table = DescribeTableRequest {
            table_name: self.table.clone(),
        };
        let stream = self.database.describe_table(table)?.table.latest_stream_arn;
        let stream_arn = stream.ok_or_else(|| ChangesError("it has none".to_owned()))?;
        let described = self.database.describe_stream(DescribeStreamRequest {
            stream_arn: stream_arn.clone(),
            ..DescribeStreamRequest::default()
        })?;
        let shard = described.stream_description.shards.into_iter().next();
        let shard = shard.ok_or_else(|| ChangesError("it has no shard".to_owned()))?;
        let (kind, sequence_number) = match position {
            StreamPosition::Oldest => ("TRIM_HORIZON", None),
            StreamPosition::Newest => ("LATEST", None),
            StreamPosition::After(number) => ("AFTER_SEQUENCE_NUMBER", Some(number)),
        };
        let iterator = self.database.get_shard_iterator(GetShardIteratorRequest {
            stream_arn,
            shard_id: shard.shard_id,
            shard_iterator_type: kind.to_owned(),
            sequence_number,
        })?;
        let iterator = iterator.shard_iterator;
        iterator.ok_or_else(|| ChangesError("there is no iterator".to_owned()))
    }
}

/// Reads a stream from a position on.
#[derive(Debug)]
pub struct ChangeReader {
    changes: ChangeStream,
    iterator: String,
}

impl ChangeReader {
    /// The records since the last call, oldest first, in DynamoDB's own format; at most 100 at a time.
    ///
    /// # Errors
    /// [`ChangesError`]; the next call begins at the same position.
    pub async fn next(&mut self) -> Result<Vec<Value>, ChangesError> {
        let request = GetRecordsRequest {
            shard_iterator: self.iterator.clone(),
            limit: Some(100),
        };
        let database = Arc::clone(&self.changes.database);
        let answer = blocking(move || Ok(database.get_records(request)?)).await?;
        // No reader may learn of a change that a power failure could still undo.
        self.changes
            .journal
            .wait_for_sync()
            .await
            .map_err(ChangesError)?;
        if let Some(iterator) = answer.next_shard_iterator {
            self.iterator = iterator;
        }
        let records = answer.records.iter().map(serde_json::to_value);
        records
            .collect::<Result<_, _>>()
            .map_err(|error| ChangesError(error.to_string()))
    }
}

/// The storage does its disk I/O synchronously.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ChangesError> + Send + 'static,
) -> Result<T, ChangesError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| ChangesError(error.to_string()))?
}
