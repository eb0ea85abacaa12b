//! SQLite's errors in MySQL's words, numbers and states.
//!
//! <https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html>

use std::ops::ControlFlow;

use rusqlite::{ErrorCode, ffi};
use sqlparser::ast::{
    Expr, SelectItem, SetExpr, Statement, TableFactor, TableObject, Visit, Visitor,
};

use super::{
    EngineError, Parameters,
    sqlite_connection::Connection,
    sqlite_ddl as ddl, sqlite_explain as explain, sqlite_functions as functions,
    sqlite_rewrite::{Plan, no_table},
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
    by_text(text, &connection.database, &plan.tree)
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
fn by_text(text: &str, database: &str, tree: &Statement) -> EngineError {
    let rest = |start: &str| text.strip_prefix(start).map(str::trim);
    if let Some(what) = rest(functions::REFUSED) {
        return EngineError::unsupported(what);
    }
    if let Some(table) = rest("no such table: ") {
        let table = table
            .trim_start_matches("main.")
            .trim_start_matches("temp.");
        return match tree {
            Statement::Drop { .. } => {
                EngineError::database(1051, "42S02", format!("Unknown table '{database}.{table}'"))
            }
            _ => no_table(database, table),
        };
    }
    if let Some(column) = rest("no such column: ") {
        let column = column.replace(['`', '"'], "");
        let clause = clause(tree, column.rsplit('.').next().unwrap_or(&column));
        return EngineError::database(
            1054,
            "42S22",
            format!("Unknown column '{column}' in '{clause}'"),
        );
    }
    if let Some((_, column)) = text.split_once(" has no column named ") {
        return EngineError::database(
            1054,
            "42S22",
            format!("Unknown column '{column}' in 'field list'"),
        );
    }
    if let Some(column) = rest("ambiguous column name: ") {
        return EngineError::database(
            1052,
            "23000",
            format!("Column '{column}' in field list is ambiguous"),
        );
    }
    if let Some(function) = rest("no such function: ") {
        return EngineError::database(
            1305,
            "42000",
            format!(
                "FUNCTION {database}.{} does not exist",
                function.to_lowercase()
            ),
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

/// The table that a statement writes to.
pub(super) fn table(plan: &Plan) -> Option<String> {
    match &plan.tree {
        Statement::Insert(insert) => match &insert.table {
            TableObject::TableName(name) => Some(ddl::last(name)),
            _ => None,
        },
        Statement::Update(update) => factor(&update.table.relation),
        Statement::Delete(delete) => {
            let (sqlparser::ast::FromTable::WithFromKeyword(from)
            | sqlparser::ast::FromTable::WithoutKeyword(from)) = &delete.from;
            factor(&from.first()?.relation)
        }
        Statement::Truncate(truncate) => truncate
            .table_names
            .first()
            .map(|target| ddl::last(&target.name)),
        Statement::Drop { names, .. } => names.first().map(ddl::last),
        _ => None,
    }
}

fn factor(factor: &TableFactor) -> Option<String> {
    match factor {
        TableFactor::Table { name, .. } => Some(ddl::last(name)),
        _ => None,
    }
}

/// Where in the statement MySQL would have missed the column first.
fn clause(tree: &Statement, column: &str) -> &'static str {
    let Statement::Query(query) = tree else {
        let selection = match tree {
            Statement::Update(update) => update.selection.as_ref(),
            Statement::Delete(delete) => delete.selection.as_ref(),
            _ => None,
        };
        return if selection.is_some_and(|selection| mentions(selection, column)) {
            "where clause"
        } else {
            "field list"
        };
    };
    if let SetExpr::Select(select) = query.body.as_ref() {
        let in_fields = select.projection.iter().any(|item| match item {
            SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
                mentions(expr, column)
            }
            _ => false,
        });
        if !in_fields
            && select
                .selection
                .as_ref()
                .is_some_and(|selection| mentions(selection, column))
        {
            return "where clause";
        }
        if !in_fields
            && query
                .order_by
                .as_ref()
                .is_some_and(|order| mentions(order, column))
        {
            return "order clause";
        }
    }
    "field list"
}

fn mentions(tree: &impl Visit, column: &str) -> bool {
    struct Search<'a>(&'a str);
    impl Visitor for Search<'_> {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            let last = match expr {
                Expr::Identifier(name) => Some(name),
                Expr::CompoundIdentifier(parts) => parts.last(),
                _ => None,
            };
            if last.is_some_and(|name| name.value.eq_ignore_ascii_case(self.0)) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        }
    }
    tree.visit(&mut Search(column)).is_break()
}
