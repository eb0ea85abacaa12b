//! Whether the stores can answer, for a health check that decides about traffic.

use std::future::Future;

use crate::store::StoreError;

/// A store that can say whether it answers.
pub trait Probe: Send + Sync {
    /// Sends the cheapest request that proves that the store can serve.
    ///
    /// # Errors
    /// The store's own failure.
    fn probe(&self) -> impl Future<Output = Result<(), StoreError>> + Send;
}
