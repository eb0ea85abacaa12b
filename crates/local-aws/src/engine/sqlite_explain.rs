//! Broken constraints: which row, key and value it was. SQLite names the columns only, MySQL says all of it.
//!
//! The statement has been undone when this runs, and the writer's place is still held, so asking the database is exact.

use std::collections::HashSet;

use rusqlite::types::Value as Cell;
use sqlparser::ast::{AssignmentTarget, Statement};

use super::{
    EngineError, EngineResult, Parameters,
    sqlite_connection::{Connection, bind},
    sqlite_ddl::{self as ddl, FITS, RANGE, TYPE, quoted},
    sqlite_errors::{plain, table},
    sqlite_rewrite::Plan,
    sqlite_types::Type,
};

/// How much of a key's value MySQL shows, in bytes.
const SHOWN_KEY_BYTES: usize = 64;

/// What a statement failed on.
pub(super) struct Context<'a> {
    pub(super) connection: &'a Connection,
    pub(super) plan: &'a Plan,
    pub(super) parameters: &'a Parameters,
}

/// The columns `table.a, table.b` of SQLite's message.
fn columns(text: &str) -> Vec<String> {
    text.split(", ")
        .map(|part| {
            part.split_once('.')
                .map_or(part, |(_, column)| column)
                .to_owned()
        })
        .collect()
}

impl Context<'_> {
    fn table(&self) -> String {
        table(self.plan).unwrap_or_default()
    }

    /// `Duplicate entry 'a-b' for key 'table.key'`.
    pub(super) fn duplicate(&self, text: &str) -> EngineError {
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

    /// `Column 'c' cannot be null`, or that it was left out.
    pub(super) fn null(&self, text: &str) -> EngineError {
        let column = columns(text).pop().unwrap_or_default();
        let left_out = match &self.plan.tree {
            Statement::Insert(insert) => {
                !insert.columns.is_empty()
                    && !insert
                        .columns
                        .iter()
                        .any(|name| ddl::last(name).eq_ignore_ascii_case(&column))
            }
            _ => false,
        };
        if left_out {
            EngineError::database(
                1364,
                "HY000",
                format!("Field '{column}' doesn't have a default value"),
            )
        } else {
            EngineError::database(1048, "23000", format!("Column '{column}' cannot be null"))
        }
    }

    /// The error that the constraint's name stands for.
    pub(super) fn check(&self, name: &str) -> EngineError {
        if let Some(column) = name.strip_prefix(FITS) {
            let row = self.too_long_row(column).ok().flatten().unwrap_or(1);
            return EngineError::database(
                1406,
                "22001",
                format!("Data too long for column '{column}' at row {row}"),
            );
        }
        if let Some(column) = name.strip_prefix(RANGE) {
            return EngineError::database(
                1264,
                "22003",
                format!("Out of range value for column '{column}' at row 1"),
            );
        }
        if let Some(column) = name.strip_prefix(TYPE) {
            return self.incorrect(column);
        }
        EngineError::database(
            3819,
            "HY000",
            format!("Check constraint '{name}' is violated."),
        )
    }

    fn incorrect(&self, column: &str) -> EngineError {
        let kind = self.declared(column);
        let kind_of_value = kind.as_ref().map_or("integer", Type::kind_of_value);
        let state = if matches!(kind_of_value, "date" | "datetime") {
            (1292, "22007")
        } else {
            (1366, "HY000")
        };
        let value = self
            .rows(&[column.to_owned()])
            .ok()
            .and_then(|rows| rows.first().map(|row| shown(&row[0])))
            .unwrap_or_default();
        let message =
            format!("Incorrect {kind_of_value} value: '{value}' for column '{column}' at row 1");
        EngineError::database(state.0, state.1, message)
    }

    fn declared(&self, column: &str) -> Option<Type> {
        let (text, ..) = self
            .connection
            .sqlite
            .column_metadata(Some("main"), self.table().as_str(), column)
            .ok()?;
        Some(Type::parse(text?.to_str().ok()?))
    }

    fn too_long_row(&self, column: &str) -> EngineResult<Option<usize>> {
        let Some((length, characters)) = self.declared(column).and_then(|kind| kind.length())
        else {
            return Ok(None);
        };
        let rows = self.rows(&[column.to_owned()])?;
        let too_long = |cell: &Cell| match cell {
            Cell::Text(text) if characters => text.chars().count() as u64 > length,
            Cell::Text(text) => text.len() as u64 > length,
            Cell::Blob(bytes) => bytes.len() as u64 > length,
            other => shown(other).len() as u64 > length,
        };
        Ok(rows
            .iter()
            .position(|row| too_long(&row[0]))
            .map(|index| index + 1))
    }

    /// Both of MySQL's messages: a child without a parent, and a parent with children.
    pub(super) fn foreign_key(&self) -> EngineError {
        let own = self.table();
        let is_delete = matches!(
            self.plan.tree,
            Statement::Delete(_) | Statement::Truncate(_) | Statement::Drop { .. }
        );
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

    /// The definition of a table's first foreign key, as it was written when the table was made.
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

    /// The first row whose key is there already, in the table or earlier in the statement.
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
            let entry = row.iter().map(shown).collect::<Vec<_>>().join("-");
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
        let Some(sql) = self.source(wanted)? else {
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

    fn source(&self, wanted: &[String]) -> EngineResult<Option<String>> {
        match &self.plan.tree {
            Statement::Insert(insert) => {
                let Some(source) = &insert.source else {
                    return Ok(None);
                };
                let names: Vec<String> = if insert.columns.is_empty() {
                    self.all_columns()?
                } else {
                    insert.columns.iter().map(ddl::last).collect()
                };
                let heads: Vec<String> =
                    (0..names.len()).map(|index| format!("c{index}")).collect();
                let wanted: Vec<String> = wanted
                    .iter()
                    .map(|name| {
                        names
                            .iter()
                            .position(|other| other.eq_ignore_ascii_case(name))
                            .map_or("''".into(), |index| format!("c{index}"))
                    })
                    .collect();
                Ok(Some(format!(
                    "WITH s({}) AS ({source}) SELECT {} FROM s",
                    heads.join(", "),
                    wanted.join(", ")
                )))
            }
            Statement::Update(update) => {
                let wanted: Vec<String> = wanted
                    .iter()
                    .map(|name| {
                        let assigned =
                            update
                                .assignments
                                .iter()
                                .find(|assignment| match &assignment.target {
                                    AssignmentTarget::ColumnName(column) => {
                                        ddl::last(column).eq_ignore_ascii_case(name)
                                    }
                                    AssignmentTarget::Tuple(_) => false,
                                });
                        assigned
                            .map_or_else(|| quoted(name), |assignment| assignment.value.to_string())
                    })
                    .collect();
                let filter = update
                    .selection
                    .as_ref()
                    .map(|selection| format!(" WHERE {selection}"))
                    .unwrap_or_default();
                Ok(Some(format!(
                    "SELECT {} FROM {}{filter}",
                    wanted.join(", "),
                    update.table
                )))
            }
            _ => Ok(None),
        }
    }

    fn all_columns(&self) -> EngineResult<Vec<String>> {
        let names = self
            .connection
            .sqlite
            .prepare("SELECT name FROM pragma_table_info(?1)")
            .and_then(|mut statement| {
                statement
                    .query_map([self.table()], |row| row.get::<_, String>(0))?
                    .collect::<Result<Vec<_>, _>>()
            });
        names.map_err(|error| plain(&error))
    }
}

/// One definition out of a table's, without the comma or parenthesis after it.
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

fn shown(cell: &Cell) -> String {
    match cell {
        Cell::Null => "NULL".into(),
        Cell::Integer(number) => number.to_string(),
        Cell::Real(number) => number.to_string(),
        Cell::Text(text) => text.clone(),
        Cell::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
    }
}
