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
pub struct GetInstanceFunction<S> {
    store: S,
}

impl<S> GetInstanceFunction<S> {
    /// The function over `store`.
    pub fn new(store: S) -> Self {
        Self { store }
    }
}

/// The instance, if it exists.
#[derive(Debug, Serialize)]
#[serde(untagged)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = InstanceLookup))]
pub enum GetResponse {
    /// There is one.
    Found(FoundInstance),
    /// There is none.
    NotFound(NoInstance),
}

/// The instance.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct FoundInstance {
    record: Instance,
    #[cfg_attr(feature = "schema", schema(schema_with = schema::always::<true>))]
    record_found: bool,
}

/// There is none.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct NoInstance {
    record: EmptyRecord,
    #[cfg_attr(feature = "schema", schema(schema_with = schema::always::<false>))]
    record_found: bool,
}

/// `{}` in place of an instance.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct EmptyRecord {}

#[cfg(feature = "schema")]
mod schema {
    use utoipa::openapi::{ObjectBuilder, Schema, Type};

    /// A boolean that has one value.
    pub(super) fn always<const VALUE: bool>() -> Schema {
        ObjectBuilder::new()
            .schema_type(Type::Boolean)
            .enum_values(Some([VALUE]))
            .into()
    }
}

impl<S: GetInstance + 'static> Function for GetInstanceFunction<S> {
    const NAME: &'static str = "ec2-inventory-get";
    const ROUTES: &'static [Route] = &[("GET", "/ec2/{aws_instance_id}")];
    const ERROR_BODY: ErrorBody = ErrorBody::Inventory;

    async fn call(&self, request: Request) -> Result<Response, ApiError> {
        Query::read(&request, &[])?;
        let id = path_parameter(&request, "aws_instance_id", InstanceId::parse)?;
        let response = match self.store.get(&id).await? {
            Some(record) => GetResponse::Found(FoundInstance {
                record,
                record_found: true,
            }),
            None => GetResponse::NotFound(NoInstance {
                record: EmptyRecord {},
                record_found: false,
            }),
        };
        json(StatusCode::OK, &response)
    }
}
