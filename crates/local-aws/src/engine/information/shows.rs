//! SHOW and DESCRIBE.

use sqlparser::ast::{
    ObjectName, ShowCreateObject, ShowStatementFilter, ShowStatementFilterPosition,
    ShowStatementOptions, Statement,
};

use crate::engine::{
    EngineError, EngineResult,
    catalogue::{Catalogue, ColumnDefinition, TableDefinition},
    definitions::last_part,
    information::{
        content::{CellValue, TableContent},
        described::{collation_of, default_of, extra, key_of, table_content},
    },
    sqlite::text::like_pattern,
    variables,
};

/// The rows that a statement shows.
pub(crate) fn content(
    statement: &Statement,
    catalogue: &Catalogue,
    database: &str,
) -> EngineResult<TableContent> {
    match statement {
        Statement::ShowTables {
            full,
            show_options,
            extended: false,
            ..
        } => {
            of_database(show_options, database)?;
            let like = like(show_options)?;
            let mut head = format!("Tables_in_{database}");
            if let Some(like) = &like {
                head.push_str(&format!(" ({like})"));
            }
            let names = catalogue.tables.keys();
            let names =
                names.filter(|name| like.as_ref().is_none_or(|like| like_pattern(name, like)));
            let rows = names.map(|name| {
                let mut row = vec![CellValue::from(name.as_str())];
                if *full {
                    row.push("BASE TABLE".into());
                }
                row
            });
            let heads = if *full {
                vec![head.as_str(), "Table_type"]
            } else {
                vec![head.as_str()]
            };
            Ok(table_content(&heads, rows.collect()))
        }
        Statement::ShowColumns {
            full,
            extended: false,
            show_options,
        } => {
            let name = show_options
                .show_in
                .as_ref()
                .and_then(|show_in| show_in.parent_name.as_ref());
            let table = table(name, catalogue, database)?;
            let like = like(show_options)?;
            let columns = table.columns.iter();
            let columns = columns.filter(|column| {
                like.as_ref()
                    .is_none_or(|like| like_pattern(&column.name, like))
            });
            Ok(column_rows(table, columns, *full))
        }
        Statement::ExplainTable {
            table_name,
            hive_format: None,
            ..
        } => {
            let table = table(Some(table_name), catalogue, database)?;
            Ok(column_rows(table, table.columns.iter(), false))
        }
        Statement::ShowCreate {
            obj_type: ShowCreateObject::Table,
            obj_name,
        } => {
            let table = table(Some(obj_name), catalogue, database)?;
            if !table.checks.is_empty() {
                return Err(EngineError::unsupported(
                    "SHOW CREATE TABLE of a table with a CHECK",
                ));
            }
            let row = vec![table.name.as_str().into(), table.text().into()];
            Ok(table_content(&["Table", "Create Table"], vec![row]))
        }
        Statement::ShowVariables { filter, .. } => {
            let like = match filter {
                None => None,
                Some(ShowStatementFilter::Like(like)) => Some(like),
                Some(_) => return Err(EngineError::unsupported("SHOW VARIABLES WHERE")),
            };
            let Some(like) = like else {
                return Err(EngineError::unsupported("SHOW VARIABLES without LIKE"));
            };
            let rows: Vec<Vec<CellValue>> = variables::all()
                .filter(|variable| like_pattern(variable.0, like))
                .map(|(name, value)| vec![name.into(), shown_value(name, value).into()])
                .collect();
            if rows.is_empty() || like.contains('%') {
                return Err(EngineError::unsupported(
                    "SHOW VARIABLES of these variables",
                ));
            }
            Ok(table_content(&["Variable_name", "Value"], rows))
        }
        Statement::ShowDatabases { show_options, .. } if show_options.filter_position.is_none() => {
            let rows = ["information_schema", database].map(|name| vec![name.into()]);
            Ok(table_content(&["Database"], rows.into()))
        }
        other => Err(EngineError::unsupported(&other.to_string())),
    }
}

/// `@@autocommit` is a number, but SHOW gives a word.
fn shown_value<'a>(name: &str, value: &'a str) -> &'a str {
    if name == "autocommit" { "ON" } else { value }
}

fn table<'c>(
    name: Option<&ObjectName>,
    catalogue: &'c Catalogue,
    database: &str,
) -> EngineResult<&'c TableDefinition> {
    let name = name.map(last_part).unwrap_or_default();
    match catalogue.table(&name) {
        Some(table) => Ok(table),
        None => Err(catalogue.missing(database, &name)),
    }
}

fn of_database(options: &ShowStatementOptions, database: &str) -> EngineResult<()> {
    let parent = options
        .show_in
        .as_ref()
        .and_then(|show_in| show_in.parent_name.as_ref());
    match parent.map(last_part) {
        Some(name) if name != database => Err(EngineError::database(
            1049,
            "42000",
            format!("Unknown database '{name}'"),
        )),
        _ => Ok(()),
    }
}

fn like(options: &ShowStatementOptions) -> EngineResult<Option<String>> {
    match &options.filter_position {
        None => Ok(None),
        Some(
            ShowStatementFilterPosition::Infix(ShowStatementFilter::Like(like))
            | ShowStatementFilterPosition::Suffix(ShowStatementFilter::Like(like)),
        ) => Ok(Some(like.clone())),
        Some(_) => Err(EngineError::unsupported("SHOW … WHERE")),
    }
}

fn column_rows<'t>(
    table: &TableDefinition,
    columns: impl Iterator<Item = &'t ColumnDefinition>,
    full: bool,
) -> TableContent {
    let rows = columns.map(|column| {
        let mut row: Vec<CellValue> = vec![column.name.as_str().into(), column.kind.text().into()];
        if full {
            row.push(collation_of(column));
        }
        let null = if column.not_null { "NO" } else { "YES" };
        row.extend([
            null.into(),
            key_of(table, column).into(),
            default_of(column),
            extra(column).into(),
        ]);
        if full {
            row.extend([
                "select,insert,update,references".into(),
                column.comment.clone().unwrap_or_default().into(),
            ]);
        }
        row
    });
    let heads: &[&str] = if full {
        &[
            "Field",
            "Type",
            "Collation",
            "Null",
            "Key",
            "Default",
            "Extra",
            "Privileges",
            "Comment",
        ]
    } else {
        &["Field", "Type", "Null", "Key", "Default", "Extra"]
    };
    table_content(heads, rows.collect())
}
