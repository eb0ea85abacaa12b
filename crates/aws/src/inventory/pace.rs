//! When an operation is retried after a failure, and when it is given up.

use std::time::Duration;

use fleet_core::{calls, store::StoreError};

use super::errors::{CallVerdict, FailedCall};
use crate::budget::{TimeBudget, jittered};

/// The waits while a cluster resumes: they grow from the first to the last, and end only when time runs out.
const RESUMING: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(3));

/// How many times an operation is retried after failures of one kind, and the wait before the first retry; each
/// further wait is twice as long.
fn allowance(verdict: CallVerdict) -> (u32, Duration) {
    match verdict {
        // Locks are short, and another transaction makes progress each time: worth more retries. A duplicate gets
        // here only if the row that it refers to is gone again.
        CallVerdict::Conflict | CallVerdict::Duplicate => (8, Duration::from_millis(25)),
        CallVerdict::Crowded => (5, Duration::from_millis(250)),
        CallVerdict::Unknown => (3, Duration::from_millis(100)),
        CallVerdict::Gone | CallVerdict::SecretUnread => (1, Duration::from_millis(200)),
        CallVerdict::Resuming | CallVerdict::LinkFailure => (u32::MAX, RESUMING.0),
        CallVerdict::Unavailable | CallVerdict::Schema | CallVerdict::Fault => (0, Duration::ZERO),
    }
}

/// Paces the attempts of one operation.
#[derive(Debug)]
pub(super) struct RetryPace {
    budget: TimeBudget,
    seen: Vec<CallVerdict>,
}

impl RetryPace {
    pub(super) fn new(budget: TimeBudget) -> Self {
        Self {
            budget,
            seen: Vec::new(),
        }
    }

    /// Waits until the operation may be retried after `failure`.
    ///
    /// # Errors
    /// `failure` as the caller's error, if it must not be retried or there is no time left.
    pub(super) async fn wait(&mut self, mut failure: FailedCall) -> Result<(), StoreError> {
        let (allowed, first) = allowance(failure.verdict);
        let times = u32::try_from(
            self.seen
                .iter()
                .filter(|seen| **seen == failure.verdict)
                .count(),
        )
        .unwrap_or(u32::MAX);
        let before = self.seen.last().copied();
        self.seen.push(failure.verdict);
        let delay = first
            .saturating_mul(2_u32.saturating_pow(times))
            .min(RESUMING.1);
        if times < allowed && self.budget.sleep(jittered(delay)).await {
            calls::record_retry();
            if matches!(
                failure.verdict,
                CallVerdict::Resuming | CallVerdict::LinkFailure
            ) {
                calls::record_resume();
            }
            return Ok(());
        }
        // A call that was cut off, or not sent, because time ran out says nothing about the cluster: it was resuming
        // at its last response.
        if let (
            true,
            CallVerdict::Unknown | CallVerdict::Unavailable,
            Some(waking @ (CallVerdict::Resuming | CallVerdict::LinkFailure)),
        ) = (self.budget.is_spent(), failure.verdict, before)
        {
            failure.verdict = waking;
        }
        Err(failure.into_store_error())
    }
}
