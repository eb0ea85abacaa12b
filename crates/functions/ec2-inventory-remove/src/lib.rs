//! `DELETE /ec2/{aws_instance_id}`: removes an instance with its packages.

#[cfg(test)]
mod tests;

use fleet_core::inventory::{InstanceId, RemoveInstance};
use fleet_http::{
    ApiError, ErrorBody, Function, Query, Request, Response, Route, StatusCode, json,
    path_parameter,
};
use serde::Serialize;

/// The function, over a store that can remove.
#[derive(Clone, Debug)]
pub struct RemoveInstanceFunction<S> {
    store: S,
}

impl<S> RemoveInstanceFunction<S> {
    /// The function over `store`.
    pub fn new(store: S) -> Self {
        Self { store }
    }
}

/// Whether there was an instance to remove.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = RemovedInstance))]
pub struct RemoveResponse {
    record_deleted: bool,
}

impl<S: RemoveInstance + 'static> Function for RemoveInstanceFunction<S> {
    const NAME: &'static str = "ec2-inventory-remove";
    const ROUTES: &'static [Route] = &[("DELETE", "/ec2/{aws_instance_id}")];
    const ERROR_BODY: ErrorBody = ErrorBody::Inventory;

    async fn call(&self, request: Request) -> Result<Response, ApiError> {
        Query::read(&request, &[])?;
        let id = path_parameter(&request, "aws_instance_id", InstanceId::parse)?;
        let record_deleted = self.store.remove(&id).await?;
        json(StatusCode::OK, &RemoveResponse { record_deleted })
    }
}
