//! The stored dimensions, page by page.

use aws_sdk_dynamodb::types::AttributeValue;
use fleet_core::{
    inventory::PageLimit,
    scaling::{DimensionId, DimensionPage, ListDimensions, StatusName},
    store::StoreError,
};

use super::{DynamoDimensions, answer_by, errors, item};
use crate::budget::TimeBudget;

impl ListDimensions for DynamoDimensions {
    /// Makes one call. With a status it examines as many items as DynamoDB reads in one call (1 MB), so that a page
    /// is short only if few of them have the status.
    async fn list(
        &self,
        status: Option<StatusName>,
        after: Option<&DimensionId>,
        limit: PageLimit,
    ) -> Result<DimensionPage, StoreError> {
        let mut call = self
            .client
            .scan()
            .table_name(&self.table)
            .consistent_read(true);
        if let Some(after) = after {
            call =
                call.exclusive_start_key(item::KEY, AttributeValue::S(after.as_str().to_owned()));
        }
        call = match status {
            // DynamoDB counts the items that it examines, not those that pass the filter.
            None => call.limit(i32::try_from(limit.get()).unwrap_or(i32::MAX)),
            Some(status) => call
                .filter_expression("#status = :status")
                .expression_attribute_names("#status", item::STATUS)
                .expression_attribute_values(":status", AttributeValue::S(status.as_str().into())),
        };
        let deadline = TimeBudget::start().work();
        let answer = answer_by(deadline, "Scan", Box::pin(call.send())).await?;
        let found = answer.items.unwrap_or_default();
        let is_cut = found.len() > limit.get();
        let dimensions = found
            .into_iter()
            .take(limit.get())
            .map(item::read_listed)
            .collect::<Result<Vec<_>, _>>()
            .map_err(errors::fault)?;
        let next = match (is_cut, answer.last_evaluated_key) {
            // A scan can begin after any key, even one that the previous scan did not end at.
            (true, _) => dimensions.last().map(|(id, _)| id.clone()),
            (false, Some(key)) => Some(item::key(&key).map_err(errors::fault)?),
            (false, None) => None,
        };
        Ok(DimensionPage { dimensions, next })
    }
}
