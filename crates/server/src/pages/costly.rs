//! Caches results whose cost grows with the size of a store, for a time in proportion to their cost.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio::time::timeout;

/// How much longer a result is cached than it took: computing them takes at most a twentieth of the time.
const KEPT_FOR: u32 = 20;
/// The most results cached.
const MOST: usize = 16;

struct CachedAnswer<K, V> {
    key: K,
    value: V,
    until: Instant,
}

/// Cached results by their key.
pub(super) struct AnswerCache<K, V> {
    kept: Mutex<Vec<CachedAnswer<K, V>>>,
    /// The keys being computed in the background.
    sought: Mutex<Vec<K>>,
}

impl<K: PartialEq, V: Clone> AnswerCache<K, V> {
    pub(super) fn new() -> Self {
        Self {
            kept: Mutex::default(),
            sought: Mutex::default(),
        }
    }

    /// The cached result for `key`, or else that of `find`.
    pub(super) async fn get<E>(
        &self,
        key: K,
        find: impl Future<Output = Result<V, E>>,
    ) -> Result<V, E> {
        let begun = Instant::now();
        if let Some(value) = self.cached(&key, begun) {
            return Ok(value);
        }
        let value = find.await?;
        self.insert(key, value.clone(), begun, begun.elapsed());
        Ok(value)
    }

    fn cached(&self, key: &K, now: Instant) -> Option<V> {
        let kept = self.kept.lock().ok()?;
        let found = kept.iter().find(|one| one.key == *key && one.until > now)?;
        Some(found.value.clone())
    }

    fn insert(&self, key: K, value: V, begun: Instant, cost: Duration) {
        let Ok(mut kept) = self.kept.lock() else {
            return;
        };
        kept.retain(|one| one.key != key);
        if kept.len() == MOST {
            kept.remove(0);
        }
        kept.push(CachedAnswer {
            key,
            value,
            until: begun + cost * (KEPT_FOR + 1),
        });
    }
}

impl<K, V> AnswerCache<K, V>
where
    K: Clone + PartialEq + Send + 'static,
    V: Clone + Send + 'static,
{
    /// The cached result for `key`, or that of `find` if ready within `wait`. Longer work continues in the
    /// background, once per key, for later requests.
    pub(super) async fn get_or_compute(
        self: &Arc<Self>,
        wait: Duration,
        key: K,
        find: impl Future<Output = V> + Send + 'static,
    ) -> Option<V> {
        let begun = Instant::now();
        if let Some(value) = self.cached(&key, begun) {
            return Some(value);
        }
        let place = PendingAnswer::reserve(self, key)?;
        let found = tokio::spawn(async move {
            let value = find.await;
            let PendingAnswer { all, key } = &place;
            all.insert(key.clone(), value.clone(), begun, begun.elapsed());
            value
        });
        timeout(wait, found).await.ok()?.ok()
    }
}

/// A place among the keys being computed, released when dropped.
struct PendingAnswer<K: PartialEq, V> {
    all: Arc<AnswerCache<K, V>>,
    key: K,
}

impl<K: Clone + PartialEq, V> PendingAnswer<K, V> {
    fn reserve(all: &Arc<AnswerCache<K, V>>, key: K) -> Option<Self> {
        let mut sought = all.sought.lock().ok()?;
        if sought.contains(&key) {
            return None;
        }
        sought.push(key.clone());
        Some(Self {
            all: Arc::clone(all),
            key,
        })
    }
}

impl<K: PartialEq, V> Drop for PendingAnswer<K, V> {
    fn drop(&mut self) {
        if let Ok(mut sought) = self.all.sought.lock() {
            sought.retain(|key| *key != self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_kept_for_a_multiple_of_what_it_cost() {
        let costly = AnswerCache::new();
        let begun = Instant::now();
        costly.insert("a", 1, begun, Duration::from_secs(1));
        assert_eq!(
            costly.cached(&"a", begun + Duration::from_secs(20)),
            Some(1)
        );
        assert_eq!(costly.cached(&"a", begun + Duration::from_secs(21)), None);
        assert_eq!(costly.cached(&"b", begun), None);
        costly.insert("a", 2, begun, Duration::from_secs(1));
        assert_eq!(costly.cached(&"a", begun), Some(2));
    }

    #[test]
    fn only_so_many_are_kept() {
        let costly = AnswerCache::new();
        let begun = Instant::now();
        for key in 0..=MOST {
            costly.insert(key, key, begun, Duration::from_secs(1));
        }
        assert_eq!(costly.cached(&0, begun), None);
        assert_eq!(costly.cached(&MOST, begun), Some(MOST));
    }

    #[tokio::test(start_paused = true)]
    async fn long_work_is_not_waited_for_and_is_done_once() {
        let costly = Arc::new(AnswerCache::new());
        let wait = Duration::from_millis(50);
        let slow = |value| async move {
            tokio::time::sleep(Duration::from_secs(2)).await;
            value
        };
        assert_eq!(costly.get_or_compute(wait, "a", slow(1)).await, None);
        assert_eq!(costly.get_or_compute(wait, "a", slow(2)).await, None);
        assert_eq!(costly.get_or_compute(wait, "b", async { 3 }).await, Some(3));
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert!(costly.sought.lock().unwrap().is_empty());
    }
}
