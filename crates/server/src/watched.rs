//! Readiness of a server that stores the data itself: a full disk is detected before a write fails.

use std::{sync::Arc, time::Duration};

use fleet_core::{
    readiness::Probe,
    store::{Store, StoreError},
};
use fleet_local_aws::DataFile;

/// The suggested wait: an operator has to free space first.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// A store's probe, and the store's file if that is on this machine.
#[derive(Clone, Debug)]
pub(crate) struct WatchedStore<P> {
    pub(crate) probe: P,
    pub(crate) store: Store,
    pub(crate) file: Option<Arc<DataFile>>,
}

impl<P: Probe> Probe for WatchedStore<P> {
    async fn probe(&self) -> Result<(), StoreError> {
        self.file
            .as_ref()
            .map_or(Ok(()), |file| file.check())
            .map_err(|error| StoreError::Unavailable {
                store: self.store,
                retry_after: RETRY_AFTER,
                source: error.into(),
            })?;
        self.probe.probe().await
    }
}
