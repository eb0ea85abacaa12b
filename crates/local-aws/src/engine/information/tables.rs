//! `information_schema`, and the rows of SHOW and DESCRIBE, from the catalogue.

use sqlparser::ast::Statement;

use crate::engine::{
    catalogue::{Catalogue, ForeignKey},
    charsets,
    information::{
        content::{CellValue, TableContent},
        described::{column_row, keys, position},
    },
    kinds::Collation,
};

/// A table of `information_schema`.
pub(crate) fn content(name: &str, catalogue: &Catalogue, database: &str) -> Option<TableContent> {
    let tables = || catalogue.tables.values();
    Some(match name.to_ascii_lowercase().as_str() {
        "schemata" => {
            let row = |name: &str| -> Vec<CellValue> {
                vec![
                    "def".into(),
                    name.into(),
                    "utf8mb4".into(),
                    "utf8mb4_0900_ai_ci".into(),
                    CellValue::Null,
                    "NO".into(),
                ]
            };
            TableContent::new(
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
            let rows = tables().map(|table| -> Vec<CellValue> {
                vec![
                    "def".into(),
                    database.into(),
                    table.name.as_str().into(),
                    "BASE TABLE".into(),
                    "InnoDB".into(),
                    CellValue::Number(10),
                    "Dynamic".into(),
                    // MySQL has estimates and file times here.
                    CellValue::Null,
                    CellValue::Null,
                    CellValue::Null,
                    CellValue::Null,
                    CellValue::Null,
                    CellValue::Null,
                    CellValue::Null,
                    CellValue::Null,
                    CellValue::Null,
                    CellValue::Null,
                    charsets::name(table.collation.unwrap_or(Collation::Default)).into(),
                    CellValue::Null,
                    "".into(),
                    table.comment.clone().unwrap_or_default().into(),
                ]
            });
            TableContent::new(
                &[
                    "TABLE_CATALOG",
                    "TABLE_SCHEMA",
                    "TABLE_NAME",
                    "TABLE_TYPE",
                    "ENGINE",
                    "VERSION",
                    "ROW_FORMAT",
                    "TABLE_ROWS",
                    "AVG_ROW_LENGTH",
                    "DATA_LENGTH",
                    "MAX_DATA_LENGTH",
                    "INDEX_LENGTH",
                    "DATA_FREE",
                    "AUTO_INCREMENT",
                    "CREATE_TIME",
                    "UPDATE_TIME",
                    "CHECK_TIME",
                    "TABLE_COLLATION",
                    "CHECKSUM",
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
            TableContent::new(
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
                        columns.into_iter().enumerate().map(
                            move |(index, column)| -> Vec<CellValue> {
                                let nullable =
                                    table.column(&column).is_some_and(|column| !column.not_null);
                                vec![
                                    "def".into(),
                                    database.into(),
                                    table.name.as_str().into(),
                                    CellValue::Number(i64::from(!unique)),
                                    database.into(),
                                    name.clone().into(),
                                    position(index),
                                    column.into(),
                                    "A".into(),
                                    CellValue::Null,
                                    CellValue::Null,
                                    CellValue::Null,
                                    (if nullable { "YES" } else { "" }).into(),
                                    "BTREE".into(),
                                    "".into(),
                                    "".into(),
                                    "YES".into(),
                                    CellValue::Null,
                                ]
                            },
                        )
                    })
            });
            TableContent::new(
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
                    "CARDINALITY",
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
                        columns.into_iter().enumerate().map(
                            move |(index, column)| -> Vec<CellValue> {
                                vec![
                                    "def".into(),
                                    database.into(),
                                    name.clone().into(),
                                    "def".into(),
                                    database.into(),
                                    table.name.as_str().into(),
                                    column.into(),
                                    position(index),
                                    CellValue::Null,
                                    CellValue::Null,
                                    CellValue::Null,
                                    CellValue::Null,
                                ]
                            },
                        )
                    },
                );
                let foreign = table.foreign_keys.iter().flat_map(move |key| {
                    key.columns.iter().zip(&key.referred).enumerate().map(
                        move |(index, (column, referred))| -> Vec<CellValue> {
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
            TableContent::new(
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
                let row = move |name: &str, kind: &str| -> Vec<CellValue> {
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
            TableContent::new(
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
                CellValue::from(rule.clone().unwrap_or_else(|| "NO ACTION".into()))
            };
            // The name of the key that a foreign key refers to.
            let referred = |key: &ForeignKey| {
                let table = catalogue.table(&key.table);
                let mut keys = table.iter().flat_map(|table| keys(table));
                let found = keys.find(|(_, columns, unique)| *unique && *columns == key.referred);
                found.map_or_else(|| "PRIMARY".to_owned(), |found| found.0)
            };
            let rows = tables().flat_map(|table| {
                table.foreign_keys.iter().map(move |key| -> Vec<CellValue> {
                    vec![
                        "def".into(),
                        database.into(),
                        key.name.as_str().into(),
                        "def".into(),
                        database.into(),
                        referred(key).into(),
                        "NONE".into(),
                        rule(&key.on_update),
                        rule(&key.on_delete),
                        table.name.as_str().into(),
                        key.table.as_str().into(),
                    ]
                })
            });
            TableContent::new(
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
        "views" => TableContent::new(
            &[
                "TABLE_CATALOG",
                "TABLE_SCHEMA",
                "TABLE_NAME",
                "VIEW_DEFINITION",
                "CHECK_OPTION",
                "IS_UPDATABLE",
                "DEFINER",
                "SECURITY_TYPE",
                "CHARACTER_SET_CLIENT",
                "COLLATION_CONNECTION",
            ],
            Vec::new(),
        ),
        _ => return None,
    })
}

/// Whether a statement shows part of the catalogue.
pub(crate) fn is_show(statement: &Statement) -> bool {
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
