//! The operations on the inventory: one narrow trait each, so that a function's type shows what it touches.

use std::future::Future;

use thiserror::Error;

use super::{Instance, InstanceFilter, InstanceId, InstanceSummary, NewInstance, PageLimit};
use crate::store::StoreError;

/// Why an instance was not added.
#[derive(Debug, Error)]
pub enum AddError {
    /// An instance with this id already exists; it is left unchanged.
    #[error("an instance with this id exists")]
    Duplicate,
    /// The store failed, or its response was lost. The instance is never stored in part: it is not stored at all, now
    /// or later, unless the outcome of the commit itself is unknown; then it may be stored in full.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Adds instances.
pub trait AddInstance: Send + Sync {
    /// Stores `new` with the current time as its creation date: all of it or nothing.
    ///
    /// # Errors
    /// [`AddError`].
    fn add(&self, new: &NewInstance) -> impl Future<Output = Result<(), AddError>> + Send;
}

/// Reads one instance.
pub trait GetInstance: Send + Sync {
    /// The instance with its packages sorted, as it was at one moment; `None` if it does not exist.
    ///
    /// # Errors
    /// The store's failure.
    fn get(
        &self,
        id: &InstanceId,
    ) -> impl Future<Output = Result<Option<Instance>, StoreError>> + Send;
}

/// One page of a list, ordered by id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstancePage {
    /// The instances.
    pub records: Vec<InstanceSummary>,
    /// The id after which the next page begins; `None` on the last page.
    pub next: Option<InstanceId>,
}

/// Lists and searches instances.
pub trait ListInstances: Send + Sync {
    /// Up to `limit` instances that match `filter`, with ids after `after`.
    ///
    /// # Errors
    /// The store's failure.
    fn list(
        &self,
        filter: &InstanceFilter,
        after: Option<&InstanceId>,
        limit: PageLimit,
    ) -> impl Future<Output = Result<InstancePage, StoreError>> + Send;
}

/// Removes instances.
pub trait RemoveInstance: Send + Sync {
    /// Removes the instance with its packages. Returns whether it existed.
    ///
    /// # Errors
    /// The store's failure. The instance then still exists with all its packages, unless the outcome of the commit
    /// itself is unknown; then it may be gone, with all of them.
    fn remove(&self, id: &InstanceId) -> impl Future<Output = Result<bool, StoreError>> + Send;
}
