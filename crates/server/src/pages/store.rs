//! The stores that the page reads, through the same ports as the functions: a list moves no dimension.

use std::time::Duration;

use fleet_aws::{DataApiInventory, DimensionsSettings, DynamoDimensions, InventorySettings};
use fleet_core::{
    inventory::PageLimit,
    scaling::{
        DimensionId, DimensionPage, ListDimensions as _, RemoveDimension as _, StoredDimension,
    },
    store::StoreError,
};
use thiserror::Error;
use tokio::time::timeout;

use super::history::Snapshot;
use crate::clients::Clients;

/// The most dimensions that the page shows.
const DIMENSIONS: usize = 200;
/// The time limit for reading the table; the page tries again soon.
const WITHIN: Duration = Duration::from_secs(5);

/// Why the table could not be read.
#[derive(Debug, Error)]
pub(super) enum ReadError {
    /// It did not respond in time.
    #[error("the table of dimensions did not answer in time")]
    TimedOut,
    /// The port failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The stores that the page shows.
#[derive(Clone, Debug)]
pub(crate) struct StoreReader {
    dimensions: DynamoDimensions,
    pub(super) inventory: DataApiInventory,
}

/// The dimensions that have ever been changed, by id; `more` if there are more than are shown.
pub(super) struct ChangedDimensions {
    pub(super) found: Vec<(String, Snapshot)>,
    pub(super) more: bool,
}

impl StoreReader {
    /// The stores that the settings name.
    pub(crate) fn new(
        clients: &Clients,
        inventory: InventorySettings,
        dimensions: DimensionsSettings,
    ) -> Self {
        Self {
            dimensions: clients.dimensions(dimensions),
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

    /// Removes these dimensions.
    pub(super) async fn remove_dimensions(&self, ids: &[DimensionId]) -> Result<(), ReadError> {
        for id in ids {
            timeout(WITHIN, self.dimensions.remove(id))
                .await
                .map_err(|_| ReadError::TimedOut)??;
        }
        Ok(())
    }
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
