//! How a write ends: committed or undone, and what became of it.
//!
//! A write that was answered with a failure must not be done afterwards. A statement that waits for a row's lock runs when
//! it gets the lock, however long ago its caller gave it up; so none of ours writes outside a transaction. Within one it
//! may run as late as it does: nothing of it is seen without the commit, which is sent only when every statement has been
//! answered in time.

use fleet_core::inventory::InstanceId;

use super::{
    data_api::{DataApi, Transaction, text},
    errors::{Failure, Verdict},
    rows,
};
use crate::budget::Budget;

const SELECT_TOKEN: &str = "SELECT add_token FROM ec2 WHERE aws_instance_id = :id";

/// One try of a write, when it failed.
pub(super) struct Attempt {
    pub(super) failure: Failure,
    /// Whether it may have been done all the same: its commit was sent.
    pub(super) doubtful: bool,
}

impl From<Failure> for Attempt {
    /// A try that failed before its commit: it was not done, and never will be.
    fn from(failure: Failure) -> Self {
        Self { failure, doubtful: false }
    }
}

/// Commits `transaction`, whose statements have all been answered.
pub(super) async fn commit(mut transaction: Transaction, budget: Budget) -> Result<(), Attempt> {
    match transaction.commit(budget.commit()).await {
        Ok(()) => Ok(()),
        Err(failure) => {
            // It settles what became of the commit: nothing of it is under way once the rollback has been answered.
            end(transaction, budget, failure.verdict).await;
            Err(Attempt { failure, doubtful: true })
        }
    }
}

/// Undoes `transaction`, in which something failed so.
pub(super) async fn undo(transaction: Transaction, budget: Budget, failure: Failure) -> Attempt {
    end(transaction, budget, failure.verdict).await;
    failure.into()
}

/// Ends a transaction that failed with `verdict`.
async fn end(transaction: Transaction, budget: Budget, verdict: Verdict) {
    match verdict {
        Verdict::Gone => transaction.forget(),
        _ => transaction.roll_back(budget.end()).await,
    }
}

/// The token of the request that added the stored instance; `None` where there is none. Asked after a commit in doubt.
pub(super) async fn stored_token(api: &DataApi, budget: Budget, id: &InstanceId) -> Result<Option<String>, Failure> {
    let answer = api.execute(SELECT_TOKEN, vec![text("id", id.as_str())], None, budget.end()).await?;
    Ok(rows::token(answer.records)?)
}
