//! The tables that exist, as MySQL defined them.
//!
//! SQLite keeps each definition as MySQL's own text in a table beside the others; they are read at startup and after
//! each definition.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use rusqlite::Connection as Sqlite;
use sqlparser::ast::Statement;

use crate::engine::{
    EngineError, EngineResult,
    column_types::ColumnType,
    kinds::{Collation, ValueKind},
    sqlite::parse,
};

/// The table of definitions in SQLite; clients' statements cannot reach it.
pub(crate) const TABLE: &str = "fleet_catalogue";

/// All the tables.
#[derive(Debug, Default, Clone)]
pub(crate) struct Catalogue {
    pub(crate) tables: BTreeMap<String, Arc<TableDefinition>>,
    /// Tables from an earlier version with types that are now stored differently.
    unreadable: BTreeSet<String>,
}

/// A table.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct TableDefinition {
    pub(crate) name: String,
    pub(crate) columns: Vec<ColumnDefinition>,
    pub(crate) primary_key: Vec<String>,
    pub(crate) indexes: Vec<IndexDefinition>,
    pub(crate) foreign_keys: Vec<ForeignKey>,
    pub(crate) checks: Vec<CheckConstraint>,
    /// The collation of columns that do not name one.
    pub(crate) collation: Option<Collation>,
    pub(crate) comment: Option<String>,
}

/// A column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ColumnDefinition {
    pub(crate) name: String,
    pub(crate) kind: ColumnType,
    pub(crate) not_null: bool,
    pub(crate) default: Option<ColumnDefault>,
    /// Whether an UPDATE sets it to the current time.
    pub(crate) on_update: bool,
    pub(crate) auto_increment: bool,
    /// Only relevant for text.
    pub(crate) collation: Collation,
    pub(crate) comment: Option<String>,
}

/// A column's value when a row does not give one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ColumnDefault {
    Null,
    Text(String),
    /// A number as written.
    Number(String),
    /// The current time.
    Now,
}

/// An index.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct IndexDefinition {
    pub(crate) name: String,
    pub(crate) columns: Vec<String>,
    pub(crate) unique: bool,
}

/// A foreign key.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ForeignKey {
    pub(crate) name: String,
    pub(crate) columns: Vec<String>,
    pub(crate) table: String,
    pub(crate) referred: Vec<String>,
    pub(crate) on_delete: Option<String>,
    pub(crate) on_update: Option<String>,
}

/// A CHECK constraint.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CheckConstraint {
    pub(crate) name: String,
    /// In MySQL's dialect.
    pub(crate) condition: String,
}

impl ColumnDefinition {
    /// The kind of the column's values.
    pub(crate) fn kind(&self) -> ValueKind {
        self.kind.kind(self.collation)
    }
}

impl TableDefinition {
    pub(crate) fn column(&self, name: &str) -> Option<&ColumnDefinition> {
        self.columns
            .iter()
            .find(|column| column.name.eq_ignore_ascii_case(name))
    }

    pub(crate) fn auto_increment(&self) -> Option<&ColumnDefinition> {
        self.columns.iter().find(|column| column.auto_increment)
    }

    pub(crate) fn is_key(&self, column: &str) -> bool {
        self.primary_key
            .iter()
            .any(|key| key.eq_ignore_ascii_case(column))
    }
}

impl Catalogue {
    pub(crate) fn table(&self, name: &str) -> Option<&Arc<TableDefinition>> {
        self.tables.get(name)
    }

    /// The error for an unknown table.
    pub(crate) fn missing(&self, database: &str, name: &str) -> EngineError {
        if self.unreadable.contains(name) {
            return EngineError::unsupported(&format!(
                "the table {name}, which an earlier version made with types that are kept in another way now"
            ));
        }
        EngineError::database(
            1146,
            "42S02",
            format!("Table '{database}.{name}' doesn't exist"),
        )
    }

    /// Reads the definitions stored in a database.
    pub(crate) fn read(sqlite: &Sqlite) -> EngineResult<Self> {
        let failed = |error: rusqlite::Error| crate::engine::sqlite::failures::plain(&error);
        sqlite
            .execute_batch(&format!(
                "CREATE TABLE IF NOT EXISTS {TABLE} (name TEXT PRIMARY KEY, definition TEXT NOT NULL)"
            ))
            .map_err(failed)?;
        let mut statement = sqlite
            .prepare(&format!(
                "SELECT m.name, c.definition FROM main.sqlite_master m LEFT JOIN {TABLE} c ON c.name = m.name \
                 WHERE m.type = 'table' AND substr(m.name, 1, 7) <> 'sqlite_' AND m.name <> '{TABLE}'"
            ))
            .map_err(failed)?;
        let rows = statement
            .query_map([], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?))
            })
            .and_then(Iterator::collect::<rusqlite::Result<Vec<_>>>)
            .map_err(failed)?;
        let mut tables = BTreeMap::new();
        let mut unreadable = BTreeSet::new();
        for (name, definition) in rows {
            let table = match definition {
                Some(definition) => match parse::parse(&definition)? {
                    Statement::CreateTable(tree) => Some(TableDefinition::read(&tree)?),
                    _ => None,
                },
                None => earlier(sqlite, &name).map_err(failed)?,
            };
            match table {
                Some(table) => {
                    tables.insert(name, Arc::new(table));
                }
                None => {
                    unreadable.insert(name);
                }
            }
        }
        Ok(Self { tables, unreadable })
    }
}

/// A table created before definitions were stored: only with types whose stored bytes have not changed since.
fn earlier(sqlite: &Sqlite, name: &str) -> rusqlite::Result<Option<TableDefinition>> {
    let generates: bool = sqlite.query_row(
        "SELECT sql LIKE '% PRIMARY KEY AUTOINCREMENT%' FROM sqlite_master WHERE type = 'table' AND name = ?1",
        [name],
        |row| row.get(0),
    )?;
    let mut statement = sqlite
        .prepare("SELECT name, type, `notnull`, pk FROM pragma_table_info(?1) ORDER BY cid")?;
    let columns = statement
        .query_map([name], |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, bool>(2)?,
                row.get::<_, i64>(3)?,
            ))
        })?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let mut keys: Vec<(i64, String)> = columns
        .iter()
        .filter(|column| column.3 > 0)
        .map(|column| (column.3, column.0.clone()))
        .collect();
    keys.sort();
    let mut table = TableDefinition {
        name: name.to_owned(),
        primary_key: keys.into_iter().map(|key| key.1).collect(),
        collation: Some(Collation::Binary),
        ..TableDefinition::default()
    };
    for (name, kind, not_null, key) in columns {
        let kind = ColumnType::parse(&kind);
        let kept = kind.kind(Collation::Binary);
        if !(kept.is_text()
            || matches!(
                kept,
                ValueKind::Int { .. } | ValueKind::Wide | ValueKind::DateTime { digits: 0 }
            ))
        {
            return Ok(None);
        }
        table.columns.push(ColumnDefinition {
            name,
            kind,
            not_null,
            default: None,
            on_update: false,
            auto_increment: generates && key > 0,
            collation: Collation::Binary,
            comment: None,
        });
    }
    Ok(Some(table))
}
