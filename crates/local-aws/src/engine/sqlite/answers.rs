//! Arguments and errors of this engine's SQL functions.

use rusqlite::{functions::Context, types::ValueRef};

/// Starts the message of a function that refuses a value: MySQL has a result for it, but this engine does not.
pub(crate) const REFUSED: &str = "refused: ";

/// The error for a value that a function does not handle as MySQL does.
pub(crate) fn refused(what: &str) -> rusqlite::Error {
    rusqlite::Error::UserFunctionError(format!("{REFUSED}{what}").into())
}

/// Starts the message of a function that fails as it does in MySQL, followed by code, state and message.
pub(crate) const MYSQL: &str = "mysql:";

/// An error as in MySQL.
pub(crate) fn mysql_error(code: u16, state: &str, message: &str) -> rusqlite::Error {
    rusqlite::Error::UserFunctionError(format!("{MYSQL}{code}:{state}:{message}").into())
}

/// An argument as a text.
pub(crate) fn text(context: &Context<'_>, index: usize) -> Option<String> {
    match context.get_raw(index) {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            Some(String::from_utf8_lossy(bytes).into_owned())
        }
    }
}
