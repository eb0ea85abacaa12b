//! The engine in use, and its transactions.

use crate::engine::{EngineResult, SqlStatement, StatementResult, mysql, sqlite};

/// The engine in use.
#[derive(Debug, Clone)]
pub(crate) enum Database {
    Sqlite(sqlite::SqliteEngine),
    MySql(mysql::MySqlEngine),
}

/// An open transaction of either engine. Dropping one rolls it back.
#[derive(Debug)]
pub(crate) enum DatabaseSession {
    Sqlite(Box<sqlite::SqliteSession>),
    MySql(mysql::MySqlSession),
}

impl Database {
    /// Runs a statement outside any transaction, once for each parameter set: all of it is committed, or none.
    pub(crate) async fn execute(
        &self,
        statement: SqlStatement,
    ) -> EngineResult<Vec<StatementResult>> {
        match self {
            Self::Sqlite(engine) => engine.execute(statement).await,
            Self::MySql(engine) => engine.execute(statement).await,
        }
    }

    /// Opens a transaction. No lock is taken until its first statement.
    pub(crate) async fn begin(&self) -> EngineResult<DatabaseSession> {
        Ok(match self {
            Self::Sqlite(engine) => DatabaseSession::Sqlite(Box::new(engine.begin()?)),
            Self::MySql(engine) => DatabaseSession::MySql(engine.begin().await?),
        })
    }

    /// Waits for running statements, then closes every connection.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(engine) => engine.close().await,
            Self::MySql(engine) => engine.close().await,
        }
    }
}

impl DatabaseSession {
    /// Runs a statement within the transaction.
    pub(crate) async fn execute(
        &mut self,
        statement: SqlStatement,
    ) -> EngineResult<Vec<StatementResult>> {
        match self {
            Self::Sqlite(session) => session.execute(statement).await,
            Self::MySql(session) => session.execute(statement).await,
        }
    }

    pub(crate) async fn commit(self) -> EngineResult<()> {
        match self {
            Self::Sqlite(session) => session.commit().await,
            Self::MySql(session) => session.commit().await,
        }
    }

    pub(crate) async fn rollback(self) -> EngineResult<()> {
        match self {
            Self::Sqlite(session) => session.rollback().await,
            Self::MySql(session) => session.rollback().await,
        }
    }
}
