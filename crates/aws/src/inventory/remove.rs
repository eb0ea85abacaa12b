//! Removes an instance; the foreign key removes its packages.

use fleet_core::{inventory::InstanceId, store::StoreError};

use super::{
    data_api::{DataApiClient, text},
    pace::RetryPace,
    write::{self, Attempt, CommitFate},
};
use crate::budget::TimeBudget;

const DELETE: &str = "DELETE FROM ec2 WHERE aws_instance_id = :id";

/// Returns whether the instance existed.
///
/// A removal whose commit failed had found the instance. If the instance is gone afterwards, either that commit
/// succeeded or another client removed it: there is no way to tell. That counts as a removal, since clients remove
/// what they know of, and claiming that the instance had not existed would be the worse mistake. If the instance
/// still exists, it is removed again, unless it may be a new one that another client added after a commit that
/// succeeded.
pub(super) async fn remove(api: &DataApiClient, id: &InstanceId) -> Result<bool, StoreError> {
    let budget = TimeBudget::start();
    let mut pace = RetryPace::new(budget);
    let mut sent = false;
    loop {
        let Attempt { failure, commit } = match attempt(api, budget, id).await {
            Ok(removed) => return Ok(removed || sent),
            Err(attempt) => attempt,
        };
        sent |= commit != CommitFate::NotSent;
        if sent {
            match write::stored_token(api, budget, &mut pace, id).await? {
                None => return Ok(true),
                Some(_) if commit == CommitFate::InDoubt => return Err(failure.into_store_error()),
                Some(_) => {}
            }
        }
        pace.wait(failure).await?;
    }
}

/// Tries once to remove the instance. Returns whether it existed.
async fn attempt(
    api: &DataApiClient,
    budget: TimeBudget,
    id: &InstanceId,
) -> Result<bool, Attempt> {
    let transaction = api.begin(budget.work()).await?;
    match api
        .execute(
            DELETE,
            vec![text("id", id.as_str())],
            Some(&transaction),
            budget.work(),
        )
        .await
    {
        Ok(answer) if answer.number_of_records_updated > 0 => {
            write::commit(transaction, budget).await.map(|()| true)
        }
        Ok(_) => {
            // Nothing was written, so it only matters that it ends, not how.
            transaction.roll_back(budget.end()).await;
            Ok(false)
        }
        Err(failure) => Err(write::undo(transaction, budget, failure).await),
    }
}
