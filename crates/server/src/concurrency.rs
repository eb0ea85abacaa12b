//! Limits how many requests are in their functions at once.
//!
//! A call of a function takes some 50 KB, most of it the SDK's. A thousand at once would take more memory than the rest
//! of the server and get less done: the stores in this process need the same processors and the same disk. A request
//! that waits for its turn takes hardly more than its connection.
//!
//! The routes that read the stores share their turns, so that all reads wait equally long: with separate turns,
//! nearly all of a thousand clients would end up waiting for the slowest route. Every other route has separate turns.
//! A write does not wait for reads, and `/v1/health` waits for neither. Calls that wait for somebody's open
//! transaction, or for a distant store, must not block those that could proceed: see [`PATIENCE`].

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// If no turn ends for this long, all waiting calls start anyway, and so does every new one until a turn ends.
const PATIENCE: Duration = Duration::from_secs(1);

/// The turns of some routes; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Concurrency {
    turns: Arc<Semaphore>,
    progress: Arc<TurnProgress>,
}

/// Whether turns end.
#[derive(Debug)]
struct TurnProgress {
    /// How many have ended. A call without a turn does not count: it says nothing about those that have one.
    ended: AtomicUsize,
    /// The value of `ended` when turns stopped ending.
    stuck: AtomicUsize,
}

/// A call's turn, until this is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    permit: Option<OwnedSemaphorePermit>,
    progress: Arc<TurnProgress>,
}

impl Concurrency {
    /// Allows `most` turns at once.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            turns: Arc::new(Semaphore::new(most)),
            progress: Arc::new(TurnProgress {
                ended: AtomicUsize::new(0),
                stuck: AtomicUsize::new(usize::MAX),
            }),
        }
    }

    /// Waits for a turn, first come, first served.
    pub(crate) async fn turn(&self) -> Turn {
        let progress = &self.progress;
        let mut next = pin!(Arc::clone(&self.turns).acquire_owned());
        let permit = loop {
            let ended = progress.ended.load(Ordering::Relaxed);
            if progress.stuck.load(Ordering::Relaxed) == ended {
                break None;
            }
            match timeout(PATIENCE, &mut next).await {
                Ok(permit) => break permit.ok(),
                Err(_) if progress.ended.load(Ordering::Relaxed) == ended => {
                    progress.stuck.store(ended, Ordering::Relaxed);
                }
                Err(_) => {}
            }
        };
        Turn {
            permit,
            progress: Arc::clone(progress),
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.permit.is_some() {
            self.progress.ended.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use tokio::{
        task::yield_now,
        time::{Instant, sleep},
    };

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn turns_are_taken_in_the_order_in_which_they_were_asked_for() {
        let one = Concurrency::new(1);
        let first = one.turn().await;
        let (mut second, mut third) = (Box::pin(one.turn()), Box::pin(one.turn()));
        assert!((&mut second).now_or_never().is_none());
        assert!((&mut third).now_or_never().is_none());
        drop(first);
        assert!((&mut third).now_or_never().is_none());
        let second = second.now_or_never().unwrap();
        assert!((&mut third).now_or_never().is_none());
        drop(second);
        assert!(third.now_or_never().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn when_no_call_ends_those_that_wait_begin_all_the_same() {
        let one = Concurrency::new(1);
        let _stuck = one.turn().await;
        let began = Instant::now();
        let _second = one.turn().await;
        assert!(began.elapsed() >= PATIENCE);
    }

    #[tokio::test(start_paused = true)]
    async fn once_no_call_ends_new_ones_begin_at_once_until_one_does() {
        let one = Concurrency::new(1);
        let stuck = one.turn().await;
        drop(one.turn().await);
        let began = Instant::now();
        let _other = one.turn().await;
        assert_eq!(began.elapsed(), Duration::ZERO);
        drop(stuck);
        let _next = one.turn().await;
        assert_eq!(began.elapsed(), Duration::ZERO);
        assert!(Box::pin(one.turn()).now_or_never().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn while_calls_end_the_others_wait_for_their_turn_however_long_that_takes() {
        let one = Concurrency::new(1);
        let calls = 10;
        for _ in 0..calls {
            let one = one.clone();
            tokio::spawn(async move {
                let _turn = one.turn().await;
                sleep(PATIENCE / 2).await;
            });
        }
        yield_now().await;
        let began = Instant::now();
        let _last = one.turn().await;
        assert!(began.elapsed() >= calls * PATIENCE / 2);
    }
}
