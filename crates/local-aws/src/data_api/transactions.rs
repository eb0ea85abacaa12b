//! Open transactions, by their opaque ids, and the timers that end them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::{sync, task::AbortHandle, time::Instant};

use super::errors::DataApiError;
use crate::{
    engine::{DatabaseSession, SqlStatement, StatementResult, moment_after},
    lock::locked,
    options::Timeouts,
};

/// The transactions that are currently open.
#[derive(Debug)]
pub(super) struct Transactions {
    open: Arc<TransactionMap>,
    timeouts: Timeouts,
}

type TransactionMap = Mutex<HashMap<String, Arc<TransactionEntry>>>;

#[derive(Debug)]
struct TransactionEntry {
    /// Locked while a statement runs; `None` once the transaction has ended.
    session: sync::Mutex<Option<DatabaseSession>>,
    /// The database it was begun with, if one was named.
    database: Option<String>,
    used: Mutex<Instant>,
    clock: Mutex<Option<AbortHandle>>,
}

impl Transactions {
    pub(super) fn new(timeouts: Timeouts) -> Self {
        Self {
            open: Arc::default(),
            timeouts,
        }
    }

    /// Registers a session and starts its timer; returns the transaction's id.
    pub(super) fn open(&self, session: DatabaseSession, database: Option<String>) -> String {
        let id = new_id();
        let transaction = Arc::new(TransactionEntry {
            session: sync::Mutex::new(Some(session)),
            database,
            used: Mutex::new(Instant::now()),
            clock: Mutex::new(None),
        });
        locked(&self.open).insert(id.clone(), Arc::clone(&transaction));
        let clock = tokio::spawn(expire(
            Arc::clone(&self.open),
            id.clone(),
            Arc::clone(&transaction),
            self.timeouts,
        ));
        *locked(&transaction.clock) = Some(clock.abort_handle());
        id
    }

    /// Runs a statement in a transaction. An error that ends the transaction rolls it back.
    pub(super) async fn execute(
        &self,
        id: &str,
        database: Option<&str>,
        statement: SqlStatement,
    ) -> Result<Vec<StatementResult>, DataApiError> {
        let transaction = locked(&self.open)
            .get(id)
            .cloned()
            .ok_or_else(|| not_found(id))?;
        if database.is_some()
            && transaction.database.is_some()
            && database != transaction.database.as_deref()
        {
            return Err(DataApiError::BadRequest(
                "Database name is not the same as transaction".into(),
            ));
        }
        let mut guard = transaction
            .session
            .try_lock()
            .map_err(|_| still_running())?;
        let session = guard.as_mut().ok_or_else(|| not_found(id))?;
        let result = session.execute(statement).await;
        *locked(&transaction.used) = Instant::now();
        if let Err(error) = &result
            && error.ends_transaction()
        {
            locked(&self.open).remove(id);
            transaction.stop_clock();
            if let Some(session) = guard.take() {
                // The original error is more useful than one from a failed rollback.
                let _ = session.rollback().await;
            }
        }
        Ok(result?)
    }

    /// Checks that a transaction is open.
    pub(super) fn check(&self, id: &str) -> Result<(), DataApiError> {
        let known = locked(&self.open).contains_key(id);
        known.then_some(()).ok_or_else(|| not_found(id))
    }

    /// Commits or rolls back. A commit is refused while a statement runs. A rollback waits for the statement: its
    /// caller may have given up on it, and an abandoned transaction holds its locks for minutes.
    pub(super) async fn end(&self, id: &str, commit: bool) -> Result<(), DataApiError> {
        let transaction = {
            let mut open = locked(&self.open);
            let transaction = open.get(id).ok_or_else(|| not_found(id))?;
            if commit && transaction.session.try_lock().is_err() {
                return Err(still_running());
            }
            open.remove(id).ok_or_else(|| not_found(id))?
        };
        transaction.stop_clock();
        let session = transaction
            .session
            .lock()
            .await
            .take()
            .ok_or_else(|| not_found(id))?;
        Ok(if commit {
            session.commit().await
        } else {
            session.rollback().await
        }?)
    }

    /// Rolls back every open transaction.
    pub(super) async fn close(&self) {
        let all: Vec<_> = locked(&self.open)
            .drain()
            .map(|(_, transaction)| transaction)
            .collect();
        for transaction in all {
            transaction.stop_clock();
            if let Some(session) = transaction.session.lock().await.take() {
                let _ = session.rollback().await;
            }
        }
    }
}

impl TransactionEntry {
    fn stop_clock(&self) {
        if let Some(clock) = locked(&self.clock).take() {
            clock.abort();
        }
    }
}

/// Waits until a transaction has been idle or open for too long, and rolls it back.
async fn expire(
    open: Arc<TransactionMap>,
    id: String,
    transaction: Arc<TransactionEntry>,
    timeouts: Timeouts,
) {
    let end = moment_after(Instant::now(), timeouts.transaction_whole);
    loop {
        let idle = moment_after(*locked(&transaction.used), timeouts.transaction_idle);
        tokio::time::sleep_until(end.min(idle)).await;
        // A running statement counts as activity: wait for it, then check again.
        let mut session = transaction.session.lock().await;
        let idle = moment_after(*locked(&transaction.used), timeouts.transaction_idle);
        if Instant::now() < end.min(idle) {
            continue;
        }
        locked(&open).remove(&id);
        if let Some(session) = session.take() {
            tracing::debug!("a transaction timed out and is rolled back");
            let _ = session.rollback().await;
        }
        return;
    }
}

fn not_found(id: &str) -> DataApiError {
    DataApiError::TransactionNotFound(id.to_owned())
}

fn still_running() -> DataApiError {
    DataApiError::Database("Transaction is still running a query".into())
}

/// Opaque and unguessable, like the service's: base64 of six random UUIDs.
fn new_id() -> String {
    let bytes: Vec<u8> = (0..6)
        .flat_map(|_| uuid::Uuid::new_v4().into_bytes())
        .collect();
    STANDARD.encode(bytes)
}
