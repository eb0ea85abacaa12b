//! Removes a stored dimension. No function does this; the server's page removes its examples.

use aws_sdk_dynamodb::types::AttributeValue;
use fleet_core::{
    scaling::{DimensionId, RemoveDimension},
    store::StoreError,
};

use super::{DynamoDimensions, answer_by, item};
use crate::budget::TimeBudget;

impl RemoveDimension for DynamoDimensions {
    async fn remove(&self, id: &DimensionId) -> Result<(), StoreError> {
        let call = self
            .client
            .delete_item()
            .table_name(&self.table)
            .key(item::KEY, AttributeValue::S(id.as_str().to_owned()))
            .send();
        let deadline = TimeBudget::start().work();
        answer_by(deadline, "DeleteItem", Box::pin(call)).await?;
        Ok(())
    }
}
