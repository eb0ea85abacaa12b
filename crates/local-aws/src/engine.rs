//! What runs the SQL: one vocabulary for the Data API, two engines behind it.

mod analysis;
mod arities;
mod catalogue;
mod changes;
mod charsets;
mod collation;
mod column_types;
mod dates;
mod definitions;
mod json;
mod kinds;
mod mysql_functions;
mod numbers;
mod plans;
mod schema_tables;
mod shows;
mod sqlite_connection;
mod sqlite_dates;
mod sqlite_errors;
mod sqlite_explain;
mod sqlite_functions;
mod sqlite_parse;
mod sqlite_places;
mod sqlite_results;
mod sqlite_rights;
mod sqlite_text;
mod sqlite_work;
mod sqlite_writes;
mod stores;
mod variables;

pub(crate) mod mariadb;
pub(crate) mod mariadb_process;
pub(crate) mod mysql;
pub(crate) mod mysql_run;
pub(crate) mod mysql_target;
pub(crate) mod mysql_text;
pub(crate) mod mysql_values;
pub(crate) mod mysql_writes;
pub(crate) mod sqlite;
pub(crate) mod threads;
pub(crate) mod translation;

use std::{any::Any, collections::HashMap, sync::Arc, time::Duration};

use tokio::{task::JoinError, time::Instant};

/// A value on its way to or from the database.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Boolean(bool),
    Long(i64),
    Double(f64),
    /// A decimal number, digit by digit.
    Decimal(String),
    Text(String),
    Blob(Vec<u8>),
}

impl Value {
    /// About how many bytes the database sends for it.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Null | Self::Boolean(_) => 1,
            Self::Long(_) | Self::Double(_) => 8,
            Self::Decimal(text) | Self::Text(text) => text.len(),
            Self::Blob(bytes) => bytes.len(),
        }
    }
}

/// The named parameters of one execution.
pub(crate) type Parameters = HashMap<String, Value>;

/// One statement to run.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    pub(crate) sql: Arc<str>,
    /// One execution for each set; more than one for a batch only.
    pub(crate) sets: Vec<Parameters>,
    /// How long it may take.
    pub(crate) timeout: Duration,
    /// Whether it goes on, unwatched, after its time is up.
    pub(crate) continue_after_timeout: bool,
    /// Whether columns are described.
    pub(crate) metadata: bool,
    /// How many bytes of values the answer may hold.
    pub(crate) max_bytes: usize,
}

/// A column of a result, in the terms of JDBC's `ResultSetMetaData`, as the service describes it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) label: String,
    /// A number of `java.sql.Types`.
    pub(crate) type_code: i32,
    pub(crate) type_name: String,
    pub(crate) table_name: String,
    pub(crate) auto_increment: bool,
    pub(crate) signed: bool,
    pub(crate) case_sensitive: bool,
    pub(crate) nullable: bool,
    pub(crate) precision: i32,
    pub(crate) scale: i32,
}

/// What a statement gave.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Outcome {
    /// Set for a query, with just the labels unless metadata was asked for.
    pub(crate) columns: Option<Vec<Column>>,
    pub(crate) rows: Vec<Vec<Value>>,
    pub(crate) updated: u64,
    /// The values of an AUTO_INCREMENT column, one for each row inserted.
    pub(crate) generated: Vec<i64>,
}

/// The longest row of a result, in bytes:
/// <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/data-api.limitations.html>.
pub(crate) const MAX_ROW_BYTES: usize = 64 * 1024;

/// Counts the bytes of a result while it is read, so that no oversized one is held in memory.
#[derive(Debug)]
pub(crate) struct Meter {
    left: usize,
}

impl Meter {
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self { left: max_bytes }
    }

    /// Takes one row into account.
    pub(crate) fn row(&mut self, row: &[Value]) -> Result<(), EngineError> {
        let size = row.iter().map(Value::size).sum();
        if size > MAX_ROW_BYTES {
            return Err(EngineError::RowTooLarge);
        }
        self.left = self
            .left
            .checked_sub(size)
            .ok_or(EngineError::ResultTooLarge)?;
        Ok(())
    }
}

/// Why a statement failed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum EngineError {
    /// The database said no, in MySQL's words.
    #[error("{message} ({code}, {state})")]
    Database {
        message: String,
        code: u16,
        state: String,
    },
    /// As [`EngineError::Database`], and the transaction is gone.
    #[error("deadlock")]
    Deadlock,
    /// The statement names a parameter that the request does not bring.
    #[error("no parameter {0}")]
    MissingParameter(String),
    /// More than one statement in one text.
    #[error("several statements")]
    SeveralStatements,
    #[error("the statement took too long")]
    Timeout,
    #[error("the result is too large")]
    ResultTooLarge,
    #[error("a row is too large")]
    RowTooLarge,
    /// The connection broke while the statement ran: whether it took effect is unknown.
    #[error("the connection was lost")]
    LinkFailure,
    /// The database cannot be reached.
    #[error("the database is unavailable")]
    Unavailable,
    /// The database refuses the secret's user or password.
    #[error("access denied")]
    AccessDenied(String),
    /// The disk has no room, or did not do its part.
    #[error("{0}")]
    Storage(String),
    /// Something that is our fault.
    #[error("internal: {0}")]
    Internal(String),
}

impl EngineError {
    pub(crate) fn database(code: u16, state: &str, message: impl Into<String>) -> Self {
        Self::Database {
            message: message.into(),
            code,
            state: state.to_owned(),
        }
    }

    /// The embedded engine's answer to what it does not do as MySQL does.
    pub(crate) fn unsupported(what: &str) -> Self {
        Self::database(
            1235,
            "42000",
            format!(
                "This version of MySQL doesn't yet support '{what}': the embedded engine leaves it to a server with \
                 --engine mariadb"
            ),
        )
    }

    /// Of work whose task did not get to its end.
    pub(crate) fn unfinished(error: JoinError) -> Self {
        Self::Internal(why_unfinished(error))
    }

    /// Whether a transaction can go on after this error.
    pub(crate) fn ends_transaction(&self) -> bool {
        !matches!(
            self,
            Self::Database { .. } | Self::MissingParameter(_) | Self::SeveralStatements
        )
    }
}

/// Why a task did not get to its end, for the log.
///
/// A panic's message is given only where it is a literal: a composed one may hold a value of the statement.
pub(crate) fn why_unfinished(error: JoinError) -> String {
    match error.try_into_panic() {
        Ok(panic) => panic_cause(&*panic),
        Err(_) => "the task was cancelled".to_owned(),
    }
}

/// What a panic says, as far as that holds no value: a literal.
pub(crate) fn panic_cause(panic: &(dyn Any + Send)) -> String {
    match panic.downcast_ref::<&'static str>() {
        Some(message) => format!("panic: {message}"),
        None => "panic".to_owned(),
    }
}

/// The moment after so long a wait; a wait without end ends in a hundred years.
pub(crate) fn moment_after(from: Instant, wait: Duration) -> Instant {
    const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
    from + wait.min(CENTURY)
}

/// What a caller of an engine waits for.
pub(crate) type EngineResult<T> = Result<T, EngineError>;

/// What a user may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rights {
    /// Everything.
    Owner,
    /// `SELECT`.
    Reader,
    /// `SELECT`, `INSERT` and `DELETE`.
    Writer,
}

impl Rights {
    /// The user's name.
    pub(crate) fn user(self) -> &'static str {
        match self {
            Self::Owner => "fleet",
            Self::Reader => "fleet_reader",
            Self::Writer => "fleet_writer",
        }
    }
}

/// The engine in use.
#[derive(Debug, Clone)]
pub(crate) enum Database {
    Sqlite(sqlite::Engine),
    MySql(mysql::Engine),
}

/// An open transaction of either engine. Dropping one rolls it back.
#[derive(Debug)]
pub(crate) enum Session {
    Sqlite(sqlite::Session),
    MySql(mysql::Session),
}

impl Database {
    /// Runs a statement, each set of parameters once, on its own: all of it is committed, or none.
    pub(crate) async fn execute(&self, statement: Statement) -> EngineResult<Vec<Outcome>> {
        match self {
            Self::Sqlite(engine) => engine.execute(statement).await,
            Self::MySql(engine) => engine.execute(statement).await,
        }
    }

    /// Opens a transaction. No lock is taken until its first statement.
    pub(crate) async fn begin(&self) -> EngineResult<Session> {
        Ok(match self {
            Self::Sqlite(engine) => Session::Sqlite(engine.begin().await?),
            Self::MySql(engine) => Session::MySql(engine.begin().await?),
        })
    }

    /// Waits for the statements under way, then closes every connection.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(engine) => engine.close().await,
            Self::MySql(engine) => engine.close().await,
        }
    }
}

impl Session {
    /// Runs a statement within the transaction.
    pub(crate) async fn execute(&mut self, statement: Statement) -> EngineResult<Vec<Outcome>> {
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
