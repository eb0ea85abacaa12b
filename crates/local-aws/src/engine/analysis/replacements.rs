//! REPLACE: what happens to an existing row that has a key of a new one.

use sqlparser::ast::Expr;

use super::{
    Analysis,
    words::raw,
    writes::{CHANGES, EXCLUDED, changes},
};
use crate::engine::{EngineError, EngineResult, catalogue::TableDefinition, definitions::quoted};

/// What REPLACE does with an existing row that has a key of the new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Replacement {
    /// It is deleted.
    Delete,
    /// It takes the new values. MySQL does so if the key is the table's last, and does not count a row that does not
    /// change.
    Update,
}

impl Analysis<'_> {
    /// What REPLACE does in this table.
    pub(super) fn replacement(&self, table: &TableDefinition) -> EngineResult<Replacement> {
        let mut tables = self.catalogue.tables.values();
        if tables.any(|other| other.foreign_keys.iter().any(|key| key.table == table.name)) {
            return Err(EngineError::unsupported(
                "REPLACE into a table that others refer to",
            ));
        }
        let unique = table.indexes.iter().filter(|index| index.unique).count();
        match (table.primary_key.is_empty(), unique) {
            (true, 1) | (false, 0) => Ok(Replacement::Update),
            // The primary key of an unchanged row conflicts first, and it is not the last key.
            (true, 0) | (false, _) => Ok(Replacement::Delete),
            (true, _) => Err(EngineError::unsupported(
                "REPLACE into a table of several UNIQUE keys without a PRIMARY KEY",
            )),
        }
    }
}

/// The clause that gives an existing row the values of the new one.
pub(super) fn overwrites(table: &TableDefinition) -> String {
    let new = |name: &str| format!("{EXCLUDED}.{}", quoted(name));
    let names = || table.columns.iter().map(|column| column.name.as_str());
    let set: Vec<String> = names()
        .map(|name| format!("{} = {}", quoted(name), new(name)))
        .collect();
    let assigned: Vec<(String, Expr)> = names()
        .map(|name| (name.to_owned(), raw(new(name))))
        .collect();
    let id = table
        .auto_increment()
        .map_or_else(|| "NULL".into(), |column| quoted(&column.name));
    format!(
        " ON CONFLICT DO UPDATE SET {} WHERE {CHANGES}({}, {id})",
        set.join(", "),
        changes(&assigned)
    )
}
