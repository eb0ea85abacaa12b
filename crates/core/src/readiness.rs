//! Whether the stores respond, for a health check that decides about traffic.

use std::future::Future;

use crate::store::StoreError;

/// A store that can report whether it responds.
pub trait Probe: Send + Sync {
    /// Sends the cheapest request that proves that the store works.
    ///
    /// # Errors
    /// The store's failure.
    fn probe(&self) -> impl Future<Output = Result<(), StoreError>> + Send;
}
