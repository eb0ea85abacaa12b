//! `PATCH …/scalableTargetDimensions/{scalableTargetDimensionId}`: changes the state of a dimension.

mod body;
#[cfg(feature = "schema")]
mod schema;
#[cfg(test)]
mod tests;

pub use body::PatchRequest;

use fleet_core::scaling::{
    StoredDimension, UpdateDimension, UpdateError, demo, production::PatchError,
};
use fleet_core::settings::{ScalingMode, ScalingSettings};
use fleet_http::{
    ApiError, ErrorCode, Function, IfMatch, InvalidInput, Request, Response, Route, dimension,
};

/// The function, over a store of dimensions.
#[derive(Clone, Debug)]
pub struct PatchDimensionFunction<S> {
    store: S,
    settings: ScalingSettings,
}

impl<S> PatchDimensionFunction<S> {
    /// The function over `store`.
    pub fn new(store: S, settings: ScalingSettings) -> Self {
        Self { store, settings }
    }
}

impl<S: UpdateDimension + 'static> Function for PatchDimensionFunction<S> {
    const NAME: &'static str = "scalable-dimension-patch";
    const ROUTES: &'static [Route] = fleet_http::dimension_routes!("PATCH");
    // Not the capacity of a new dimension, so that a change is written.
    const REHEARSAL: &'static str = r#"{"desiredCapacity":2.0}"#;

    async fn call(&self, request: Request) -> Result<Response, ApiError> {
        let id = dimension::id(&request)?;
        let known = IfMatch::read(&request)?;
        let changed = match self.settings.mode {
            ScalingMode::Demo(_) => {
                let desired = body::demo(&request)?;
                self.store
                    .update(&id, |stored| {
                        check(&known, stored)?;
                        Ok(demo::patch(&stored.state, desired))
                    })
                    .await
            }
            ScalingMode::Production => {
                let patch = body::production(&request)?;
                self.store
                    .update(&id, |stored| {
                        check(&known, stored)?;
                        patch.apply(&stored.state).map_err(PatchRefusal::Patch)
                    })
                    .await
            }
        };
        let change = match changed {
            Ok(change) => change,
            Err(UpdateError::Refused(PatchRefusal::Changed(present))) => {
                let names = &self.settings.names;
                return dimension::precondition_failed(&request, id, names, *present);
            }
            Err(UpdateError::Refused(PatchRefusal::Patch(
                error @ PatchError::ReasonWithoutFailure,
            ))) => {
                let rule = error.to_string();
                let sentence = format!("{rule}.");
                return Err(InvalidInput::new(ErrorCode::InvalidField, sentence, rule).into());
            }
            Err(UpdateError::Store(error)) => return Err(error.into()),
        };
        dimension::log_change(&request, &id, &change);
        let since = dimension::changed_at(&change);
        dimension::answer(id, &self.settings.names, change.after, &change.tag, since)
    }
}

/// Why a change does not apply to the stored state.
enum PatchRefusal {
    /// The state is not the one that the client knows.
    Changed(Box<StoredDimension>),
    /// The change is invalid for the state.
    Patch(PatchError),
}

fn check(known: &IfMatch, stored: &StoredDimension) -> Result<(), PatchRefusal> {
    if known.matches(&stored.tag) {
        Ok(())
    } else {
        Err(PatchRefusal::Changed(Box::new(stored.clone())))
    }
}
