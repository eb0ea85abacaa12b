//! How long an operation may take.
//!
//! API Gateway stops listening after 29 s. A function that went on would write after its client was told that it failed,
//! so every operation stops on its own before that, and sends nothing that could last afterwards.

use std::time::Duration;

use tokio::time::Instant;

/// How long an operation may begin new work.
pub const WORK: Duration = Duration::from_secs(24);

/// How much longer it may take to end what it began: commit or roll back, and find out which of the two happened.
pub const ENDING: Duration = Duration::from_secs(3);

/// The part of [`ENDING`] that a commit may use. The rest is for finding out what became of it.
const COMMITTING: Duration = Duration::from_secs(2);

/// The longest an operation takes.
pub const WHOLE: Duration = Duration::from_secs(WORK.as_secs() + ENDING.as_secs());

/// How long a probe waits for its store.
pub const PROBE: Duration = Duration::from_secs(3);

/// The time that one operation has, from its start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    start: Instant,
}

impl Budget {
    /// Begins now.
    pub(crate) fn start() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    /// When work must stop.
    pub(crate) fn work(self) -> Instant {
        self.start + WORK
    }

    /// When a commit must have been answered.
    pub(crate) fn commit(self) -> Instant {
        self.work() + COMMITTING
    }

    /// When everything must have ended.
    pub(crate) fn end(self) -> Instant {
        self.start + WHOLE
    }

    /// Whether no new work may begin.
    pub(crate) fn is_spent(self) -> bool {
        Instant::now() >= self.work()
    }

    /// Waits for `delay`, if there is time left to work after it. Answers whether there is.
    pub(crate) async fn sleep(self, delay: Duration) -> bool {
        let wake = Instant::now() + delay;
        if wake >= self.work() {
            return false;
        }
        tokio::time::sleep_until(wake).await;
        true
    }
}

/// Between half of `delay` and all of it, at random, so that callers that failed together do not come back together.
pub(crate) fn jittered(delay: Duration) -> Duration {
    delay.mul_f64(0.5 + fastrand::f64() / 2.0)
}

/// How long a client should wait before it asks again, when nothing better is known: 1–5 s at random.
pub(crate) fn retry_after() -> Duration {
    Duration::from_secs(fastrand::u64(1..=5))
}
