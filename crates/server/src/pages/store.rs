//! The stores that the page reads, through the same ports as the functions: a list moves no dimension.

use std::{error::Error, time::Duration};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use fleet_aws::{
    CallFailure, DataApiInventory, DimensionsSettings, DynamoDimensions, InventorySettings,
};
use fleet_core::{
    inventory::PageLimit,
    scaling::{DimensionId, DimensionPage, ListDimensions as _, StoredDimension},
    store::StoreError,
};
use thiserror::Error;
use tokio::time::timeout;

use super::history::Snapshot;
use crate::clients::Clients;

/// How many dimensions the page shows at most.
const DIMENSIONS: usize = 200;
/// The time limit for reading the table; the page tries again soon.
const WITHIN: Duration = Duration::from_secs(5);
const KEY: &str = "scalableTargetDimensionId";

/// Why the table did not answer.
#[derive(Debug, Error)]
pub(super) enum ReadError {
    /// Not in time.
    #[error("the table of dimensions did not answer in time")]
    TimedOut,
    /// It refused, or could not be reached.
    #[error("the table of dimensions cannot be read: {0}")]
    Failed(CallFailure),
    /// The port failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The stores that the page shows.
#[derive(Clone, Debug)]
pub(crate) struct StoreReader {
    dynamodb: aws_sdk_dynamodb::Client,
    table: String,
    dimensions: DynamoDimensions,
    pub(super) inventory: DataApiInventory,
}

/// The dimensions that were ever changed, by id; `more` if there are more than are shown.
pub(super) struct ChangedDimensions {
    pub(super) found: Vec<(String, Snapshot)>,
    pub(super) more: bool,
}

impl StoreReader {
    /// The stores that the settings name.
    pub(crate) fn new(
        clients: &Clients,
        inventory: InventorySettings,
        dimensions: &DimensionsSettings,
    ) -> Self {
        Self {
            dynamodb: aws_sdk_dynamodb::Client::new(clients.config()),
            table: dimensions.table.clone(),
            dimensions: clients.dimensions(dimensions.clone()),
            inventory: clients.inventory(inventory),
        }
    }

    /// The dimensions, sorted by id.
    pub(super) async fn dimensions(&self) -> Result<ChangedDimensions, ReadError> {
        timeout(WITHIN, self.list())
            .await
            .map_err(|_| ReadError::TimedOut)?
    }

    async fn list(&self) -> Result<ChangedDimensions, ReadError> {
        let limit = PageLimit::parse("100").unwrap_or_default();
        let mut found = Vec::new();
        let mut after: Option<DimensionId> = None;
        loop {
            let DimensionPage { dimensions, next } =
                self.dimensions.list(None, after.as_ref(), limit).await?;
            found.extend(dimensions.into_iter().map(snapshot));
            after = next;
            if after.is_none() || found.len() >= DIMENSIONS {
                break;
            }
        }
        found.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(ChangedDimensions {
            found,
            more: after.is_some(),
        })
    }

    /// Removes the dimensions with these ids.
    pub(super) async fn remove_dimensions(&self, ids: &[&str]) -> Result<(), ReadError> {
        for id in ids {
            let delete = self
                .dynamodb
                .delete_item()
                .table_name(&self.table)
                .key(KEY, AttributeValue::S((*id).to_owned()))
                .send();
            within("DeleteItem", delete).await?;
        }
        Ok(())
    }
}

async fn within<T, E>(
    operation: &'static str,
    call: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
) -> Result<T, ReadError>
where
    E: Error + ProvideErrorMetadata + 'static,
{
    let answered = timeout(WITHIN, call)
        .await
        .map_err(|_| ReadError::TimedOut)?;
    answered.map_err(|error| ReadError::Failed(CallFailure::of(operation, &error)))
}

fn snapshot((id, stored): (DimensionId, StoredDimension)) -> (String, Snapshot) {
    let state = stored.state;
    let snapshot = Snapshot {
        desired: state.desired.get(),
        actual: state.actual.get(),
        status: state.status.name().to_owned(),
        reason: state
            .status
            .failure_reason()
            .map(|reason| reason.as_str().to_owned()),
    };
    (id.as_str().to_owned(), snapshot)
}
