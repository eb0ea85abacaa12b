//! `POST /ec2/{aws_instance_id}`: adds an instance with its packages.

#[cfg(test)]
mod tests;

use fleet_core::inventory::{
    AccountId, AddError, AddInstance, InstanceId, NewInstance, Package, PackageName,
    PackageVersion, Packages, Region,
};
use fleet_http::{
    ApiError, ErrorBody, ErrorCode, Function, InvalidInput, Object, Query, Request, Response,
    Route, StatusCode, json, path_parameter,
};
use serde::Serialize;

/// The function, over a store that can add.
#[derive(Clone, Debug)]
pub struct Add<S> {
    store: S,
}

impl<S> Add<S> {
    /// The function over `store`.
    pub fn new(store: S) -> Self {
        Self { store }
    }
}

#[derive(Serialize)]
struct Added<'a> {
    new_record: Record<'a>,
}

#[derive(Serialize)]
struct Record<'a> {
    aws_account: &'a AccountId,
    aws_region: &'a Region,
    packages: &'a Packages,
}

impl<S: AddInstance + 'static> Function for Add<S> {
    const NAME: &'static str = "ec2-inventory-add";
    const ROUTES: &'static [Route] = &[("POST", "/ec2/{aws_instance_id}")];
    const ERROR_BODY: ErrorBody = ErrorBody::Inventory;

    async fn call(&self, request: Request) -> Result<Response, ApiError> {
        let new = parse(&request)?;
        self.store.add(&new).await.map_err(|error| match error {
            AddError::Duplicate => duplicate(&new.id),
            AddError::Store(error) => error.into(),
        })?;
        let new_record = Record {
            aws_account: &new.account,
            aws_region: &new.region,
            packages: &new.packages,
        };
        json(StatusCode::OK, &Added { new_record })
    }
}

/// The fields of a package.
const PACKAGE: &[&str] = &["package_name", "package_version"];

fn parse(request: &Request) -> Result<NewInstance, ApiError> {
    Query::read(request, &[])?;
    let id = path_parameter(request, "aws_instance_id", InstanceId::parse)?;
    let mut body = Object::body(request)?;
    body.allow(&["aws_region", "aws_account", "packages"])?;
    let region = body.text("aws_region", Region::parse)?;
    let account = body.text("aws_account", AccountId::parse)?;
    let packages = body.optional_objects("packages", Packages::MAX, PACKAGE, |entry| {
        Ok(Package {
            name: entry.text("package_name", PackageName::parse)?,
            version: entry.text("package_version", PackageVersion::parse)?,
        })
    })?;
    let packages = Packages::new(packages.unwrap_or_default())
        .map_err(|error| body.wrong("packages", error))?;
    Ok(NewInstance {
        id,
        region,
        account,
        packages,
    })
}

/// Clients of the documented contract look for MySQL's text.
fn duplicate(id: &InstanceId) -> ApiError {
    InvalidInput::new(
        ErrorCode::DuplicateInstance,
        format!("The instance already exists: Duplicate entry '{id}' for key 'PRIMARY'."),
        "aws_instance_id: the instance already exists",
    )
    .into()
}
