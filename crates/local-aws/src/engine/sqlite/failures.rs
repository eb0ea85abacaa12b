//! SQLite's failures, by code alone.

use rusqlite::{ErrorCode, ffi};

use crate::engine::EngineError;

/// The error of an internal statement, not the client's.
pub(crate) fn plain(error: &rusqlite::Error) -> EngineError {
    let (code, text) = parts(error);
    by_code(code).unwrap_or_else(|| EngineError::Internal(text.to_owned()))
}

/// The extended result code, and the message.
pub(crate) fn parts(error: &rusqlite::Error) -> (Option<ffi::Error>, &str) {
    match error {
        rusqlite::Error::SqliteFailure(code, Some(text)) => (Some(*code), text),
        rusqlite::Error::SqliteFailure(code, None) => (Some(*code), "no message"),
        rusqlite::Error::SqlInputError { error, msg, .. } => (Some(*error), msg),
        _ => (None, "a statement was used wrongly"),
    }
}

/// The error that the code alone indicates.
pub(crate) fn by_code(error: Option<ffi::Error>) -> Option<EngineError> {
    let error = error?;
    match error.code {
        _ if error.extended_code == ffi::SQLITE_BUSY_SNAPSHOT => Some(EngineError::Deadlock),
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Some(EngineError::database(
            1205,
            "HY000",
            "Lock wait timeout exceeded; try restarting transaction",
        )),
        ErrorCode::OperationInterrupted => Some(EngineError::Timeout),
        ErrorCode::TooBig => Some(EngineError::database(
            1153,
            "08S01",
            "Got a packet bigger than 'max_allowed_packet' bytes",
        )),
        ErrorCode::DiskFull => Some(EngineError::Storage("the disk is full".into())),
        ErrorCode::SystemIoFailure | ErrorCode::ReadOnly | ErrorCode::CannotOpen => {
            Some(EngineError::Storage(format!(
                "writing to the disk failed; it may be full, over a quota or broken ({error})"
            )))
        }
        ErrorCode::DatabaseCorrupt
        | ErrorCode::NotADatabase
        | ErrorCode::OutOfMemory
        | ErrorCode::InternalMalfunction => Some(EngineError::Internal(error.to_string())),
        _ => None,
    }
}
