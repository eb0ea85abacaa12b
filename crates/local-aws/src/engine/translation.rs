//! Shows how a statement's text is rewritten for either engine, without a database.

use std::sync::Arc;

use thiserror::Error;

use crate::engine::{
    EngineError,
    analysis::{Bindings, Slot},
    catalogue::{Catalogue, TableDefinition},
    mysql::text,
    plan::StatementKind,
    plans,
    sqlite::{labels, parse},
};

/// A statement that is refused before it reaches a database; the text says why, in MySQL's words if it has any.
#[derive(Debug, Clone, PartialEq, Error)]
#[error(transparent)]
pub struct StatementRefusal(#[from] EngineError);

/// The effect of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It reads.
    Reads,
    /// It inserts, updates or deletes.
    Writes,
    /// It defines or removes a table or an index.
    Defines,
    /// Nothing: it sets something that is always so here.
    Nothing,
}

/// The value bound to one numbered parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parameter {
    /// The value of the request parameter with this name.
    Named(String),
    /// A string literal from the statement.
    Literal(String),
}

/// A statement as the embedded engine runs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddedStatement {
    /// Its effect.
    pub effect: Effect,
    /// One text in SQLite's dialect; several for a definition, none if there is nothing to do.
    pub texts: Vec<String>,
    /// The values bound to `?1`, `?2` and so on.
    pub parameters: Vec<Parameter>,
}

/// Rewrites a statement in MySQL's dialect, sent to `database` with the tables of `schema`, for the embedded engine.
/// Parameters are taken as texts.
///
/// # Errors
/// For a text that does not parse, more than one statement, or one without a counterpart in the embedded engine.
pub fn embedded(
    sql: &str,
    database: &str,
    schema: &[&str],
) -> Result<EmbeddedStatement, StatementRefusal> {
    let mut catalogue = Catalogue::default();
    for definition in schema {
        if let sqlparser::ast::Statement::CreateTable(tree) = parse::parse(definition)? {
            let table = TableDefinition::read(&tree)?;
            catalogue.tables.insert(table.name.clone(), Arc::new(table));
        }
    }
    let statement = parse::parse(sql)?;
    let labels = labels::labels(sql);
    let plan = plans::plan(statement, labels, &catalogue, database, Bindings::AnyText)?;
    let effect = match plan.kind {
        StatementKind::Query { .. } => Effect::Reads,
        StatementKind::Insert { .. } | StatementKind::Change => Effect::Writes,
        StatementKind::Definition => Effect::Defines,
        StatementKind::Nothing => Effect::Nothing,
    };
    let parameters = plan.slots.into_iter().map(|slot| match slot {
        Slot::Named(name) => Parameter::Named(name),
        Slot::Literal(text) => Parameter::Literal(text),
    });
    Ok(EmbeddedStatement {
        effect,
        texts: plan.sql,
        parameters: parameters.collect(),
    })
}

/// A statement as it is sent to MySQL or MariaDB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PositionalStatement {
    /// The text, with `?` in place of each named parameter.
    pub text: String,
    /// The parameters' names, in order of position.
    pub names: Vec<String>,
}

/// Turns a statement's named parameters into MySQL's positional ones.
///
/// # Errors
/// For more than one statement, a `?`, or a file on the client.
pub fn positional(sql: &str) -> Result<PositionalStatement, StatementRefusal> {
    let positional = text::positional(sql)?;
    Ok(PositionalStatement {
        text: positional.sql,
        names: positional.names,
    })
}
