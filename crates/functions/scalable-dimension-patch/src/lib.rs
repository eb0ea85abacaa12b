//! `PATCH …/scalableTargetDimensions/{scalableTargetDimensionId}`: changes the state of a dimension.

mod body;
#[cfg(test)]
mod tests;

use fleet_aws::{ScalingMode, ScalingSettings};
use fleet_core::scaling::{UpdateDimension, UpdateError, demo, production::PatchError};
use fleet_http::{ApiError, Function, Request, Response, Route, dimension};

/// The function, over a store of dimensions.
#[derive(Clone, Debug)]
pub struct Patch<S> {
    store: S,
    settings: ScalingSettings,
}

impl<S> Patch<S> {
    /// The function over `store`.
    pub fn new(store: S, settings: ScalingSettings) -> Self {
        Self { store, settings }
    }
}

impl<S: UpdateDimension + 'static> Function for Patch<S> {
    const NAME: &'static str = "scalable-dimension-patch";
    const ROUTES: &'static [Route] = fleet_http::dimension_routes!("PATCH");

    async fn call(&self, request: Request) -> Result<Response, ApiError> {
        let id = dimension::id(&request)?;
        let changed = match self.settings.mode {
            ScalingMode::Demo(_) => {
                let desired = body::demo(&request)?;
                self.store
                    .update(&id, |state| Ok(demo::patch(state, desired)))
                    .await
            }
            ScalingMode::Production => {
                let patch = body::production(&request)?;
                self.store.update(&id, |state| patch.apply(state)).await
            }
        };
        let change = changed.map_err(|error| match error {
            UpdateError::Refused(error @ PatchError::ReasonWithoutFailure) => {
                ApiError::BadRequest(format!("{error}."))
            }
            UpdateError::Store(error) => error.into(),
        })?;
        dimension::log_change(&request, &id, &change);
        dimension::answer(&id, &self.settings.names, &change.after)
    }
}
