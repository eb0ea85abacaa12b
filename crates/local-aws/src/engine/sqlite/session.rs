//! A transaction of the embedded engine.

use std::sync::Arc;

use tokio::{sync::OwnedSemaphorePermit, time::Instant};

use super::shared::EngineState;
use crate::{
    engine::{
        EngineError, EngineResult, Rights, SqlStatement, StatementResult, moment_after,
        plan::StatementKind,
        sqlite::{connection::SqliteConnection, places::WriterPermit, work::StatementRun},
        threads,
    },
    lock::locked,
};

/// An open transaction. Dropping it closes its connection, which rolls it back.
#[derive(Debug)]
pub(crate) struct SqliteSession {
    shared: Arc<EngineState>,
    rights: Rights,
    /// Open from the first statement on, so that those waiting for the writer slot hold none. Gone if a statement
    /// continued past its time limit, or panicked.
    connection: Option<SqliteConnection>,
    state: TransactionState,
    _place: OwnedSemaphorePermit,
}

/// How far a transaction has come.
#[derive(Debug)]
enum TransactionState {
    /// No statement yet: no snapshot, no lock.
    Fresh,
    /// It has read, and sees the database as it was at that time.
    Reading,
    /// It writes, and holds the writer slot.
    Writing(#[expect(dead_code, reason = "held until the transaction ends")] WriterPermit),
}

/// How a transaction ends.
#[derive(Debug, Clone, Copy)]
enum TransactionEnd {
    Commit,
    Rollback,
}

impl SqliteSession {
    pub(super) fn new(
        shared: Arc<EngineState>,
        rights: Rights,
        place: OwnedSemaphorePermit,
    ) -> Self {
        Self {
            shared,
            rights,
            connection: None,
            state: TransactionState::Fresh,
            _place: place,
        }
    }

    /// Runs a statement within the transaction.
    pub(crate) async fn execute(
        &mut self,
        statement: SqlStatement,
    ) -> EngineResult<Vec<StatementResult>> {
        let deadline = moment_after(Instant::now(), statement.timeout);
        let plans = self.shared.plans(self.rights, &statement, deadline).await?;
        let kind = plans
            .first()
            .map_or(StatementKind::Nothing, |plan| plan.kind);
        let is_first = matches!(self.state, TransactionState::Fresh);
        let begin = self.prepare(kind, deadline).await?;
        let connection = self.take_connection(is_first).await?;
        let definition = kind == StatementKind::Definition;
        let shared = Arc::clone(&self.shared);
        let journal = self.shared.journal.clone();
        let work = StatementRun {
            statement,
            deadline,
            stopping: self.shared.stopping.subscribe(),
            continued: Arc::clone(&self.shared.continued),
        };
        let (result, connection) = work
            .run(connection, move |connection, statement| {
                let result = begin
                    .map_or(Ok(()), |begin| connection.control(begin))
                    .and_then(|()| {
                        if definition {
                            connection.write_all(&plans, &statement, &journal)
                        } else {
                            connection.run_all(&plans, &statement)
                        }
                    });
                let result = if definition {
                    locked(&shared.idle).clear();
                    result
                        .and_then(|outcomes| shared.read_catalogue(&connection).map(|()| outcomes))
                } else {
                    result
                };
                (result, connection)
            })
            .await?;
        self.connection = Some(connection);
        if definition {
            self.state = TransactionState::Fresh;
        }
        // A holder of the writer slot does not wait for the disk here: the end of the transaction does.
        if !matches!(self.state, TransactionState::Writing(_)) {
            self.shared.wait_for_sync().await?;
        }
        result
    }

    async fn take_connection(&mut self, is_first: bool) -> EngineResult<SqliteConnection> {
        match self.connection.take() {
            Some(connection) => Ok(connection),
            None if is_first => {
                let connection = self.shared.connection().await;
                if connection.is_err() {
                    // It has not begun, and must not block other writers.
                    self.state = TransactionState::Fresh;
                }
                connection
            }
            None => Err(EngineError::LinkFailure),
        }
    }

    /// Takes the lock that a statement needs; returns how to begin the transaction, if it has not begun yet.
    async fn prepare(
        &mut self,
        kind: StatementKind,
        deadline: Instant,
    ) -> EngineResult<Option<&'static str>> {
        if kind == StatementKind::Definition {
            // As in MySQL, a definition commits the open transaction, and does not belong to any.
            self.finish(TransactionEnd::Commit).await?;
            self.state = TransactionState::Writing(self.shared.writer.take(deadline).await?);
            return Ok(None);
        }
        match (&self.state, kind.writes()) {
            (TransactionState::Fresh, false) => {
                self.state = TransactionState::Reading;
                Ok(Some("BEGIN"))
            }
            (TransactionState::Fresh, true) => {
                self.state = TransactionState::Writing(self.shared.writer.take(deadline).await?);
                Ok(Some("BEGIN IMMEDIATE"))
            }
            (TransactionState::Reading, true) => {
                self.state = TransactionState::Writing(self.shared.writer.take(deadline).await?);
                Ok(None)
            }
            (TransactionState::Reading, false) | (TransactionState::Writing(_), _) => Ok(None),
        }
    }

    async fn finish(&mut self, how: TransactionEnd) -> EngineResult<()> {
        if matches!(self.state, TransactionState::Fresh) {
            return Ok(());
        }
        let connection = self.connection.take().ok_or(EngineError::LinkFailure)?;
        let journal = self.shared.journal.clone();
        let (result, connection) = threads::run(move || {
            // Some failures have already rolled it back.
            let result = match how {
                _ if connection.sqlite.is_autocommit() => Ok(()),
                TransactionEnd::Commit => connection
                    .commit(&journal)
                    .map(|()| connection.forget_ids()),
                TransactionEnd::Rollback => connection
                    .control("ROLLBACK")
                    .and_then(|()| connection.use_up_ids(Some(&journal))),
            };
            (result, connection)
        })
        .await?;
        self.connection = Some(connection);
        self.state = TransactionState::Fresh;
        result
    }

    pub(crate) async fn commit(mut self) -> EngineResult<()> {
        self.finish(TransactionEnd::Commit).await?;
        self.give_back();
        self.shared.wait_for_sync().await
    }

    pub(crate) async fn rollback(mut self) -> EngineResult<()> {
        self.finish(TransactionEnd::Rollback).await?;
        self.give_back();
        // Everything that its statements have seen must be on disk before its caller continues.
        self.shared.wait_for_sync().await
    }

    fn give_back(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.shared.give_back(connection);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use crate::{
        engine::{SqlStatement, sqlite::SqliteEngine},
        lock::locked,
        options::Storage,
    };

    #[tokio::test]
    async fn transactions_that_wait_to_write_keep_no_connection() {
        let engine = SqliteEngine::open(&Storage::InMemory, "d").unwrap();
        let idle = || locked(&engine.shared.idle).len();
        engine
            .execute(SqlStatement::of("CREATE TABLE t (id BIGINT PRIMARY KEY)"))
            .await
            .unwrap();
        engine
            .execute(SqlStatement::of("DELETE FROM t"))
            .await
            .unwrap();
        assert_eq!(idle(), 1);
        let mut first = engine.begin().unwrap();
        let mut others: Vec<_> = (0..100).map(|_| engine.begin().unwrap()).collect();
        assert_eq!(idle(), 1);
        first
            .execute(SqlStatement::of("INSERT INTO t VALUES (1)"))
            .await
            .unwrap();
        assert_eq!(idle(), 0);
        for other in &mut others {
            let waiting = other.execute(SqlStatement::of("INSERT INTO t VALUES (2)"));
            assert!(waiting.now_or_never().is_none());
        }
        assert!(others.iter().all(|other| other.connection.is_none()));
        first.commit().await.unwrap();
        assert_eq!(idle(), 1);
        let mut second = others.pop().unwrap();
        drop(others);
        second
            .execute(SqlStatement::of("INSERT INTO t VALUES (2)"))
            .await
            .unwrap();
        assert_eq!(idle(), 0);
        second.commit().await.unwrap();
        let all = engine
            .execute(SqlStatement::of("SELECT id FROM t"))
            .await
            .unwrap();
        assert_eq!(all[0].rows.len(), 2);
        engine.close().await;
    }
}
