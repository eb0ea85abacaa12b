//! A store of one dimension, for the functions that read and change it.

use std::sync::{Mutex, PoisonError};

use fleet_core::{
    scaling::{
        Dimension, DimensionChange, DimensionId, ReadDimension, StateTag, StoredDimension,
        UpdateDimension, UpdateError, UpdateTime,
    },
    store::StoreError,
};
use uuid::Uuid;

/// Holds one dimension in memory, whatever its id.
#[derive(Debug)]
pub struct OneDimension(Mutex<StoredDimension>);

impl OneDimension {
    /// Holds `state`.
    #[must_use]
    pub fn new(state: Dimension) -> Self {
        Self(Mutex::new(StoredDimension {
            state,
            ..StoredDimension::initial()
        }))
    }

    /// What it holds now.
    #[must_use]
    pub fn state(&self) -> Dimension {
        self.stored().state
    }

    fn stored(&self) -> StoredDimension {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl ReadDimension for OneDimension {
    async fn read(&self, _: &DimensionId) -> Result<StoredDimension, StoreError> {
        Ok(self.stored())
    }
}

impl UpdateDimension for OneDimension {
    async fn update<E: Send>(
        &self,
        _: &DimensionId,
        transition: impl Fn(&StoredDimension) -> Result<Dimension, E> + Send + Sync,
    ) -> Result<DimensionChange, UpdateError<E>> {
        let mut stored = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let after = transition(&stored).map_err(UpdateError::Refused)?;
        let before = stored.state.clone();
        if after != before {
            *stored = StoredDimension {
                state: after.clone(),
                tag: StateTag::of_write(Uuid::new_v4()),
                updated_at: Some(UpdateTime::now()),
            };
        }
        Ok(DimensionChange {
            before,
            after,
            tag: stored.tag.clone(),
        })
    }
}
