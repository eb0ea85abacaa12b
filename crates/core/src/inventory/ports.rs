//! The operations on the inventory: one narrow trait for each, so that a function's type shows what it touches.

use std::future::Future;

use thiserror::Error;

use super::{Instance, InstanceFilter, InstanceId, InstanceSummary, NewInstance, PageLimit};
use crate::store::StoreError;

/// Why an instance was not added.
#[derive(Debug, Error)]
pub enum AddError {
    /// An instance with this id already exists; it stays as it was.
    #[error("an instance with this id exists")]
    Duplicate,
    /// The store failed, or its answer was lost. All of the instance is stored or nothing: nothing, now and
    /// later, unless the failure left the commit itself in doubt; then it may be either.
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
    /// The id that the next page begins after; `None` on the last page.
    pub next: Option<InstanceId>,
}

/// Lists and searches instances.
pub trait ListInstances: Send + Sync {
    /// Up to `limit` instances that match `filter`, from the first id after `after`.
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
    /// The store's failure. The instance is then as it was, with all its packages, and stays so, unless the failure left
    /// the commit itself in doubt; then it may be gone, with all of them.
    fn remove(&self, id: &InstanceId) -> impl Future<Output = Result<bool, StoreError>> + Send;
}
