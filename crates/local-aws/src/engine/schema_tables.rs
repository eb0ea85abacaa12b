//! `information_schema`, and what SHOW and DESCRIBE give: the catalogue as rows.

use sqlparser::ast::Statement;

use super::{
    analysis::Output,
    catalogue::{Catalogue, Column, Default, Table},
    charsets,
    column_types::literal,
    definitions::quoted,
    kinds::{Collation, Kind, UNSIGNED, scaled_text},
};

/// A value of a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    Null,
    Text(String),
    Number(i64),
}

impl Cell {
    fn literal(&self) -> String {
        match self {
            Self::Null => "NULL".into(),
            Self::Text(text) => literal(text),
            Self::Number(number) => number.to_string(),
        }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::Text(text.into())
    }
}

fn maybe(text: Option<impl Into<String>>) -> Cell {
    text.map_or(Cell::Null, Cell::from)
}

/// Rows under names.
#[derive(Debug, Clone)]
pub(super) struct Content {
    pub(super) columns: Vec<(String, Kind)>,
    pub(super) rows: Vec<Vec<Cell>>,
}

/// Text of the dictionary's, without case.
const NAME: Kind = Kind::Text {
    collation: Collation::Default,
    implicit: true,
};

impl Content {
    fn new(columns: &[&str], rows: Vec<Vec<Cell>>) -> Self {
        let kind = |index: usize| {
            let number = rows.iter().any(|row| matches!(row[index], Cell::Number(_)));
            if number { UNSIGNED } else { NAME }
        };
        Self {
            columns: columns
                .iter()
                .enumerate()
                .map(|(index, name)| ((*name).to_owned(), kind(index)))
                .collect(),
            rows,
        }
    }

    pub(super) fn outputs(&self) -> Vec<Output> {
        self.columns
            .iter()
            .map(|(name, kind)| Output {
                name: name.clone(),
                kind: *kind,
                origin: None,
            })
            .collect()
    }

    /// The query of its rows, in parentheses.
    pub(super) fn text(&self) -> String {
        let collated = |kind: Kind| match kind {
            Kind::Text { collation, .. } => {
                format!(" COLLATE {}", super::collation::name(collation))
            }
            _ => String::new(),
        };
        let heads: Vec<String> = self
            .columns
            .iter()
            .enumerate()
            .map(|(index, (name, kind))| {
                format!("column{}{} AS {}", index + 1, collated(*kind), quoted(name))
            })
            .collect();
        let row = |row: &[Cell]| {
            let cells: Vec<String> = row.iter().map(Cell::literal).collect();
            format!("({})", cells.join(", "))
        };
        let (rows, condition) = if self.rows.is_empty() {
            let nulls = vec![Cell::Null; self.columns.len()];
            (row(&nulls), " WHERE false")
        } else {
            let rows: Vec<String> = self.rows.iter().map(|cells| row(cells)).collect();
            (rows.join(", "), "")
        };
        format!(
            "(SELECT {} FROM (VALUES {rows}){condition})",
            heads.join(", ")
        )
    }
}

/// A table of `information_schema`.
pub(super) fn content(name: &str, catalogue: &Catalogue, database: &str) -> Option<Content> {
    let tables = || catalogue.tables.values();
    Some(match name.to_ascii_lowercase().as_str() {
        "schemata" => {
            let row = |name: &str| -> Vec<Cell> {
                vec![
                    "def".into(),
                    name.into(),
                    "utf8mb4".into(),
                    "utf8mb4_0900_ai_ci".into(),
                    Cell::Null,
                    "NO".into(),
                ]
            };
            Content::new(
                &[
                    "CATALOG_NAME",
                    "SCHEMA_NAME",
                    "DEFAULT_CHARACTER_SET_NAME",
                    "DEFAULT_COLLATION_NAME",
                    "SQL_PATH",
                    "DEFAULT_ENCRYPTION",
                ],
                vec![row(database), row("information_schema")],
            )
        }
        "tables" => {
            let rows = tables().map(|table| -> Vec<Cell> {
                vec![
                    "def".into(),
                    database.into(),
                    table.name.as_str().into(),
                    "BASE TABLE".into(),
                    "InnoDB".into(),
                    Cell::Number(10),
                    "Dynamic".into(),
                    charsets::name(table.collation.unwrap_or(Collation::Default)).into(),
                    "".into(),
                    table.comment.clone().unwrap_or_default().into(),
                ]
            });
            Content::new(
                &[
                    "TABLE_CATALOG",
                    "TABLE_SCHEMA",
                    "TABLE_NAME",
                    "TABLE_TYPE",
                    "ENGINE",
                    "VERSION",
                    "ROW_FORMAT",
                    "TABLE_COLLATION",
                    "CREATE_OPTIONS",
                    "TABLE_COMMENT",
                ],
                rows.collect(),
            )
        }
        "columns" => {
            let rows = tables().flat_map(|table| {
                table
                    .columns
                    .iter()
                    .enumerate()
                    .map(|(index, column)| column_row(table, index, column, database))
            });
            Content::new(
                &[
                    "TABLE_CATALOG",
                    "TABLE_SCHEMA",
                    "TABLE_NAME",
                    "COLUMN_NAME",
                    "ORDINAL_POSITION",
                    "COLUMN_DEFAULT",
                    "IS_NULLABLE",
                    "DATA_TYPE",
                    "CHARACTER_MAXIMUM_LENGTH",
                    "CHARACTER_OCTET_LENGTH",
                    "NUMERIC_PRECISION",
                    "NUMERIC_SCALE",
                    "DATETIME_PRECISION",
                    "CHARACTER_SET_NAME",
                    "COLLATION_NAME",
                    "COLUMN_TYPE",
                    "COLUMN_KEY",
                    "EXTRA",
                    "PRIVILEGES",
                    "COLUMN_COMMENT",
                    "GENERATION_EXPRESSION",
                    "SRS_ID",
                ],
                rows.collect(),
            )
        }
        "statistics" => {
            let rows = tables().flat_map(|table| {
                keys(table)
                    .into_iter()
                    .flat_map(move |(name, columns, unique)| {
                        columns
                            .into_iter()
                            .enumerate()
                            .map(move |(index, column)| -> Vec<Cell> {
                                let nullable =
                                    table.column(&column).is_some_and(|column| !column.not_null);
                                vec![
                                    "def".into(),
                                    database.into(),
                                    table.name.as_str().into(),
                                    Cell::Number(i64::from(!unique)),
                                    database.into(),
                                    name.clone().into(),
                                    position(index),
                                    column.into(),
                                    "A".into(),
                                    Cell::Null,
                                    Cell::Null,
                                    (if nullable { "YES" } else { "" }).into(),
                                    "BTREE".into(),
                                    "".into(),
                                    "".into(),
                                    "YES".into(),
                                    Cell::Null,
                                ]
                            })
                    })
            });
            Content::new(
                &[
                    "TABLE_CATALOG",
                    "TABLE_SCHEMA",
                    "TABLE_NAME",
                    "NON_UNIQUE",
                    "INDEX_SCHEMA",
                    "INDEX_NAME",
                    "SEQ_IN_INDEX",
                    "COLUMN_NAME",
                    "COLLATION",
                    "SUB_PART",
                    "PACKED",
                    "NULLABLE",
                    "INDEX_TYPE",
                    "COMMENT",
                    "INDEX_COMMENT",
                    "IS_VISIBLE",
                    "EXPRESSION",
                ],
                rows.collect(),
            )
        }
        "key_column_usage" => {
            let rows = tables().flat_map(|table| {
                let own = keys(table).into_iter().filter(|key| key.2).flat_map(
                    move |(name, columns, _)| {
                        columns
                            .into_iter()
                            .enumerate()
                            .map(move |(index, column)| -> Vec<Cell> {
                                vec![
                                    "def".into(),
                                    database.into(),
                                    name.clone().into(),
                                    "def".into(),
                                    database.into(),
                                    table.name.as_str().into(),
                                    column.into(),
                                    position(index),
                                    Cell::Null,
                                    Cell::Null,
                                    Cell::Null,
                                    Cell::Null,
                                ]
                            })
                    },
                );
                let foreign = table.foreign_keys.iter().flat_map(move |key| {
                    key.columns.iter().zip(&key.referred).enumerate().map(
                        move |(index, (column, referred))| -> Vec<Cell> {
                            vec![
                                "def".into(),
                                database.into(),
                                key.name.as_str().into(),
                                "def".into(),
                                database.into(),
                                table.name.as_str().into(),
                                column.as_str().into(),
                                position(index),
                                position(index),
                                database.into(),
                                key.table.as_str().into(),
                                referred.as_str().into(),
                            ]
                        },
                    )
                });
                own.chain(foreign)
            });
            Content::new(
                &[
                    "CONSTRAINT_CATALOG",
                    "CONSTRAINT_SCHEMA",
                    "CONSTRAINT_NAME",
                    "TABLE_CATALOG",
                    "TABLE_SCHEMA",
                    "TABLE_NAME",
                    "COLUMN_NAME",
                    "ORDINAL_POSITION",
                    "POSITION_IN_UNIQUE_CONSTRAINT",
                    "REFERENCED_TABLE_SCHEMA",
                    "REFERENCED_TABLE_NAME",
                    "REFERENCED_COLUMN_NAME",
                ],
                rows.collect(),
            )
        }
        "table_constraints" => {
            let rows = tables().flat_map(|table| {
                let row = move |name: &str, kind: &str| -> Vec<Cell> {
                    vec![
                        "def".into(),
                        database.into(),
                        name.into(),
                        database.into(),
                        table.name.as_str().into(),
                        kind.into(),
                        "YES".into(),
                    ]
                };
                let own = keys(table).into_iter().filter(|key| key.2).map(move |key| {
                    row(
                        &key.0,
                        if key.0 == "PRIMARY" {
                            "PRIMARY KEY"
                        } else {
                            "UNIQUE"
                        },
                    )
                });
                let foreign = table
                    .foreign_keys
                    .iter()
                    .map(move |key| row(&key.name, "FOREIGN KEY"));
                let checks = table
                    .checks
                    .iter()
                    .map(move |check| row(&check.name, "CHECK"));
                own.chain(foreign).chain(checks).collect::<Vec<_>>()
            });
            Content::new(
                &[
                    "CONSTRAINT_CATALOG",
                    "CONSTRAINT_SCHEMA",
                    "CONSTRAINT_NAME",
                    "TABLE_SCHEMA",
                    "TABLE_NAME",
                    "CONSTRAINT_TYPE",
                    "ENFORCED",
                ],
                rows.collect(),
            )
        }
        "referential_constraints" => {
            let rule = |rule: &Option<String>| {
                Cell::from(rule.clone().unwrap_or_else(|| "NO ACTION".into()))
            };
            let rows = tables().flat_map(|table| {
                table.foreign_keys.iter().map(move |key| -> Vec<Cell> {
                    vec![
                        "def".into(),
                        database.into(),
                        key.name.as_str().into(),
                        "def".into(),
                        database.into(),
                        "PRIMARY".into(),
                        "NONE".into(),
                        rule(&key.on_update),
                        rule(&key.on_delete),
                        table.name.as_str().into(),
                        key.table.as_str().into(),
                    ]
                })
            });
            Content::new(
                &[
                    "CONSTRAINT_CATALOG",
                    "CONSTRAINT_SCHEMA",
                    "CONSTRAINT_NAME",
                    "UNIQUE_CONSTRAINT_CATALOG",
                    "UNIQUE_CONSTRAINT_SCHEMA",
                    "UNIQUE_CONSTRAINT_NAME",
                    "MATCH_OPTION",
                    "UPDATE_RULE",
                    "DELETE_RULE",
                    "TABLE_NAME",
                    "REFERENCED_TABLE_NAME",
                ],
                rows.collect(),
            )
        }
        "views" => Content::new(
            &[
                "TABLE_CATALOG",
                "TABLE_SCHEMA",
                "TABLE_NAME",
                "VIEW_DEFINITION",
            ],
            Vec::new(),
        ),
        _ => return None,
    })
}

fn position(index: usize) -> Cell {
    Cell::Number(i64::try_from(index + 1).unwrap_or(i64::MAX))
}

/// The keys of a table: name, columns, and whether it is unique.
pub(super) fn keys(table: &Table) -> Vec<(String, Vec<String>, bool)> {
    let primary = (!table.primary_key.is_empty())
        .then(|| ("PRIMARY".to_owned(), table.primary_key.clone(), true));
    let unique = |wanted: bool| {
        let indexes = table
            .indexes
            .iter()
            .filter(move |index| index.unique == wanted);
        indexes.map(|index| (index.name.clone(), index.columns.clone(), index.unique))
    };
    primary
        .into_iter()
        .chain(unique(true))
        .chain(unique(false))
        .collect()
}

/// `PRI`, `UNI`, `MUL` or nothing.
pub(super) fn key_of(table: &Table, column: &Column) -> &'static str {
    if table.is_key(&column.name) {
        return "PRI";
    }
    let leads = |index: &&super::catalogue::Index| index.columns.first() == Some(&column.name);
    let mut indexes = table.indexes.iter().filter(leads);
    match indexes
        .clone()
        .find(|index| index.unique && index.columns.len() == 1)
    {
        // Without a primary key, a unique one of columns that are never NULL is shown as one.
        Some(_) if table.primary_key.is_empty() && column.not_null => "PRI",
        Some(_) => "UNI",
        None if indexes.next().is_some() => "MUL",
        None => "",
    }
}

/// A column's default, as text.
pub(super) fn default_of(column: &Column) -> Cell {
    match &column.default {
        None | Some(Default::Null) => Cell::Null,
        // A number is kept as a text, too.
        Some(Default::Text(text) | Default::Number(text)) => match column.kind() {
            Kind::Decimal { scale } => match super::numbers::to_scale(text, scale) {
                Some(number) => scaled_text(number, scale).into(),
                None => text.as_str().into(),
            },
            _ => text.as_str().into(),
        },
        Some(Default::Now) => column.now().into(),
    }
}

/// What DESCRIBE says beside the type.
pub(super) fn extra(column: &Column) -> String {
    let mut extra = Vec::new();
    if column.auto_increment {
        extra.push("auto_increment".to_owned());
    }
    if column.default == Some(Default::Now) {
        extra.push("DEFAULT_GENERATED".into());
    }
    if column.on_update {
        extra.push(format!("on update {}", column.now()));
    }
    extra.join(" ")
}

fn column_row(table: &Table, index: usize, column: &Column, database: &str) -> Vec<Cell> {
    let kind = column.kind();
    let number = |number: u64| Cell::Number(i64::try_from(number).unwrap_or(i64::MAX));
    let (mut characters, mut octets) = (Cell::Null, Cell::Null);
    match kind {
        Kind::Text { .. } => {
            let (length, of_characters) = match column.kind.name() {
                "ENUM" => (
                    column
                        .kind
                        .values()
                        .iter()
                        .map(|value| value.chars().count() as u64)
                        .max()
                        .unwrap_or(0),
                    true,
                ),
                "SET" => (column.kind.values().join(",").chars().count() as u64, true),
                _ => column.kind.length().unwrap_or((u64::from(u32::MAX), false)),
            };
            characters = number(length);
            octets = number(if of_characters { length * 4 } else { length });
        }
        Kind::Bytes => {
            let length = column
                .kind
                .length()
                .map_or(u64::from(u32::MAX), |length| length.0);
            (characters, octets) = (number(length), number(length));
        }
        _ => {}
    }
    let (precision, scale) = match (column.kind.name(), kind) {
        ("BIT", _) => (Cell::Number(1), Cell::Null),
        ("YEAR", _) => (Cell::Null, Cell::Null),
        ("TINYINT", _) => (Cell::Number(3), Cell::Number(0)),
        ("SMALLINT", _) => (Cell::Number(5), Cell::Number(0)),
        ("MEDIUMINT", _) => (Cell::Number(7), Cell::Number(0)),
        ("INT", _) => (Cell::Number(10), Cell::Number(0)),
        ("BIGINT", _) if column.kind.unsigned() => (Cell::Number(20), Cell::Number(0)),
        ("BIGINT", _) => (Cell::Number(19), Cell::Number(0)),
        (_, Kind::Decimal { scale }) => (
            Cell::Number(i64::from(column.kind.precision())),
            Cell::Number(i64::from(scale)),
        ),
        (_, Kind::Double) => (Cell::Number(22), Cell::Null),
        _ => (Cell::Null, Cell::Null),
    };
    let digits = match kind {
        Kind::DateTime { digits } | Kind::Time { digits } => Cell::Number(i64::from(digits)),
        _ => Cell::Null,
    };
    let of_text = |text: &str| {
        if kind.is_text() {
            Cell::from(text)
        } else {
            Cell::Null
        }
    };
    vec![
        "def".into(),
        database.into(),
        table.name.as_str().into(),
        column.name.as_str().into(),
        position(index),
        default_of(column),
        (if column.not_null { "NO" } else { "YES" }).into(),
        column.kind.name().to_ascii_lowercase().into(),
        characters,
        octets,
        precision,
        scale,
        digits,
        of_text("utf8mb4"),
        of_text(charsets::name(column.collation)),
        column.kind.text().into(),
        key_of(table, column).into(),
        extra(column).into(),
        "select,insert,update,references".into(),
        column.comment.clone().unwrap_or_default().into(),
        "".into(),
        Cell::Null,
    ]
}

/// What SHOW FULL COLUMNS says of a column's collation.
pub(super) fn collation_of(column: &Column) -> Cell {
    maybe(
        column
            .kind()
            .is_text()
            .then(|| charsets::name(column.collation)),
    )
}

/// Rows under names, for SHOW.
pub(super) fn shown(columns: &[&str], rows: Vec<Vec<Cell>>) -> Content {
    Content::new(columns, rows)
}

/// Whether a statement shows something of the catalogue.
pub(super) fn is_show(statement: &Statement) -> bool {
    matches!(
        statement,
        Statement::ShowTables { .. }
            | Statement::ShowColumns { .. }
            | Statement::ShowCreate { .. }
            | Statement::ShowVariables { .. }
            | Statement::ShowDatabases { .. }
            | Statement::ExplainTable { .. }
    )
}
