//! Whether the stores can answer: what a health check that decides about traffic asks.

use std::future::Future;

use crate::store::StoreError;

/// A store that can say whether it answers.
pub trait Probe: Send + Sync {
    /// Asks the store the cheapest question that proves it can serve.
    ///
    /// # Errors
    /// The store's own failure.
    fn probe(&self) -> impl Future<Output = Result<(), StoreError>> + Send;
}
