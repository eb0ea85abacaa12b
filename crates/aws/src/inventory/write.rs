//! How a write ends: committed or undone, and what became of it.
//!
//! A write that was answered with a failure must not be done afterwards. A statement that waits for a row's lock runs when
//! it gets the lock, however long ago its caller gave it up; so none of ours writes outside a transaction. Within one it
//! may run as late as it does: nothing of it is seen without the commit, which is sent only when every statement has been
//! answered in time.

use fleet_core::{inventory::InstanceId, store::StoreError};

use super::{
    data_api::{DataApi, Transaction, text},
    errors::{Failure, Verdict},
    pace::Pace,
    rows,
};
use crate::budget::Budget;

const SELECT_TOKEN: &str = "SELECT add_token FROM ec2 WHERE aws_instance_id = :id";

/// One try of a write, when it failed.
pub(super) struct Attempt {
    pub(super) failure: Failure,
    pub(super) commit: Commit,
}

/// What became of the commit of a try that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Commit {
    /// It was not sent, and never will be.
    NotSent,
    /// The service says that it was not done: it undid the transaction afterwards, or knows of none. The try may be
    /// repeated, when a look at the store does not say otherwise.
    NotDone,
    /// It may have been done, and others may have acted upon what it did. To repeat the try could undo what they did.
    InDoubt,
}

impl From<Failure> for Attempt {
    /// A try that failed before its commit.
    fn from(failure: Failure) -> Self {
        Self {
            failure,
            commit: Commit::NotSent,
        }
    }
}

/// Commits `transaction`, whose statements have all been answered.
pub(super) async fn commit(mut transaction: Transaction, budget: Budget) -> Result<(), Attempt> {
    let Err(failure) = transaction.commit(budget.commit()).await else {
        return Ok(());
    };
    // It settles what became of the commit: nothing of it is under way once the rollback has been answered.
    let not_done = end(transaction, budget, failure.verdict).await;
    Err(Attempt {
        failure,
        commit: if not_done {
            Commit::NotDone
        } else {
            Commit::InDoubt
        },
    })
}

/// Undoes `transaction`, in which something failed so.
pub(super) async fn undo(transaction: Transaction, budget: Budget, failure: Failure) -> Attempt {
    end(transaction, budget, failure.verdict).await;
    failure.into()
}

/// Ends a transaction that failed with `verdict`. Answers whether the service says that it was not committed.
async fn end(transaction: Transaction, budget: Budget, verdict: Verdict) -> bool {
    if verdict == Verdict::Gone {
        transaction.forget();
        return true;
    }
    transaction.roll_back(budget.end()).await
}

/// The token of the request that added the stored instance; `None` where there is none. Asked after a commit that failed,
/// until it is answered or `pace` gives up.
pub(super) async fn stored_token(
    api: &DataApi,
    budget: Budget,
    pace: &mut Pace,
    id: &InstanceId,
) -> Result<Option<String>, StoreError> {
    loop {
        let answer = api
            .execute(
                SELECT_TOKEN,
                vec![text("id", id.as_str())],
                None,
                budget.end(),
            )
            .await;
        match answer.and_then(|answer| Ok(rows::token(answer.records)?)) {
            Ok(token) => return Ok(token),
            Err(unread) => pace.wait(unread).await?,
        }
    }
}
