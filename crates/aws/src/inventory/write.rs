//! How a write ends: committed or rolled back, and with what result.
//!
//! A write that was reported as failed must not take effect afterwards. A statement that waits for a row lock runs
//! when it gets the lock, even if its caller gave up long ago, so no statement of ours writes outside a transaction.
//! Inside a transaction a late statement is harmless: nothing is visible until the commit, which is sent only when
//! every statement has had a response in time.

use fleet_core::{inventory::InstanceId, store::StoreError};

use super::{
    data_api::{DataApiClient, OpenTransaction, text},
    errors::{CallVerdict, FailedCall},
    pace::RetryPace,
    rows,
};
use crate::budget::TimeBudget;

const SELECT_TOKEN: &str = "SELECT add_token FROM ec2 WHERE aws_instance_id = :id";

/// A failed attempt of a write.
pub(super) struct Attempt {
    pub(super) failure: FailedCall,
    pub(super) commit: CommitFate,
}

/// The fate of the commit of a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CommitFate {
    /// It was not sent, and never will be.
    NotSent,
    /// The service says that it was not done: it rolled the transaction back, or does not know it. The attempt may be
    /// repeated, unless the store's contents show otherwise.
    NotDone,
    /// It may have been done, and others may have acted on it. Repeating the attempt could undo what they did.
    InDoubt,
}

impl From<FailedCall> for Attempt {
    /// An attempt that failed before its commit.
    fn from(failure: FailedCall) -> Self {
        Self {
            failure,
            commit: CommitFate::NotSent,
        }
    }
}

/// Commits `transaction` once all its statements have had a response.
pub(super) async fn commit(
    mut transaction: OpenTransaction,
    budget: TimeBudget,
) -> Result<(), Attempt> {
    let Err(failure) = transaction.commit(budget.commit()).await else {
        return Ok(());
    };
    // The rollback settles the commit's fate: once it has a response, nothing is in progress.
    let not_done = end(transaction, budget, failure.verdict).await;
    Err(Attempt {
        failure,
        commit: if not_done {
            CommitFate::NotDone
        } else {
            CommitFate::InDoubt
        },
    })
}

/// Rolls `transaction` back after a failure.
pub(super) async fn undo(
    transaction: OpenTransaction,
    budget: TimeBudget,
    failure: FailedCall,
) -> Attempt {
    end(transaction, budget, failure.verdict).await;
    failure.into()
}

/// Ends a transaction that failed with `verdict`. Returns whether the service says that it was not committed.
async fn end(transaction: OpenTransaction, budget: TimeBudget, verdict: CallVerdict) -> bool {
    if verdict == CallVerdict::Gone {
        transaction.forget();
        return true;
    }
    transaction.roll_back(budget.end()).await
}

/// The token of the request that added the stored instance; `None` if it does not exist. Queried after a failed commit,
/// until there is a response or `pace` gives up.
pub(super) async fn stored_token(
    api: &DataApiClient,
    budget: TimeBudget,
    pace: &mut RetryPace,
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
