//! Broken constraints: finds the row, key and value. SQLite names only the columns, MySQL names all of them.
//!
//! When this runs, the statement has been undone and the writer slot is still held, so querying the database is exact.

use std::collections::HashSet;

use rusqlite::types::Value as Cell;

use crate::engine::{
    EngineError, EngineResult, Parameters, decimals,
    definitions::quoted,
    kinds::{ValueKind, scaled_text, wide},
    plan::StatementPlan,
    sqlite::{
        connection::{SqliteConnection, bind},
        failures::plain,
    },
};

/// How much of a key's value MySQL shows, in bytes.
const SHOWN_KEY_BYTES: usize = 64;

/// A failed statement.
pub(crate) struct FailureContext<'a> {
    pub(crate) connection: &'a SqliteConnection,
    pub(crate) plan: &'a StatementPlan,
    pub(crate) parameters: &'a Parameters,
}

/// The columns in SQLite's message, `table.a, table.b`.
fn columns(text: &str) -> Vec<String> {
    text.split(", ")
        .map(|part| {
            part.split_once('.')
                .map_or(part, |(_, column)| column)
                .to_owned()
        })
        .collect()
}

impl FailureContext<'_> {
    fn table(&self) -> String {
        self.plan.written.table.clone()
    }

    /// `Duplicate entry 'a-b' for key 'table.key'`.
    pub(crate) fn duplicate(&self, text: &str) -> EngineError {
        let columns = columns(text);
        let entry = self
            .duplicate_entry(&columns)
            .ok()
            .flatten()
            .unwrap_or_default();
        let mut end = entry.len().min(SHOWN_KEY_BYTES);
        while !entry.is_char_boundary(end) {
            end -= 1;
        }
        let message = format!(
            "Duplicate entry '{}' for key '{}.{}'",
            &entry[..end],
            self.table(),
            self.key_name(&columns)
        );
        EngineError::database(1062, "23000", message)
    }

    /// `Column 'c' cannot be null`.
    pub(crate) fn null(&self, text: &str) -> EngineError {
        let column = columns(text).pop().unwrap_or_default();
        EngineError::database(1048, "23000", format!("Column '{column}' cannot be null"))
    }

    /// `Check constraint 'c' is violated.`
    pub(crate) fn check(&self, name: &str) -> EngineError {
        EngineError::database(
            3819,
            "HY000",
            format!("Check constraint '{name}' is violated."),
        )
    }

    /// Both of MySQL's messages: a child without a parent, and a parent with children.
    pub(crate) fn foreign_key(&self) -> EngineError {
        let own = self.table();
        let is_delete = self.plan.written.columns.is_empty();
        let as_child = if is_delete {
            None
        } else {
            self.key_to(&own, None)
        };
        let (code, what, table, key) = match as_child {
            Some(key) => (1452, "add or update a child row", own, key),
            None => {
                let (child, key) = self.child_of(&own).unwrap_or_default();
                (1451, "delete or update a parent row", child, key)
            }
        };
        let message = format!(
            "Cannot {what}: a foreign key constraint fails ({}.{}, {key})",
            quoted(&self.connection.database),
            quoted(&table)
        );
        EngineError::database(code, "23000", message)
    }

    /// The definition of a table's first foreign key, as written when the table was created.
    fn key_to(&self, child: &str, parent: Option<&str>) -> Option<String> {
        let sql: String = self
            .connection
            .sqlite
            .query_row(
                "SELECT sql FROM main.sqlite_master WHERE type = 'table' AND name = ?1",
                [child],
                |row| row.get(0),
            )
            .ok()?;
        sql.split("CONSTRAINT ")
            .filter(|part| part.contains("FOREIGN KEY ("))
            .find(|part| {
                parent
                    .is_none_or(|parent| part.contains(&format!("REFERENCES {} ", quoted(parent))))
            })
            .map(|part| format!("CONSTRAINT {}", definition(part)))
    }

    fn child_of(&self, parent: &str) -> Option<(String, String)> {
        let sqlite = &self.connection.sqlite;
        let mut statement = sqlite
            .prepare(
                "SELECT m.name FROM main.sqlite_master m JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table' AND f.`table` = ?1",
            )
            .ok()?;
        let child: String = statement.query_row([parent], |row| row.get(0)).ok()?;
        let key = self.key_to(&child, Some(parent))?;
        Some((child, key))
    }

    fn display(&self, cell: &Cell, column: &str) -> String {
        let table = self.plan.table.as_ref();
        let kind = table.and_then(|table| Some(table.column(column)?.kind()));
        match (cell, kind) {
            (Cell::Null, _) => "NULL".into(),
            (Cell::Integer(number), Some(ValueKind::Decimal { scale })) => {
                scaled_text(*number, scale)
            }
            (Cell::Integer(number), _) => number.to_string(),
            (Cell::Blob(bytes), Some(ValueKind::BigDecimal { scale })) => decimals::read(bytes)
                .and_then(|number| decimals::text(&number, scale))
                .unwrap_or_default(),
            (Cell::Blob(bytes), Some(ValueKind::Wide)) => {
                wide(bytes).map_or_else(String::new, |number| number.to_string())
            }
            (Cell::Real(number), _) => number.to_string(),
            (Cell::Text(text), _) => text.clone(),
            (Cell::Blob(bytes), _) => String::from_utf8_lossy(bytes).into_owned(),
        }
    }

    /// The name of the unique key over these columns.
    fn key_name(&self, wanted: &[String]) -> String {
        self.find_key(wanted)
            .ok()
            .flatten()
            .unwrap_or_else(|| "PRIMARY".to_owned())
    }

    fn find_key(&self, wanted: &[String]) -> rusqlite::Result<Option<String>> {
        let sqlite = &self.connection.sqlite;
        let table = self.table();
        let mut indexes =
            sqlite.prepare("SELECT name, origin FROM pragma_index_list(?1) WHERE `unique`")?;
        let indexes = indexes.query_map([&table], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
        })?;
        for index in indexes {
            let (name, origin) = index?;
            let mut columns =
                sqlite.prepare("SELECT name FROM pragma_index_info(?1) ORDER BY seqno")?;
            let columns = columns
                .query_map([&name], |row| row.get::<_, String>(0))?
                .collect::<Result<Vec<_>, _>>()?;
            if columns == wanted && origin != "pk" {
                return Ok(Some(
                    name.strip_prefix(&format!("{table}."))
                        .unwrap_or(&name)
                        .to_owned(),
                ));
            }
        }
        Ok(None)
    }

    /// The first row whose key already exists, in the table or earlier in the statement.
    fn duplicate_entry(&self, key: &[String]) -> EngineResult<Option<String>> {
        let conditions: Vec<String> = key
            .iter()
            .enumerate()
            .map(|(index, column)| format!("{} = ?{}", quoted(column), index + 1))
            .collect();
        let sql = format!(
            "SELECT 1 FROM {} WHERE {}",
            quoted(&self.table()),
            conditions.join(" AND ")
        );
        let mut there = self
            .connection
            .sqlite
            .prepare(&sql)
            .map_err(|error| plain(&error))?;
        let mut seen = HashSet::new();
        for row in self.rows(key)? {
            let shown = row
                .iter()
                .zip(key)
                .map(|(cell, column)| self.display(cell, column));
            let entry = shown.collect::<Vec<_>>().join("-");
            let exists = there
                .exists(rusqlite::params_from_iter(&row))
                .map_err(|error| plain(&error))?;
            if exists || !seen.insert(entry.clone()) {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    /// The values that the statement was about to write to these columns, row by row.
    fn rows(&self, wanted: &[String]) -> EngineResult<Vec<Vec<Cell>>> {
        let Some(sql) = self.source(wanted) else {
            return Ok(Vec::new());
        };
        let failed = |error: rusqlite::Error| plain(&error);
        let mut statement = self.connection.sqlite.prepare(&sql).map_err(failed)?;
        bind(&mut statement, self.plan, self.parameters, failed)?;
        let mut rows = Vec::new();
        let mut cursor = statement.raw_query();
        while let Some(row) = cursor.next().map_err(failed)? {
            rows.push(
                (0..wanted.len())
                    .map(|index| row.get(index))
                    .collect::<Result<Vec<Cell>, _>>()
                    .map_err(failed)?,
            );
        }
        Ok(rows)
    }

    fn source(&self, wanted: &[String]) -> Option<String> {
        let written = &self.plan.written;
        if written.columns.is_empty() {
            return None;
        }
        let find = |name: &String| {
            written
                .columns
                .iter()
                .position(|column| column.0.eq_ignore_ascii_case(name))
        };
        if written.inserts {
            let heads: Vec<String> = (0..written.columns.len())
                .map(|index| format!("w{index}"))
                .collect();
            let wanted = wanted
                .iter()
                .map(|name| find(name).map_or("NULL".into(), |index| format!("w{index}")));
            return Some(format!(
                "WITH written({}) AS ({}) SELECT {} FROM written",
                heads.join(", "),
                written.rows,
                wanted.collect::<Vec<String>>().join(", ")
            ));
        }
        let wanted = wanted.iter().map(|name| {
            find(name).map_or_else(|| quoted(name), |index| written.columns[index].1.clone())
        });
        Some(format!(
            "SELECT {} FROM {}",
            wanted.collect::<Vec<String>>().join(", "),
            written.rows
        ))
    }
}

/// Cuts one definition out of a table's, without the comma or parenthesis after it.
fn definition(part: &str) -> &str {
    let mut depth = 0_usize;
    for (index, letter) in part.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' if depth == 0 => return part[..index].trim_end(),
            ')' => depth -= 1,
            ',' if depth == 0 => return part[..index].trim_end(),
            _ => {}
        }
    }
    part.trim_end()
}
