//! The tables that there are, as MySQL defined them.
//!
//! SQLite keeps each definition as MySQL's own text in a table beside the tables, and they are read at the start and
//! after each definition.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use rusqlite::Connection as Sqlite;
use sqlparser::ast::Statement;

use super::{
    EngineError, EngineResult,
    column_types::Type,
    kinds::{Collation, Kind},
    sqlite_parse as parse,
};

/// The table of definitions in SQLite; no statement of a client's reaches it.
pub(super) const TABLE: &str = "fleet_catalogue";

/// All the tables.
#[derive(Debug, Default, Clone)]
pub(super) struct Catalogue {
    pub(super) tables: BTreeMap<String, Arc<Table>>,
    /// Tables that an earlier version made, with types that are kept in another way now.
    unreadable: BTreeSet<String>,
}

/// A table.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
    pub(super) primary_key: Vec<String>,
    pub(super) indexes: Vec<Index>,
    pub(super) foreign_keys: Vec<ForeignKey>,
    pub(super) checks: Vec<Check>,
    /// The collation of columns that name none.
    pub(super) collation: Option<Collation>,
    pub(super) comment: Option<String>,
}

/// A column.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Type,
    pub(super) not_null: bool,
    pub(super) default: Option<Default>,
    /// Whether an UPDATE sets it to the time.
    pub(super) on_update: bool,
    pub(super) auto_increment: bool,
    /// Of text alone.
    pub(super) collation: Collation,
    pub(super) comment: Option<String>,
}

/// What a column holds where a row does not say.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Default {
    Null,
    Text(String),
    /// A number as it was written.
    Number(String),
    /// The time.
    Now,
}

/// An index.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Index {
    pub(super) name: String,
    pub(super) columns: Vec<String>,
    pub(super) unique: bool,
}

/// A foreign key.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ForeignKey {
    pub(super) name: String,
    pub(super) columns: Vec<String>,
    pub(super) table: String,
    pub(super) referred: Vec<String>,
    pub(super) on_delete: Option<String>,
    pub(super) on_update: Option<String>,
}

/// A CHECK.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Check {
    pub(super) name: String,
    /// In MySQL's dialect.
    pub(super) condition: String,
}

impl Column {
    /// The kind of its values.
    pub(super) fn kind(&self) -> Kind {
        self.kind.kind(self.collation)
    }
}

impl Table {
    pub(super) fn column(&self, name: &str) -> Option<&Column> {
        self.columns
            .iter()
            .find(|column| column.name.eq_ignore_ascii_case(name))
    }

    pub(super) fn auto_increment(&self) -> Option<&Column> {
        self.columns.iter().find(|column| column.auto_increment)
    }

    pub(super) fn is_key(&self, column: &str) -> bool {
        self.primary_key
            .iter()
            .any(|key| key.eq_ignore_ascii_case(column))
    }
}

impl Catalogue {
    pub(super) fn table(&self, name: &str) -> Option<&Arc<Table>> {
        self.tables.get(name)
    }

    /// The error for a table that is not known.
    pub(super) fn missing(&self, database: &str, name: &str) -> EngineError {
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

    /// Reads the definitions that a database holds.
    pub(super) fn read(sqlite: &Sqlite) -> EngineResult<Self> {
        let failed = |error: rusqlite::Error| super::sqlite_errors::plain(&error);
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
                    Statement::CreateTable(tree) => Some(Table::read(&tree)?),
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

/// A table that was made before definitions were kept: with the types that are kept as they were then, byte by byte.
fn earlier(sqlite: &Sqlite, name: &str) -> rusqlite::Result<Option<Table>> {
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
    let mut table = Table {
        name: name.to_owned(),
        primary_key: keys.into_iter().map(|key| key.1).collect(),
        collation: Some(Collation::Binary),
        ..Table::default()
    };
    for (name, kind, not_null, key) in columns {
        let kind = Type::parse(&kind);
        let kept = kind.kind(Collation::Binary);
        if !(kept.is_text() || matches!(kept, Kind::Int { .. } | Kind::DateTime { digits: 0 })) {
            return Ok(None);
        }
        table.columns.push(Column {
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
