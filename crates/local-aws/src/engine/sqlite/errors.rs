//! SQLite's errors as MySQL's messages, codes and states.
//!
//! <https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html>

use crate::engine::{
    EngineError, Parameters,
    analysis::{no_table, uneven},
    plan::StatementPlan,
    sqlite::answers,
    sqlite::explain,
    sqlite::{
        connection::SqliteConnection,
        failures::{by_code, parts},
    },
};

/// An error in a client's statement, explained from the statement and the database.
pub(crate) fn explained(
    connection: &SqliteConnection,
    plan: &StatementPlan,
    parameters: &Parameters,
    error: &rusqlite::Error,
) -> EngineError {
    let (code, text) = parts(error);
    if let Some(error) = by_code(code) {
        return error;
    }
    let context = explain::FailureContext {
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

/// The error that the message indicates.
fn by_text(text: &str, database: &str) -> EngineError {
    let rest = |start: &str| text.strip_prefix(start).map(str::trim);
    if let Some((code, rest)) = rest(answers::MYSQL).and_then(|rest| rest.split_once(':'))
        && let (Ok(code), Some((state, message))) = (code.parse(), rest.split_once(':'))
    {
        return EngineError::database(code, state, message);
    }
    if text == "integer overflow" {
        return EngineError::unsupported("a sum of so large numbers");
    }
    if let Some(what) = rest(answers::REFUSED) {
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
        return uneven();
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
    // MySQL's own syntax has been checked by now, so what is left is SQLite's.
    EngineError::unsupported("this statement")
}
