//! The limits of a short read: SQLite asks now and then whether to continue.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use rusqlite::Connection as Sqlite;

use crate::lock::locked;

/// After how many instructions SQLite asks whether to continue.
const INSTRUCTIONS: i32 = 100;
/// How many times it may continue. Reading an instance with a few packages takes some 200 instructions, and 50 µs.
const TIMES: u32 = 20;
/// The time limit, however few instructions it takes: others wait for this thread.
const LONGEST: Duration = Duration::from_millis(1);

/// The rest of a short read's allowance; `None` for all others. Shared by a connection and SQLite.
#[derive(Debug, Clone, Default)]
pub(crate) struct Allowance(Arc<Mutex<Option<RemainingTime>>>);

#[derive(Debug)]
struct RemainingTime {
    times: u32,
    until: Instant,
    is_stopped: bool,
}

impl Allowance {
    /// Makes SQLite ask.
    pub(crate) fn register(&self, connection: &Sqlite) {
        let shared = Arc::clone(&self.0);
        let stops = move || {
            locked(&shared)
                .as_mut()
                .is_some_and(RemainingTime::is_used_up)
        };
        connection.progress_handler(INSTRUCTIONS, Some(stops));
    }

    /// Starts a short read.
    pub(super) fn begin(&self) {
        *locked(&self.0) = Some(RemainingTime {
            times: TIMES,
            until: Instant::now() + LONGEST,
            is_stopped: false,
        });
    }

    /// Ends the read; returns whether it was allowed to finish.
    pub(super) fn end(&self) -> bool {
        let left = locked(&self.0).take();
        left.is_some_and(|left| !left.is_stopped)
    }
}

impl RemainingTime {
    fn is_used_up(&mut self) -> bool {
        self.times = self.times.saturating_sub(1);
        self.is_stopped |= self.times == 0 || Instant::now() >= self.until;
        self.is_stopped
    }
}
