//! REPLACE: what becomes of a row that has a key of a new one.

use sqlparser::ast::Expr;

use super::{
    Analysis,
    words::raw,
    writes::{CHANGES, EXCLUDED, changes},
};
use crate::engine::{EngineError, EngineResult, catalogue::TableDefinition, definitions::quoted};

/// What REPLACE does with a row that has a key of the new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Replacement {
    /// It is deleted.
    Delete,
    /// It takes the new values. MySQL does so where the key is the table's last, and does not count a row that stays as it
    /// is.
    Update,
}

impl Analysis<'_> {
    /// What a REPLACE into a table does.
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
            // A row that stays as it is has the primary key first, which is not the last.
            (true, 0) | (false, _) => Ok(Replacement::Delete),
            (true, _) => Err(EngineError::unsupported(
                "REPLACE into a table of several UNIQUE keys without a PRIMARY KEY",
            )),
        }
    }
}

/// The clause by which a row takes the values of the new one.
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
