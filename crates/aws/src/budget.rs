//! How long an operation may take.
//!
//! API Gateway gives up after 29 s. A function that kept running would write after its client got an error, so every
//! operation stops on its own before that, and sends nothing that could take effect afterwards. If Lambda ends the
//! function sooner, the operation has the remaining time, divided in the same proportions.

use std::time::Duration;

use fleet_core::deadline;
use tokio::time::Instant;

/// How long an operation may start new work.
pub const WORK: Duration = Duration::from_secs(24);

/// Extra time for ending what it started: commit or roll back, and find out which of the two happened.
pub const ENDING: Duration = Duration::from_secs(3);

/// The part of [`ENDING`] for a commit. The rest is for finding out its result.
const COMMITTING: Duration = Duration::from_secs(2);

/// The longest an operation takes.
pub const WHOLE: Duration = Duration::from_secs(WORK.as_secs() + ENDING.as_secs());

/// The part of Lambda's time reserved for the response: Lambda ends a function that has not responded by its deadline.
const ANSWERING: Duration = Duration::from_millis(500);

/// How long a probe waits for its store.
pub const PROBE: Duration = Duration::from_secs(3);

/// The time budget of one operation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimeBudget {
    start: Instant,
    whole: Duration,
}

impl TimeBudget {
    /// Starts now, within the request's deadline.
    pub(crate) fn start() -> Self {
        let start = Instant::now();
        let left = deadline::current().map_or(WHOLE, |deadline| {
            deadline
                .saturating_duration_since(start)
                .saturating_sub(ANSWERING)
        });
        Self {
            start,
            whole: left.min(WHOLE),
        }
    }

    /// Scales `part` of [`WHOLE`] to the available time.
    fn share(self, part: Duration) -> Duration {
        self.whole.mul_f64(part.as_secs_f64() / WHOLE.as_secs_f64())
    }

    /// When work must stop.
    pub(crate) fn work(self) -> Instant {
        self.start + self.share(WORK)
    }

    /// When a commit must have a response.
    pub(crate) fn commit(self) -> Instant {
        self.work() + self.share(COMMITTING)
    }

    /// When everything must be over.
    pub(crate) fn end(self) -> Instant {
        self.start + self.whole
    }

    /// Whether no new work may start.
    pub(crate) fn is_spent(self) -> bool {
        Instant::now() >= self.work()
    }

    /// Waits for `delay` if there is time left to work after it, and returns whether there is.
    pub(crate) async fn sleep(self, delay: Duration) -> bool {
        let wake = Instant::now() + delay;
        if wake >= self.work() {
            return false;
        }
        tokio::time::sleep_until(wake).await;
        true
    }
}

/// Between half of `delay` and all of it, at random, so that callers that failed together do not retry together.
pub(crate) fn jittered(delay: Duration) -> Duration {
    delay.mul_f64(0.5 + fastrand::f64() / 2.0)
}

/// How long a client should wait before it tries again if nothing better is known: 1–5 s at random.
pub(crate) fn retry_after() -> Duration {
    Duration::from_secs(fastrand::u64(1..=5))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The deadlines of work, commit and everything, in seconds from now.
    async fn ends(deadline: Option<Duration>) -> [f64; 3] {
        let now = Instant::now();
        let budget = match deadline {
            Some(left) => deadline::with_deadline(now + left, async { TimeBudget::start() }).await,
            None => TimeBudget::start(),
        };
        let seconds = |end: Instant| ((end - now).as_secs_f64() * 1e6).round() / 1e6;
        [budget.work(), budget.commit(), budget.end()].map(seconds)
    }

    #[test]
    fn a_random_wait_is_between_half_and_all_of_it() {
        let delay = Duration::from_secs(1);
        for _ in 0..1_000 {
            let wait = jittered(delay);
            assert!((delay / 2..=delay).contains(&wait), "{wait:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_shorter_deadline_is_kept_and_a_longer_one_changes_nothing() {
        assert_eq!(ends(None).await, [24.0, 26.0, 27.0]);
        assert_eq!(
            ends(Some(Duration::from_secs(60))).await,
            [24.0, 26.0, 27.0]
        );
        assert_eq!(
            ends(Some(Duration::from_secs(14))).await,
            [12.0, 13.0, 13.5]
        );
        assert_eq!(ends(Some(Duration::ZERO)).await, [0.0; 3]);
    }
}
