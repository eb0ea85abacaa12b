//! Answers that cost time in proportion to the size of a store, kept for a while that grows with their cost.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

/// How much longer an answer is kept than it took: finding them takes a twentieth of the time at most.
const KEPT_FOR: u32 = 20;
/// The most answers that are kept.
const MOST: usize = 16;

struct Kept<K, V> {
    key: K,
    value: V,
    until: Instant,
}

/// Kept answers by what was asked.
pub(super) struct Costly<K, V>(Mutex<Vec<Kept<K, V>>>);

impl<K: PartialEq, V: Clone> Costly<K, V> {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// What is kept for `key`, or else what `find` answers.
    pub(super) async fn get<E>(
        &self,
        key: K,
        find: impl Future<Output = Result<V, E>>,
    ) -> Result<V, E> {
        let begun = Instant::now();
        if let Some(value) = self.kept(&key, begun) {
            return Ok(value);
        }
        let value = find.await?;
        self.keep(key, value.clone(), begun, begun.elapsed());
        Ok(value)
    }

    fn kept(&self, key: &K, now: Instant) -> Option<V> {
        let kept = self.0.lock().ok()?;
        let found = kept.iter().find(|one| one.key == *key && one.until > now)?;
        Some(found.value.clone())
    }

    fn keep(&self, key: K, value: V, begun: Instant, cost: Duration) {
        let Ok(mut kept) = self.0.lock() else { return };
        kept.retain(|one| one.key != key);
        if kept.len() == MOST {
            kept.remove(0);
        }
        kept.push(Kept {
            key,
            value,
            until: begun + cost * (KEPT_FOR + 1),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_kept_for_a_multiple_of_what_it_cost() {
        let costly = Costly::new();
        let begun = Instant::now();
        costly.keep("a", 1, begun, Duration::from_secs(1));
        assert_eq!(costly.kept(&"a", begun + Duration::from_secs(20)), Some(1));
        assert_eq!(costly.kept(&"a", begun + Duration::from_secs(21)), None);
        assert_eq!(costly.kept(&"b", begun), None);
        costly.keep("a", 2, begun, Duration::from_secs(1));
        assert_eq!(costly.kept(&"a", begun), Some(2));
    }

    #[test]
    fn only_so_many_are_kept() {
        let costly = Costly::new();
        let begun = Instant::now();
        for key in 0..=MOST {
            costly.keep(key, key, begun, Duration::from_secs(1));
        }
        assert_eq!(costly.kept(&0, begun), None);
        assert_eq!(costly.kept(&MOST, begun), Some(MOST));
    }
}
