//! `GET /ec2/{aws_instance_id}`: one instance with its packages.

#[cfg(test)]
mod tests;

use fleet_core::inventory::{GetInstance, Instance, InstanceId};
use fleet_http::{
    ApiError, ErrorBody, Function, Query, Request, Response, Route, StatusCode, json,
    path_parameter,
};
use serde::Serialize;

/// The function, over a store that can read.
#[derive(Clone, Debug)]
pub struct Get<S> {
    store: S,
}

impl<S> Get<S> {
    /// The function over `store`.
    pub fn new(store: S) -> Self {
        Self { store }
    }
}

#[derive(Serialize)]
struct Found {
    record: Record,
    record_found: bool,
}

/// The instance, or `{}` where there is none.
#[derive(Serialize)]
#[serde(untagged)]
enum Record {
    Instance(Instance),
    None {},
}

impl<S: GetInstance + 'static> Function for Get<S> {
    const NAME: &'static str = "ec2-inventory-get";
    const ROUTES: &'static [Route] = &[("GET", "/ec2/{aws_instance_id}")];
    const ERROR_BODY: ErrorBody = ErrorBody::Inventory;

    async fn call(&self, request: Request) -> Result<Response, ApiError> {
        Query::read(&request, &[])?;
        let id = path_parameter(&request, "aws_instance_id", InstanceId::parse)?;
        let found = self.store.get(&id).await?;
        let record_found = found.is_some();
        json(
            StatusCode::OK,
            &Found {
                record: found.map_or(Record::None {}, Record::Instance),
                record_found,
            },
        )
    }
}
