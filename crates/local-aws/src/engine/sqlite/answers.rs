//! What the functions of this engine read and answer.

use rusqlite::{functions::Context, types::ValueRef};

/// Starts the message of a function that refuses a value: MySQL has an answer to it, and this engine has not.
pub(crate) const REFUSED: &str = "refused: ";

/// The error of a function for a value that it does not take as MySQL does.
pub(crate) fn refused(what: &str) -> rusqlite::Error {
    rusqlite::Error::UserFunctionError(format!("{REFUSED}{what}").into())
}

/// Starts the message of a function that fails as MySQL does: number, state and words follow.
pub(crate) const MYSQL: &str = "mysql:";

/// An error of MySQL's.
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
