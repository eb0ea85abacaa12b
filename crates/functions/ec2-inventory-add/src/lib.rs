//! `POST /ec2/{aws_instance_id}`: adds an instance with its packages.

#[cfg(test)]
mod tests;

use fleet_core::inventory::{
    AccountId, AddError, AddInstance, InstanceId, NewInstance, Packages, Region,
};
use fleet_http::{
    ApiError, ErrorBody, ErrorCode, Function, InvalidInput, JsonBody, Query, Request, Response,
    Route, StatusCode, json, path_parameter,
};
use serde::{Deserialize, Serialize};

/// The function, over a store that can add.
#[derive(Clone, Debug)]
pub struct AddInstanceFunction<S> {
    store: S,
}

impl<S> AddInstanceFunction<S> {
    /// The function over `store`.
    pub fn new(store: S) -> Self {
        Self { store }
    }
}

/// An instance to add.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = NewInstance))]
pub struct AddRequest {
    aws_region: Region,
    aws_account: AccountId,
    /// Its packages; exact repeats count once. Without this field it has none.
    #[serde(default)]
    packages: Packages,
}

/// The instance that was added.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = AddedInstance))]
pub struct AddResponse {
    new_record: AddedRecord,
}

/// The new record: packages in the order sent, without exact repeats.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AddedRecord {
    aws_account: AccountId,
    aws_region: Region,
    packages: Packages,
}

impl<S: AddInstance + 'static> Function for AddInstanceFunction<S> {
    const NAME: &'static str = "ec2-inventory-add";
    const ROUTES: &'static [Route] = &[("POST", "/ec2/{aws_instance_id}")];
    const ERROR_BODY: ErrorBody = ErrorBody::Inventory;
    const REHEARSAL: &'static str = r#"{"aws_region":"r","aws_account":"a","packages":[{"package_name":"n","package_version":"v"}]}"#;

    async fn call(&self, request: Request) -> Result<Response, ApiError> {
        let new = parse(&request)?;
        self.store.add(&new).await.map_err(|error| match error {
            AddError::Duplicate => duplicate(&new.id),
            AddError::Store(error) => error.into(),
        })?;
        let new_record = AddedRecord {
            aws_account: new.account,
            aws_region: new.region,
            packages: new.packages,
        };
        json(StatusCode::OK, &AddResponse { new_record })
    }
}

fn parse(request: &Request) -> Result<NewInstance, ApiError> {
    Query::read(request, &[])?;
    let id = path_parameter(request, "aws_instance_id", InstanceId::parse)?;
    let body: AddRequest = JsonBody::read(request)?.into()?;
    Ok(NewInstance {
        id,
        region: body.aws_region,
        account: body.aws_account,
        packages: body.packages,
    })
}

/// Clients of the documented contract look for MySQL's message.
fn duplicate(id: &InstanceId) -> ApiError {
    InvalidInput::new(
        ErrorCode::DuplicateInstance,
        format!("The instance already exists: Duplicate entry '{id}' for key 'PRIMARY'."),
        "aws_instance_id: the instance already exists",
    )
    .into()
}
