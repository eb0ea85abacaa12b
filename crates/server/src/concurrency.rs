//! How many requests of one route are in their function at once.
//!
//! A call of a function takes some 50 KB, most of it the SDK's. A thousand at once would take more than all the rest of
//! the server, and get less done: the stores in this process wait for the same processors and the same disk. A request
//! that waits for its turn takes hardly more than its connection.
//!
//! Each route has its own turns, so that `/v1/health` waits for no other. Calls that wait for somebody's open
//! transaction, or for a store far away, must not keep out those that could go on: see [`PATIENCE`].

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

/// When no call of a route has ended for so long, those that wait begin all the same.
const PATIENCE: Duration = Duration::from_secs(1);

/// The turns of one route; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Concurrency {
    turns: Arc<Semaphore>,
    /// How many turns have ended.
    ended: Arc<AtomicUsize>,
}

/// A call's turn, until this is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    _permit: Option<OwnedSemaphorePermit>,
    ended: Arc<AtomicUsize>,
}

impl Concurrency {
    /// So many turns at once.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            turns: Arc::new(Semaphore::new(most)),
            ended: Arc::default(),
        }
    }

    /// Waits for a turn, first come, first served.
    pub(crate) async fn turn(self) -> Turn {
        let Self { turns, ended } = self;
        let mut next = pin!(turns.acquire_owned());
        let permit = loop {
            let before = ended.load(Ordering::Relaxed);
            match timeout(PATIENCE, &mut next).await {
                Ok(permit) => break permit.ok(),
                Err(_) if ended.load(Ordering::Relaxed) == before => break None,
                Err(_) => {}
            }
        };
        Turn {
            _permit: permit,
            ended,
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.ended.fetch_add(1, Ordering::Relaxed);
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
        let first = one.clone().turn().await;
        let (mut second, mut third) = (Box::pin(one.clone().turn()), Box::pin(one.turn()));
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
        let _stuck = one.clone().turn().await;
        let began = Instant::now();
        let _second = one.turn().await;
        assert!(began.elapsed() >= PATIENCE);
    }

    #[tokio::test(start_paused = true)]
    async fn while_calls_end_the_others_wait_for_their_turn_however_long_that_takes() {
        let one = Concurrency::new(1);
        let calls = 10;
        for _ in 0..calls {
            let turn = one.clone().turn();
            tokio::spawn(async move {
                let _turn = turn.await;
                sleep(PATIENCE / 2).await;
            });
        }
        yield_now().await;
        let began = Instant::now();
        let _last = one.turn().await;
        assert!(began.elapsed() >= calls * PATIENCE / 2);
    }
}
