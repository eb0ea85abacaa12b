//! Why a statement failed.

use std::any::Any;

use tokio::task::JoinError;

/// Why a statement failed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum EngineError {
    /// The database refused the statement, in MySQL's words.
    #[error("{message} ({code}, {state})")]
    Database {
        message: String,
        code: u16,
        state: String,
    },
    /// Like [`EngineError::Database`], and the transaction is gone.
    #[error("deadlock")]
    Deadlock,
    /// The statement names a parameter that the request does not supply.
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
    /// The connection broke while the statement ran; it is unknown whether it took effect.
    #[error("the connection was lost")]
    LinkFailure,
    /// The database cannot be reached.
    #[error("the database is unavailable")]
    Unavailable,
    /// The database rejects the secret's user or password.
    #[error("access denied")]
    AccessDenied(String),
    /// The disk is full or has failed.
    #[error("{0}")]
    Storage(String),
    /// An internal error.
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

    /// The embedded engine's error for anything it does not do as MySQL does.
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

    /// The error that an INSERT IGNORE reports instead, if the statement is one: MySQL would write the row with another
    /// value, or skip it.
    pub(crate) fn ignored(self, ignores: bool) -> Self {
        match &self {
            Self::Database {
                code: 1048 | 1242 | 1264 | 1265 | 1292 | 1364 | 1366 | 1406 | 1452 | 3140 | 3819,
                ..
            } if ignores => Self::unsupported("INSERT IGNORE of a row that is wrong"),
            _ => self,
        }
    }

    /// The error for work whose task did not finish.
    pub(crate) fn unfinished(error: JoinError) -> Self {
        Self::Internal(why_unfinished(error))
    }

    /// Whether this error ends the transaction.
    pub(crate) fn ends_transaction(&self) -> bool {
        !matches!(
            self,
            Self::Database { .. } | Self::MissingParameter(_) | Self::SeveralStatements
        )
    }
}

/// Why a task did not finish, for the log.
///
/// A panic's message is included only if it is a literal: a formatted one may contain a value from the statement.
pub(crate) fn why_unfinished(error: JoinError) -> String {
    match error.try_into_panic() {
        Ok(panic) => panic_cause(&*panic),
        Err(_) => "the task was cancelled".to_owned(),
    }
}

/// A panic's message if it is a literal, which cannot contain a value.
pub(crate) fn panic_cause(panic: &(dyn Any + Send)) -> String {
    match panic.downcast_ref::<&'static str>() {
        Some(message) => format!("panic: {message}"),
        None => "panic".to_owned(),
    }
}

/// The result of a call to an engine.
pub(crate) type EngineResult<T> = Result<T, EngineError>;
