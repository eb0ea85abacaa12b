//! What may be done with the stored dimensions.

use std::future::Future;

use thiserror::Error;

use super::{Dimension, DimensionChange, DimensionId, DimensionPage, StatusName, StoredDimension};
use crate::{inventory::PageLimit, store::StoreError};

/// Why a dimension was not changed.
#[derive(Debug, Error)]
pub enum UpdateError<E> {
    /// The transition refused the state that it was given. Nothing is stored.
    #[error("the transition refused the stored state")]
    Refused(E),
    /// The store did not do it, or did not say whether it did: a change whose write was sent and not answered may have
    /// been stored, whole, or may be in a moment.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reads dimensions.
pub trait ReadDimension: Send + Sync {
    /// A dimension as the last successful write left it; [`StoredDimension::initial`] for an id never seen.
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
    /// Up to `limit` of the stored dimensions, those with `status` if one is given, that follow `after` in the store's own
    /// order. Dimensions that were never changed are not stored.
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
    /// Replaces the state of a dimension by what `transition` makes of it, as one step that no other writer comes
    /// between: `transition` runs again on the newer state when one did. A state that it leaves as it was is not written.
    ///
    /// # Errors
    /// What `transition` refused, or the store's failure.
    fn update<E: Send>(
        &self,
        id: &DimensionId,
        transition: impl Fn(&StoredDimension) -> Result<Dimension, E> + Send + Sync,
    ) -> impl Future<Output = Result<DimensionChange, UpdateError<E>>> + Send;
}

/// Removes dimensions. No route of the API does that; the local server's page removes its examples.
pub trait RemoveDimension: Send + Sync {
    /// Removes what is stored of a dimension, if there is anything: it is then as one that was never seen.
    ///
    /// # Errors
    /// The store's failure.
    fn remove(&self, id: &DimensionId) -> impl Future<Output = Result<(), StoreError>> + Send;
}
