//! The retries of a transfer.

use std::time::Duration;

use fleet_core::store::StoreError;

/// How many instances are requested, or added, at once.
pub(super) const AT_ONCE: usize = 16;
/// How often a call to an unavailable store or API is repeated.
pub(super) const PATIENCE: usize = 10;

/// Repeats `ask` while the store is unavailable, at most [`PATIENCE`] times.
pub(super) async fn with_retries<T>(
    ask: impl AsyncFn() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    for _ in 0..PATIENCE {
        match ask().await {
            Err(StoreError::Unavailable { retry_after, .. }) => {
                tokio::time::sleep(retry_after.max(Duration::from_millis(100))).await;
            }
            answer => return answer,
        }
    }
    ask().await
}
