//! SQLite's errors in MySQL's words, numbers and states.
//!
//! <https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html>

use rusqlite::{ErrorCode, ffi};

use super::{
    EngineError, Parameters, analysis::no_table, plans::Plan, sqlite_connection::Connection,
    sqlite_explain as explain, sqlite_functions as functions,
};

/// An error of a statement that is not the client's.
pub(super) fn plain(error: &rusqlite::Error) -> EngineError {
    let (code, text) = parts(error);
    by_code(code).unwrap_or_else(|| EngineError::Internal(text.to_owned()))
}

/// An error of a client's statement, explained from the statement and the database.
pub(super) fn explained(
    connection: &Connection,
    plan: &Plan,
    parameters: &Parameters,
    error: &rusqlite::Error,
) -> EngineError {
    let (code, text) = parts(error);
    if let Some(error) = by_code(code) {
        return error;
    }
    let context = explain::Context {
        connection,
        plan,
        parameters,
    };
    if let Some(columns) = text.strip_prefix("UNIQUE constraint failed: ") {
        return context.duplicate(columns);
    }
    if let Some(column) = text.strip_prefix("NOT NULL constraint failed: ") {
        return context.null(column);
    }
    if let Some(check) = text.strip_prefix("CHECK constraint failed: ") {
        return context.check(check);
    }
    if text.starts_with("FOREIGN KEY constraint failed") {
        return context.foreign_key();
    }
    by_text(text, &connection.database)
}

/// The extended result code, and the message.
fn parts(error: &rusqlite::Error) -> (Option<ffi::Error>, &str) {
    match error {
        rusqlite::Error::SqliteFailure(code, Some(text)) => (Some(*code), text),
        rusqlite::Error::SqliteFailure(code, None) => (Some(*code), "no message"),
        rusqlite::Error::SqlInputError { error, msg, .. } => (Some(*error), msg),
        _ => (None, "a statement was used wrongly"),
    }
}

/// What the code alone tells.
fn by_code(error: Option<ffi::Error>) -> Option<EngineError> {
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

/// What the message tells.
fn by_text(text: &str, database: &str) -> EngineError {
    let rest = |start: &str| text.strip_prefix(start).map(str::trim);
    if let Some((code, rest)) = rest(functions::MYSQL).and_then(|rest| rest.split_once(':'))
        && let (Ok(code), Some((state, message))) = (code.parse(), rest.split_once(':'))
    {
        return EngineError::database(code, state, message);
    }
    if text == "integer overflow" {
        return EngineError::unsupported("a sum of so large numbers");
    }
    if let Some(what) = rest(functions::REFUSED) {
        return EngineError::unsupported(what);
    }
    if let Some(table) = rest("no such table: ") {
        let table = table
            .trim_start_matches("main.")
            .trim_start_matches("temp.");
        return no_table(database, table);
    }
    if let Some(column) = rest("no such column: ") {
        let column = column.replace(['`', '"'], "");
        return EngineError::database(
            1054,
            "42S22",
            format!("Unknown column '{column}' in 'field list'"),
        );
    }
    if let Some(name) = rest("no such index: ") {
        let name = name.rsplit('.').next().unwrap_or(name);
        return EngineError::database(
            1091,
            "42000",
            format!("Can't DROP '{name}'; check that column/key exists"),
        );
    }
    if text.ends_with(" already exists") {
        let mut words = text.split_whitespace();
        let (kind, name) = (
            words.next().unwrap_or_default(),
            words.next().unwrap_or_default().trim_matches('`'),
        );
        return match kind {
            "table" => {
                EngineError::database(1050, "42S01", format!("Table '{name}' already exists"))
            }
            _ => EngineError::database(
                1061,
                "42000",
                format!(
                    "Duplicate key name '{}'",
                    name.rsplit('.').next().unwrap_or(name)
                ),
            ),
        };
    }
    if text.contains(" values for ")
        || text.contains(" values were supplied")
        || text.starts_with("all VALUES must have")
    {
        return EngineError::database(
            1136,
            "21S01",
            "Column count doesn't match value count at row 1",
        );
    }
    if text.contains("do not have the same number of result columns") {
        return EngineError::database(
            1222,
            "21000",
            "The used SELECT statements have a different number of columns",
        );
    }
    if let Some(name) = rest("duplicate column name: ") {
        return EngineError::database(1060, "42S21", format!("Duplicate column name '{name}'"));
    }
    if text.starts_with("wrong number of arguments to function ") {
        return EngineError::database(
            1582,
            "42000",
            "Incorrect parameter count in the call to native function",
        );
    }
    if text.starts_with("misuse of aggregate") {
        return EngineError::database(1111, "HY000", "Invalid use of group function");
    }
    // MySQL's own grammar has been checked by now, so what is left is SQLite's.
    EngineError::unsupported("this statement")
}
