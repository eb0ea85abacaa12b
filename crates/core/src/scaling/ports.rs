//! The operations on the stored dimensions.

use std::future::Future;

use thiserror::Error;

use super::{Dimension, DimensionChange, DimensionId, DimensionPage, StatusName, StoredDimension};
use crate::{inventory::PageLimit, store::StoreError};

/// Why a dimension was not changed.
#[derive(Debug, Error)]
pub enum UpdateError<E> {
    /// The transition rejected the current state. Nothing is stored.
    #[error("the transition refused the stored state")]
    Refused(E),
    /// The store failed, or its response was lost. If a write was sent and got no response, the change may have been
    /// stored in full, or may still be.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reads dimensions.
pub trait ReadDimension: Send + Sync {
    /// A dimension as the last successful write left it; [`StoredDimension::initial`] for an unknown id.
    ///
    /// # Errors
    /// The store's failure.
    fn read(
        &self,
        id: &DimensionId,
    ) -> impl Future<Output = Result<StoredDimension, StoreError>> + Send;
}

/// Lists dimensions.
pub trait ListDimensions: Send + Sync {
    /// Up to `limit` of the stored dimensions, only those with `status` if given, that follow `after` in the store's
    /// own order. Dimensions that have never been changed are not stored.
    ///
    /// # Errors
    /// The store's failure.
    fn list(
        &self,
        status: Option<StatusName>,
        after: Option<&DimensionId>,
        limit: PageLimit,
    ) -> impl Future<Output = Result<DimensionPage, StoreError>> + Send;
}

/// Changes dimensions.
pub trait UpdateDimension: Send + Sync {
    /// Atomically replaces the state of a dimension with the result of `transition`. If another writer got in between,
    /// `transition` runs again on the newer state. An unchanged state is not written.
    ///
    /// # Errors
    /// The error of `transition`, or the store's failure.
    fn update<E: Send>(
        &self,
        id: &DimensionId,
        transition: impl Fn(&StoredDimension) -> Result<Dimension, E> + Send + Sync,
    ) -> impl Future<Output = Result<DimensionChange, UpdateError<E>>> + Send;
}

/// Removes dimensions. No API route does this; the local server's page uses it to remove its examples.
pub trait RemoveDimension: Send + Sync {
    /// Removes whatever is stored for a dimension, which then counts as never seen.
    ///
    /// # Errors
    /// The store's failure.
    fn remove(&self, id: &DimensionId) -> impl Future<Output = Result<(), StoreError>> + Send;
}
