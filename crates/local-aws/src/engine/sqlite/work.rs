//! A running statement: its deadline, and what stops it.

use std::{sync::Arc, time::Duration};

use rusqlite::InterruptHandle;
use tokio::{
    sync::{Semaphore, watch},
    time::{Instant, timeout_at},
};

use crate::engine::{
    EngineError, EngineResult, SqlStatement, StatementResult, sqlite::connection::SqliteConnection,
    threads, threads::ThreadWork as Thread,
};

/// How often a statement is interrupted: one that has not begun yet does not notice.
const INTERRUPT_PAUSE: Duration = Duration::from_millis(10);
/// How long a statement may continue after its time limit: as long as a transaction may be idle.
const CONTINUED_LIMIT: Duration = Duration::from_secs(3 * 60);
/// How many may continue at once; any more are stopped at their time limit.
pub(crate) const MAX_CONTINUED: usize = 4;

/// A statement, its deadline, and whether the engine is stopping.
pub(crate) struct StatementRun {
    pub(crate) statement: SqlStatement,
    pub(crate) deadline: Instant,
    pub(crate) stopping: watch::Receiver<bool>,
    /// The slots for statements that continue.
    pub(crate) continued: Arc<Semaphore>,
}

type RunResult<T> = (EngineResult<Vec<StatementResult>>, T);

impl StatementRun {
    /// Runs it on its own thread. When its time is up it is stopped, unless it is to continue unwatched; that has a
    /// limit too, and everything stops with the engine.
    pub(crate) async fn run<T: Send + 'static>(
        self,
        connection: SqliteConnection,
        run: impl FnOnce(SqliteConnection, SqlStatement) -> RunResult<T> + Send + 'static,
    ) -> EngineResult<RunResult<T>> {
        let Self {
            statement,
            deadline,
            mut stopping,
            continued,
        } = self;
        let goes_on = statement.continue_after_timeout;
        let interrupt = connection.interrupt_handle();
        let mut thread = threads::start(move || run(connection, statement))?;
        if let Some(done) = until(&mut thread, deadline, &mut stopping).await {
            return done;
        }
        if goes_on
            && !*stopping.borrow()
            && let Ok(place) = continued.try_acquire_owned()
        {
            tokio::spawn(async move {
                let _place = place;
                let end = deadline + CONTINUED_LIMIT;
                if until(&mut thread, end, &mut stopping).await.is_none() {
                    // Nobody is waiting for its result.
                    let _ = interrupted(thread, &interrupt).await;
                }
            });
            return Err(EngineError::Timeout);
        }
        interrupted(thread, &interrupt).await
    }
}

/// Waits for the work until its time is up or the engine stops.
async fn until<T>(
    thread: &mut Thread<T>,
    end: Instant,
    stopping: &mut watch::Receiver<bool>,
) -> Option<EngineResult<T>> {
    tokio::select! {
        done = timeout_at(end, thread.wait()) => done.ok(),
        _ = stopping.wait_for(|stopping| *stopping) => None,
    }
}

async fn interrupted<T>(mut thread: Thread<T>, interrupt: &InterruptHandle) -> EngineResult<T> {
    loop {
        interrupt.interrupt();
        let again = Instant::now() + INTERRUPT_PAUSE;
        if let Ok(done) = timeout_at(again, thread.wait()).await {
            return done;
        }
    }
}
