//! Instants to wait for.

use std::time::Duration;

use tokio::time::Instant;

/// The instant after a wait; an endless wait ends after a hundred years.
pub(crate) fn moment_after(from: Instant, wait: Duration) -> Instant {
    const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
    from + wait.min(CENTURY)
}
