//! `GET /ec2`: lists and searches instances.

#[cfg(test)]
mod tests;

use fleet_core::inventory::{
    AccountId, InstanceFilter, InstanceSummary, ListInstances, PackageFilter, PackageName,
    PackageVersion, PageLimit, Region,
};
use fleet_http::{
    ApiError, ErrorBody, Function, InvalidInput, NextToken, Query, Request, Response, Route,
    StatusCode, json,
};
use serde::Serialize;

/// The function, over a store that can list.
#[derive(Clone, Debug)]
pub struct ListInstancesFunction<S> {
    store: S,
}

impl<S> ListInstancesFunction<S> {
    /// The function over `store`.
    pub fn new(store: S) -> Self {
        Self { store }
    }
}

/// A page of instances, ordered by id.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = InstancePage))]
pub struct ListInstancesResponse {
    #[cfg_attr(feature = "schema", schema(max_items = 100))]
    records: Vec<InstanceSummary>,
    /// For the next page; absent only on the last one. A page with a token may be short or empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    next_token: Option<NextToken>,
}

impl<S: ListInstances + 'static> Function for ListInstancesFunction<S> {
    const NAME: &'static str = "ec2-inventory-list";
    const ROUTES: &'static [Route] = &[("GET", "/ec2")];
    const ERROR_BODY: ErrorBody = ErrorBody::Inventory;

    async fn call(&self, request: Request) -> Result<Response, ApiError> {
        let query = Query::read(
            &request,
            &[
                "aws_region",
                "aws_account",
                "package_name",
                "package_version",
                "limit",
                "next_token",
            ],
        )?;
        let filter = InstanceFilter {
            region: query.optional("aws_region", Region::parse)?,
            account: query.optional("aws_account", AccountId::parse)?,
            package: package(&query)?,
        };
        let limit = query
            .optional("limit", |text| PageLimit::parse(&text))?
            .unwrap_or_default();
        let after = query.optional("next_token", |text| NextToken::decode(&text))?;
        let page = self.store.list(&filter, after.as_ref(), limit).await?;
        json(
            StatusCode::OK,
            &ListInstancesResponse {
                records: page.records,
                next_token: page.next.as_ref().map(NextToken::after),
            },
        )
    }
}

fn package(query: &Query) -> Result<Option<PackageFilter>, ApiError> {
    let version = query.optional("package_version", PackageVersion::parse)?;
    match (query.optional("package_name", PackageName::parse)?, version) {
        (Some(name), version) => Ok(Some(PackageFilter { name, version })),
        (None, None) => Ok(None),
        (None, Some(_)) => Err(InvalidInput::parameter(
            "package_version",
            "is allowed only with package_name",
        )
        .into()),
    }
}
