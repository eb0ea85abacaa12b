//! The open connections. Their number is limited: a new one replaces the one that has been idle longest.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// All connection slots of one listener.
#[derive(Clone, Debug)]
pub(crate) struct Seats(Arc<SeatsState>);

#[derive(Debug)]
struct SeatsState {
    most: usize,
    table: Mutex<SeatTable>,
    /// A connection ended, or became idle.
    changed: Notify,
    /// Counts events on all connections.
    clock: AtomicU64,
}

#[derive(Debug, Default)]
struct SeatTable {
    last_key: u64,
    taken: HashMap<u64, SeatRow>,
}

#[derive(Debug)]
struct SeatRow {
    connection: Arc<ConnectionActivity>,
    stage: ConnectionStage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ConnectionStage {
    Open,
    /// It was told to close, and is about to.
    Closing,
    /// A request arrived while it was told to close: it closes after the response.
    Leaving,
}

/// The activity of one connection.
#[derive(Debug)]
pub(crate) struct ConnectionActivity {
    /// The number of requests in progress.
    asked: AtomicUsize,
    /// When something was last sent, by the shared clock.
    progress: AtomicU64,
    close: CancellationToken,
    all: Arc<SeatsState>,
}

/// A connection's slot, which is freed when this is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    key: u64,
    activity: Arc<ConnectionActivity>,
}

/// A request in progress, until this is dropped.
#[derive(Debug)]
pub(crate) struct ActiveRequest(Arc<ConnectionActivity>);

impl Seats {
    /// Slots for `most` connections.
    pub(crate) fn new(most: usize) -> Self {
        Self(Arc::new(SeatsState {
            most,
            table: Mutex::default(),
            changed: Notify::new(),
            clock: AtomicU64::new(0),
        }))
    }

    /// Whether a new connection has to wait until another one ends.
    pub(crate) fn are_taken(&self) -> bool {
        self.0.table().taken.len() >= self.0.most
    }

    /// Takes a slot. If none is free, the connection that has been idle longest is told to close; if none is idle, this
    /// waits for the first that is.
    pub(crate) async fn take(&self) -> Seat {
        loop {
            let changed = self.0.changed.notified();
            {
                let mut table = self.0.table();
                if table.taken.len() < self.0.most {
                    return self.seat(&mut table);
                }
                if !table.is_closing() {
                    table.close_idle();
                }
            }
            changed.await;
        }
    }

    /// Takes a slot, even if none is free.
    pub(crate) fn take_another(&self) -> Seat {
        self.seat(&mut self.0.table())
    }

    /// Tells the connection that has been idle longest to close, if there is one.
    pub(crate) fn close_idle(&self) {
        self.0.table().close_idle();
    }

    fn seat(&self, table: &mut SeatTable) -> Seat {
        table.last_key += 1;
        let key = table.last_key;
        let activity = Arc::new(ConnectionActivity {
            asked: AtomicUsize::new(0),
            progress: AtomicU64::new(self.0.now()),
            close: CancellationToken::new(),
            all: Arc::clone(&self.0),
        });
        let row = SeatRow {
            connection: Arc::clone(&activity),
            stage: ConnectionStage::Open,
        };
        table.taken.insert(key, row);
        Seat { key, activity }
    }
}

impl SeatsState {
    fn table(&self) -> MutexGuard<'_, SeatTable> {
        // A panic halfway through a change still leaves a valid map.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::Relaxed)
    }
}

impl SeatTable {
    fn is_closing(&self) -> bool {
        self.taken
            .values()
            .any(|row| row.stage == ConnectionStage::Closing)
    }

    fn close_idle(&mut self) {
        let idle = self
            .taken
            .values_mut()
            .filter(|row| row.stage == ConnectionStage::Open && !row.connection.is_asked());
        if let Some(row) = idle.min_by_key(|row| row.connection.progress.load(Ordering::Relaxed)) {
            row.stage = ConnectionStage::Closing;
            row.connection.close.cancel();
        }
    }
}

impl ConnectionActivity {
    /// Something was sent.
    pub(crate) fn went_on(&self) {
        self.progress.store(self.all.now(), Ordering::Relaxed);
    }

    fn is_asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst) > 0
    }
}

impl Seat {
    /// The activity of this connection.
    pub(crate) fn activity(&self) -> Arc<ConnectionActivity> {
        Arc::clone(&self.activity)
    }

    /// Whether a request is in progress.
    pub(crate) fn is_asked(&self) -> bool {
        self.activity.is_asked()
    }

    /// Waits until the connection must close to make room for another one.
    pub(crate) async fn told_to_close(&self) {
        self.activity.close.cancelled().await;
    }

    /// A request arrived in the meantime, so another connection has to close instead.
    pub(crate) fn leave_later(&self) {
        let all = &self.activity.all;
        if let Some(row) = all.table().taken.get_mut(&self.key) {
            row.stage = ConnectionStage::Leaving;
        }
        all.changed.notify_one();
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let all = &self.activity.all;
        all.table().taken.remove(&self.key);
        all.changed.notify_one();
    }
}

impl ActiveRequest {
    /// A request has arrived.
    pub(crate) fn begin(activity: &Arc<ConnectionActivity>) -> Self {
        activity.asked.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(activity))
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        self.0.went_on();
        self.0.asked.fetch_sub(1, Ordering::SeqCst);
        self.0.all.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn is_told(seat: &Seat) -> bool {
        seat.told_to_close().now_or_never().is_some()
    }

    #[tokio::test]
    async fn the_one_that_is_idle_longest_goes_for_a_new_one() {
        let seats = Seats::new(3);
        let (first, second, third) = (seats.take().await, seats.take().await, seats.take().await);
        assert!(seats.are_taken());
        // After sending something, it is no longer the one that has been idle longest.
        first.activity().went_on();
        let mut next = Box::pin(seats.take());
        assert!(next.as_mut().now_or_never().is_none());
        assert_eq!([&first, &second, &third].map(is_told), [false, true, false]);
        // Only one goes, however often this is polled.
        assert!(next.as_mut().now_or_never().is_none());
        assert!(!is_told(&third));
        drop(second);
        assert!(next.now_or_never().is_some());
    }

    #[tokio::test]
    async fn one_that_is_asked_stays_and_a_new_one_waits_until_it_is_answered() {
        let seats = Seats::new(1);
        let seat = seats.take().await;
        let asking = ActiveRequest::begin(&seat.activity());
        let mut next = Box::pin(seats.take());
        assert!(next.as_mut().now_or_never().is_none());
        assert!(!is_told(&seat));
        drop(asking);
        assert!(next.as_mut().now_or_never().is_none());
        assert!(is_told(&seat));
    }

    #[tokio::test]
    async fn where_a_request_came_in_the_meantime_another_one_goes() {
        let seats = Seats::new(2);
        let (first, second) = (seats.take().await, seats.take().await);
        let mut next = Box::pin(seats.take());
        assert!(next.as_mut().now_or_never().is_none());
        assert!(is_told(&first) && !is_told(&second));
        let _asking = ActiveRequest::begin(&first.activity());
        first.leave_later();
        assert!(next.as_mut().now_or_never().is_none());
        assert!(is_told(&second));
    }
}
