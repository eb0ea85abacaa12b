//! Removes an instance; its packages go with it, by the foreign key.

use fleet_core::{inventory::InstanceId, store::StoreError};

use super::{
    data_api::{DataApi, text},
    pace::Pace,
};
use crate::budget::Budget;

const DELETE: &str = "DELETE FROM ec2 WHERE aws_instance_id = :id";

/// Answers whether there was an instance.
///
/// A deletion whose answer was lost is sent again, and then finds nothing either because it was done the first time or
/// because there never was anything: nobody can tell any more. That is answered as a deletion, since clients delete what
/// they know of, and to tell one of them that its instance had not been there would be the worse mistake.
pub(super) async fn remove(api: &DataApi, id: &InstanceId) -> Result<bool, StoreError> {
    let budget = Budget::start();
    let mut pace = Pace::new(budget);
    let mut doubtful = false;
    loop {
        match api.execute(DELETE, vec![text("id", id.as_str())], None, budget.work()).await {
            Ok(answer) => return Ok(answer.number_of_records_updated > 0 || doubtful),
            Err(failure) => {
                doubtful |= failure.verdict.leaves_doubt();
                pace.wait(failure).await?;
            }
        }
    }
}
