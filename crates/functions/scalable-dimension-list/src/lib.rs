//! `GET …/scalableTargetDimensions`: lists the dimensions that are stored, so that one request serves the owner of many.
//!
//! It changes nothing in either mode.

#[cfg(test)]
mod tests;
mod token;

use fleet_core::{
    inventory::PageLimit,
    scaling::{ListDimensions, Names, production::StatusName},
};
use fleet_http::{ApiError, Function, Query, Request, Response, Route, dimension};
use serde::Serialize;

/// The function, over a store that can list.
#[derive(Clone, Debug)]
pub struct List<S> {
    store: S,
    names: Names,
}

impl<S> List<S> {
    /// The function over `store`.
    pub fn new(store: S, names: Names) -> Self {
        Self { store, names }
    }
}

#[derive(Serialize)]
struct Page<D> {
    dimensions: Vec<D>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

impl<S: ListDimensions + 'static> Function for List<S> {
    const NAME: &'static str = "scalable-dimension-list";
    const ROUTES: &'static [Route] = &[
        ("GET", "/scalableTargetDimensions"),
        ("GET", "/v1/scalableTargetDimensions"),
    ];

    async fn call(&self, request: Request) -> Result<Response, ApiError> {
        // Parameters that are not ours are left alone, as on the other scaling routes.
        let query = Query::read_known(&request, &["scalingStatus", "limit", "next_token"])?;
        let status = query.optional("scalingStatus", |name| StatusName::parse(&name))?;
        let limit = query
            .optional("limit", |text| PageLimit::parse(&text))?
            .unwrap_or_default();
        let after = query.optional("next_token", |text| token::decode(&text))?;
        let page = self.store.list(status, after.as_ref(), limit).await?;
        let dimensions = page.dimensions.iter();
        dimension::answer_list(
            &Page {
                dimensions: dimensions
                    .map(|(id, stored)| dimension::listed(id, &self.names, stored))
                    .collect(),
                next_token: page.next.as_ref().map(token::encode),
            },
            page.dimensions.iter().map(|(_, stored)| stored),
        )
    }
}
