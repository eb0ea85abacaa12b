//! Why a statement failed.

use std::any::Any;

use tokio::task::JoinError;

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

    /// As INSERT IGNORE has it, where that is what the statement is: MySQL writes the row with another value, or leaves it
    /// out.
    pub(crate) fn ignored(self, ignores: bool) -> Self {
        match &self {
            Self::Database {
                code: 1048 | 1242 | 1264 | 1265 | 1292 | 1364 | 1366 | 1406 | 1452 | 3140 | 3819,
                ..
            } if ignores => Self::unsupported("INSERT IGNORE of a row that is wrong"),
            _ => self,
        }
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

/// What a caller of an engine waits for.
pub(crate) type EngineResult<T> = Result<T, EngineError>;
