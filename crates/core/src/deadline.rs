//! When a request's caller stops waiting: the deadline that the adapters must meet.

use std::future::Future;

use tokio::time::Instant;

tokio::task_local! {
    static DEADLINE: Instant;
}

/// Runs `work` with [`current`] returning `deadline`.
pub async fn with_deadline<F: Future>(deadline: Instant, work: F) -> F::Output {
    DEADLINE.scope(deadline, work).await
}

/// The deadline of the current request; `None` outside [`with_deadline`] and in a spawned task.
#[must_use]
pub fn current() -> Option<Instant> {
    DEADLINE.try_with(|deadline| *deadline).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_deadline_is_known_to_its_work_alone() {
        let deadline = Instant::now();
        assert_eq!(current(), None);
        assert_eq!(
            with_deadline(deadline, async { current() }).await,
            Some(deadline)
        );
        assert_eq!(current(), None);
    }
}
