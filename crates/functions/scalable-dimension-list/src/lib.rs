//! `GET …/scalableTargetDimensions`: lists the stored dimensions, so that one request serves the owner of many.
//!
//! It changes nothing in either mode.

#[cfg(test)]
mod tests;

use fleet_core::{
    inventory::PageLimit,
    scaling::{DimensionNames, ListDimensions, StatusName},
};
use fleet_http::{
    ApiError, Function, NextToken, Query, Request, Response, Route,
    dimension::{self, ListedDimension},
};
use serde::Serialize;

/// The function, over a store that can list.
#[derive(Clone, Debug)]
pub struct ListDimensionsFunction<S> {
    store: S,
    names: DimensionNames,
}

impl<S> ListDimensionsFunction<S> {
    /// The function over `store`.
    pub fn new(store: S, names: DimensionNames) -> Self {
        Self { store, names }
    }
}

/// A page of the stored dimensions.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = DimensionPage))]
pub struct ListDimensionsResponse {
    /// In no particular order.
    #[cfg_attr(feature = "schema", schema(max_items = 100))]
    dimensions: Vec<ListedDimension>,
    /// For the next page; absent only on the last one. A page with a token may be short or empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    next_token: Option<NextToken>,
}

impl<S: ListDimensions + 'static> Function for ListDimensionsFunction<S> {
    const NAME: &'static str = "scalable-dimension-list";
    const ROUTES: &'static [Route] = &[
        ("GET", "/scalableTargetDimensions"),
        ("GET", "/v1/scalableTargetDimensions"),
    ];

    async fn call(&self, request: Request) -> Result<Response, ApiError> {
        // Unknown parameters are ignored, as on the other scaling routes.
        let query = Query::read_known(&request, &["scalingStatus", "limit", "next_token"])?;
        let status = query.optional("scalingStatus", |name| StatusName::parse(&name))?;
        let limit = query
            .optional("limit", |text| PageLimit::parse(&text))?
            .unwrap_or_default();
        let after = query.optional("next_token", |text| NextToken::decode(&text))?;
        let page = self.store.list(status, after.as_ref(), limit).await?;
        let pending = page.dimensions.iter().map(|(_, stored)| stored);
        let pending = dimension::pending_seconds(pending);
        dimension::answer_list(
            &ListDimensionsResponse {
                dimensions: page
                    .dimensions
                    .into_iter()
                    .map(|(id, stored)| ListedDimension::new(id, &self.names, stored))
                    .collect(),
                next_token: page.next.as_ref().map(NextToken::after),
            },
            pending,
        )
    }
}
