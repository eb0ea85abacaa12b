//! Probes whose clients are created at their first use.

use std::sync::Arc;

use aws_types::SdkConfig;
use fleet_core::{
    readiness::Probe,
    store::{Store, StoreError},
};
use tokio::sync::OnceCell;

use crate::config::function_config;

/// The SDK's configuration for a function that may never need it, read once, by the first probe.
#[derive(Clone, Debug, Default)]
pub struct DeferredConfig(Arc<OnceCell<SdkConfig>>);

/// A probe that `make` creates from the configuration at its first use.
#[derive(Debug)]
pub struct DeferredProbe<P, F> {
    config: DeferredConfig,
    store: Store,
    make: F,
    made: OnceCell<P>,
}

impl DeferredConfig {
    /// A probe of `store`.
    pub fn probe<P, F: Fn(&SdkConfig) -> P>(&self, store: Store, make: F) -> DeferredProbe<P, F> {
        DeferredProbe {
            config: self.clone(),
            store,
            make,
            made: OnceCell::new(),
        }
    }
}

impl<P: Probe, F: Fn(&SdkConfig) -> P + Send + Sync> Probe for DeferredProbe<P, F> {
    async fn probe(&self) -> Result<(), StoreError> {
        let made = self.made.get_or_try_init(|| async {
            let config = self.config.0.get_or_try_init(function_config).await;
            config.map(&self.make).map_err(|cause| StoreError::Fault {
                store: self.store,
                source: cause.into(),
            })
        });
        made.await?.probe().await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    struct HealthyProbe;

    impl Probe for HealthyProbe {
        async fn probe(&self) -> Result<(), StoreError> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn nothing_is_made_until_it_is_asked_and_then_once() {
        let config = DeferredConfig::default();
        let made = AtomicUsize::new(0);
        let probe = config.probe(Store::Secret, |_| {
            made.fetch_add(1, Ordering::Relaxed);
            HealthyProbe
        });
        assert!(config.0.get().is_none());
        assert_eq!(made.load(Ordering::Relaxed), 0);
        probe.probe().await.unwrap();
        probe.probe().await.unwrap();
        assert!(config.0.get().is_some());
        assert_eq!(made.load(Ordering::Relaxed), 1);
    }
}
