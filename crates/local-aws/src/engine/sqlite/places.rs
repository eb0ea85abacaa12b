//! Which statements may run and write: a limited number of slots, handed out in request order.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};

use crate::engine::{EngineError, EngineResult};

/// How long a writer waits for another one's transaction. InnoDB waits 50 s for a row, longer than a statement may
/// take; here one transaction blocks every other writer, so it should be reported early.
pub(crate) const LOCK_WAIT: Duration = Duration::from_secs(8);

/// Waits for a slot.
pub(crate) async fn permit(
    places: &Arc<Semaphore>,
    deadline: Instant,
) -> EngineResult<OwnedSemaphorePermit> {
    match timeout_at(deadline, Arc::clone(places).acquire_owned()).await {
        Ok(Ok(permit)) => Ok(permit),
        Ok(Err(_)) => Err(EngineError::Unavailable),
        Err(_) => Err(EngineError::Timeout),
    }
}

/// The single writer slot.
#[derive(Debug, Clone)]
pub(crate) struct WriterPlace {
    place: Arc<Semaphore>,
    /// When it was taken.
    since: Arc<Mutex<Option<Instant>>>,
    patience: Duration,
}

/// The writer slot, held until this is dropped.
#[derive(Debug)]
pub(crate) struct WriterPermit {
    writer: WriterPlace,
    _place: OwnedSemaphorePermit,
}

impl WriterPlace {
    pub(crate) fn new(patience: Duration) -> Self {
        Self {
            patience,
            place: Arc::new(Semaphore::new(1)),
            since: Arc::default(),
        }
    }

    /// Takes the slot; if another writer holds it for too long, the error and the log say for how long.
    pub(crate) async fn take(&self, deadline: Instant) -> EngineResult<WriterPermit> {
        let patience = Instant::now() + self.patience;
        match permit(&self.place, deadline.min(patience)).await {
            Ok(place) => {
                self.set(Some(Instant::now()));
                Ok(WriterPermit {
                    writer: self.clone(),
                    _place: place,
                })
            }
            Err(EngineError::Timeout) if patience < deadline => {
                let since = *self.since.lock().unwrap_or_else(PoisonError::into_inner);
                let seconds = since.map_or(0, |since| since.elapsed().as_secs());
                tracing::warn!(
                    seconds,
                    "a transaction is open and keeps others from writing"
                );
                Err(EngineError::database(
                    1205,
                    "HY000",
                    format!(
                        "Lock wait timeout exceeded; try restarting transaction: another transaction has been open \
                         for {seconds} s, and the embedded engine has one writer at a time"
                    ),
                ))
            }
            Err(error) => Err(error),
        }
    }

    fn set(&self, since: Option<Instant>) {
        *self.since.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }
}

impl Drop for WriterPermit {
    fn drop(&mut self) {
        self.writer.set(None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_writer_that_waits_too_long_is_told_of_the_open_transaction() {
        let writer = WriterPlace::new(Duration::from_millis(50));
        let far = Instant::now() + Duration::from_secs(60);
        let first = writer.take(far).await.unwrap();
        let error = writer.take(far).await.unwrap_err().to_string();
        assert!(
            error.contains("another transaction has been open"),
            "{error}"
        );
        let now = Instant::now();
        assert_eq!(writer.take(now).await.unwrap_err(), EngineError::Timeout);
        drop(first);
        assert!(writer.take(far).await.is_ok());
    }
}
