//! A store of one dimension, for the functions that read and change it.

use std::sync::{Mutex, PoisonError};

use fleet_core::{
    scaling::{Change, Dimension, DimensionId, ReadDimension, UpdateDimension, UpdateError},
    store::StoreError,
};

/// Holds one dimension in memory, whatever its id.
#[derive(Debug)]
pub struct OneDimension(Mutex<Dimension>);

impl OneDimension {
    /// Holds `state`.
    #[must_use]
    pub fn new(state: Dimension) -> Self {
        Self(Mutex::new(state))
    }

    /// What it holds now.
    #[must_use]
    pub fn state(&self) -> Dimension {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl ReadDimension for OneDimension {
    async fn read(&self, _: &DimensionId) -> Result<Dimension, StoreError> {
        Ok(self.state())
    }
}

impl UpdateDimension for OneDimension {
    async fn update<E: Send>(
        &self,
        _: &DimensionId,
        transition: impl Fn(&Dimension) -> Result<Dimension, E> + Send + Sync,
    ) -> Result<Change, UpdateError<E>> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let after = transition(&state).map_err(UpdateError::Refused)?;
        let before = std::mem::replace(&mut *state, after.clone());
        Ok(Change { before, after })
    }
}
