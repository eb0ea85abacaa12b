//! `GET …/scalableTargetDimensions/{scalableTargetDimensionId}`: the state of a dimension.
//!
//! In demo mode a read also moves the dimension one step; in production mode it changes nothing.

#[cfg(test)]
mod tests;

use std::convert::Infallible;

use fleet_core::scaling::{
    DimensionChange, DimensionId, ReadDimension, UpdateDimension, UpdateError, demo,
};
use fleet_core::settings::{ScalingMode, ScalingSettings};
use fleet_http::{ApiError, Function, Request, Response, Route, dimension};

/// The function, over a store of dimensions.
#[derive(Clone, Debug)]
pub struct GetDimensionFunction<S> {
    store: S,
    settings: ScalingSettings,
}

impl<S> GetDimensionFunction<S> {
    /// The function over `store`.
    pub fn new(store: S, settings: ScalingSettings) -> Self {
        Self { store, settings }
    }
}

impl<S: ReadDimension + UpdateDimension + 'static> Function for GetDimensionFunction<S> {
    const NAME: &'static str = "scalable-dimension-get";
    const ROUTES: &'static [Route] = fleet_http::dimension_routes!("GET");

    async fn call(&self, request: Request) -> Result<Response, ApiError> {
        let id = dimension::id(&request)?;
        let (state, tag, since) = match self.settings.mode {
            ScalingMode::Production => {
                let stored = self.store.read(&id).await?;
                (stored.state, stored.tag, stored.updated_at)
            }
            ScalingMode::Demo(outcome) => {
                let change = self.step(&request, &id, outcome).await?;
                let since = dimension::changed_at(&change);
                (change.after, change.tag, since)
            }
        };
        dimension::answer(id, &self.settings.names, state, &tag, since)
    }
}

impl<S: UpdateDimension> GetDimensionFunction<S> {
    async fn step(
        &self,
        request: &Request,
        id: &DimensionId,
        outcome: demo::DemoOutcome,
    ) -> Result<DimensionChange, ApiError> {
        let stepped = self
            .store
            .update(id, |stored| {
                Ok::<_, Infallible>(demo::step(&stored.state, outcome))
            })
            .await;
        let change = stepped.map_err(|error| match error {
            UpdateError::Refused(never) => match never {},
            UpdateError::Store(error) => error,
        })?;
        dimension::log_change(request, id, &change);
        Ok(change)
    }
}
