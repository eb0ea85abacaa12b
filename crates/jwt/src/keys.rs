//! The issuer's keys, cached for a while.
//!
//! Times come from the wall clock and not from a monotonic one: an instance of a function is frozen between requests,
//! and some monotonic clocks with it.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use jsonwebtoken::Algorithm;
use tokio::sync::Mutex;

use crate::{
    error::{KeysError, TokenRefusal, VerifyError},
    fetch::Fetcher,
    key::{Key, KeySet},
    limits,
    settings::IssuerUrl,
};

/// Returns the current time.
pub(crate) type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// The keys of one issuer.
pub(crate) struct IssuerKeys {
    issuer: IssuerUrl,
    fetcher: Fetcher,
    clock: Clock,
    kept: RwLock<CachedKeys>,
    /// Held while keys are being fetched, so that they are fetched only once.
    asking: Mutex<()>,
}

#[derive(Clone, Default)]
struct CachedKeys {
    set: Option<(Arc<KeySet>, SystemTime)>,
    /// When the issuer was last queried.
    asked: Option<SystemTime>,
    /// Why that failed, if it did.
    failure: Option<KeysError>,
}

impl IssuerKeys {
    pub(crate) fn new(issuer: IssuerUrl, fetcher: Fetcher, clock: Clock) -> Self {
        Self {
            issuer,
            fetcher,
            clock,
            kept: RwLock::default(),
            asking: Mutex::default(),
        }
    }

    /// Calls `with` with the key that a token names.
    ///
    /// # Errors
    /// [`TokenRefusal::UnknownKey`] if the issuer has no such key, and [`KeysError`] if this cannot be determined.
    pub(crate) async fn with_key<T>(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
        with: impl FnOnce(&Key) -> T,
    ) -> Result<T, VerifyError> {
        let now = (self.clock)();
        let kept = self.cached();
        let known = kept
            .set_at(now)
            .filter(|set| set.find(id, algorithm).is_some());
        let set = match known {
            Some(set) if kept.is_fresh(now) => set,
            // Old keys are used until there are new ones, and one request fetches those.
            Some(set) => match self.asking.try_lock() {
                Ok(_alone) => self.fetch().await.set_at(now).unwrap_or(set),
                Err(_) => set,
            },
            None => {
                let _alone = self.asking.lock().await;
                let kept = self.fetch().await;
                let set = kept.set_at(now);
                let knows = |set: &Arc<KeySet>| set.find(id, algorithm).is_some();
                match (set.filter(knows), kept.failure) {
                    (Some(set), _) => set,
                    (None, Some(failure)) => return Err(failure.into()),
                    (None, None) => return Err(TokenRefusal::UnknownKey.into()),
                }
            }
        };
        let key = set.find(id, algorithm).ok_or(TokenRefusal::UnknownKey)?;
        Ok(with(key))
    }

    /// Fetches the keys before a token needs them.
    pub(crate) async fn prefetch(&self) -> Result<(), KeysError> {
        let _alone = self.asking.lock().await;
        self.fetch().await.failure.map_or(Ok(()), Err)
    }

    fn cached(&self) -> CachedKeys {
        self.kept
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn update_cache(&self, change: impl FnOnce(&mut CachedKeys)) -> CachedKeys {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        change(&mut kept);
        kept.clone()
    }

    /// Queries the issuer, unless this has just been done. Only with `asking` held.
    async fn fetch(&self) -> CachedKeys {
        let now = (self.clock)();
        let kept = self.cached();
        let interval = if kept.failure.is_some() {
            limits::RETRY_INTERVAL
        } else {
            limits::FETCH_INTERVAL
        };
        if kept.asked.is_some_and(|asked| age(asked, now) < interval) {
            return kept;
        }
        // Even if nobody waits for the response any more.
        self.update_cache(|kept| kept.asked = Some(now));
        let found = self.fetcher.keys(&self.issuer).await;
        self.update_cache(|kept| match found {
            Ok(set) => {
                kept.set = Some((Arc::new(set), now));
                kept.failure = None;
            }
            Err(error) => kept.failure = Some(error),
        })
    }
}

impl CachedKeys {
    /// The keys, unless they are too old.
    fn set_at(&self, now: SystemTime) -> Option<Arc<KeySet>> {
        let (set, since) = self.set.as_ref()?;
        (age(*since, now) < limits::KEYS_AGE).then(|| Arc::clone(set))
    }

    fn is_fresh(&self, now: SystemTime) -> bool {
        let since = self.set.as_ref().map(|(_, since)| *since);
        since.is_some_and(|since| age(since, now) < limits::REFRESH_AFTER)
    }
}

/// A clock that was set back makes nothing older.
fn age(since: SystemTime, now: SystemTime) -> Duration {
    now.duration_since(since).unwrap_or_default()
}
