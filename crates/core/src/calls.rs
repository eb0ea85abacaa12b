//! How many calls to its stores a request makes: part of its log line, and a promise of the contract that tests hold.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

tokio::task_local! {
    static CALLS: Arc<AtomicU32>;
}

/// Runs `work` and answers its output with the number of calls that [`record`] saw meanwhile, attempts included.
pub async fn counted<F: Future>(work: F) -> (F::Output, u32) {
    let calls = Arc::new(AtomicU32::new(0));
    let output = CALLS.scope(Arc::clone(&calls), work).await;
    (output, calls.load(Ordering::Relaxed))
}

/// Counts one call, sent by an adapter. Outside [`counted`] it does nothing.
pub fn record() {
    // A call made outside a request (while a function starts, say) belongs to no count.
    let _ = CALLS.try_with(|calls| calls.fetch_add(1, Ordering::Relaxed));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_calls_within_the_work_are_counted() {
        record();
        let (output, calls) = counted(async {
            record();
            tokio::task::yield_now().await;
            record();
            "done"
        })
        .await;
        assert_eq!((output, calls), ("done", 2));
    }
}
