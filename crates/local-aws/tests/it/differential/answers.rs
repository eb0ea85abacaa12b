//! The result of a statement on one engine, and how two results differ.

use aws_sdk_rdsdata::{
    error::ProvideErrorMetadata,
    operation::execute_statement::ExecuteStatementError,
    types::{ColumnMetadata, Field},
};

use super::{known, tree::SentCall};
use crate::support::Aws;

/// The result of a statement.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum StatementAnswer {
    Rows {
        columns: Vec<String>,
        rows: Vec<Vec<String>>,
    },
    Written {
        updated: i64,
        generated: Vec<String>,
    },
    Error(String),
}

/// The error code in the service's message.
pub(super) fn code(message: &str) -> &str {
    message
        .split("Error code: ")
        .nth(1)
        .and_then(|rest| rest.split(';').next())
        .unwrap_or(message)
}

fn shown(field: &Field) -> String {
    match field {
        // The last digits of a sum depend on the order in which it is added up.
        Field::DoubleValue(number) => format!("Double({number:.10e})"),
        other => format!("{other:?}"),
    }
}

/// A column's label and, if the statement reads the table directly, its type. Each database has its own types for
/// expressions, and for temporary tables.
fn described(column: &ColumnMetadata, call: &SentCall) -> String {
    let label = column.label().unwrap_or_default().to_owned();
    let is_column = column.table_name().is_some_and(|table| !table.is_empty());
    match call.sql.starts_with("SELECT * FROM a WHERE") {
        // MariaDB's JSON is a text.
        true if is_column && label != "j" => format!(
            "{label}: {} {} null {} signed {} scale {}",
            column.type_name().unwrap_or_default(),
            column.r#type(),
            column.nullable(),
            column.is_signed(),
            column.scale(),
        ),
        _ => label,
    }
}

pub(super) async fn run(
    aws: &Aws,
    transaction: Option<&str>,
    call: &SentCall,
    sorted: bool,
) -> StatementAnswer {
    let sent = aws
        .statement(&call.sql, call.parameters.clone())
        .include_result_metadata(true)
        .set_transaction_id(transaction.map(Into::into))
        .send()
        .await;
    match sent.map_err(|error| error.into_service_error()) {
        Ok(output) if output.column_metadata().is_empty() => StatementAnswer::Written {
            updated: output.number_of_records_updated(),
            generated: output.generated_fields().iter().map(shown).collect(),
        },
        Ok(output) => {
            let rows = output.records().iter();
            let mut rows: Vec<Vec<String>> =
                rows.map(|row| row.iter().map(shown).collect()).collect();
            if !sorted {
                rows.sort();
            }
            StatementAnswer::Rows {
                columns: output
                    .column_metadata()
                    .iter()
                    .map(|column| described(column, call))
                    .collect(),
                rows,
            }
        }
        Err(ExecuteStatementError::DatabaseErrorException(error)) => {
            StatementAnswer::Error(error.message().unwrap_or_default().to_owned())
        }
        Err(other) => StatementAnswer::Error(format!("{:?}: {:?}", other.code(), other.message())),
    }
}

/// How two results of a statement differ; `None` if they do not.
pub(super) fn difference(
    call: &SentCall,
    embedded: &StatementAnswer,
    mariadb: &StatementAnswer,
) -> Option<String> {
    match (embedded, mariadb) {
        (StatementAnswer::Error(one), StatementAnswer::Error(other))
            if code(one) == code(other) =>
        {
            None
        }
        (one, other) if one == other => None,
        (one, other) => {
            let texts = (format!("{one:?}"), format!("{other:?}"));
            let upsert = call.sql.contains("ON DUPLICATE KEY UPDATE");
            let nulls = call.sql.contains("NULL") || call.has_null();
            if known::is_known(&texts.0, &texts.1)
                || (upsert && tells_less(one, other))
                || (nulls && known::is_whole_to_one(one, other))
                || (call.sql.contains('%') && known::is_signed_zero(one, other))
                || (call.has_bytes() && known::is_bytes_to_one(one, other))
                || known::is_open(&call.sql, one, other)
            {
                return None;
            }
            Some(match (one, other) {
                (
                    StatementAnswer::Rows { columns, rows },
                    StatementAnswer::Rows {
                        columns: other_columns,
                        rows: other_rows,
                    },
                ) => rows_that_differ(columns, rows, other_columns, other_rows),
                _ => format!("  embedded: {}\n  MariaDB:  {}", texts.0, texts.1),
            })
        }
    }
}

/// Whether two results of an upsert differ only in their ids: it is up to the database how many ids one uses up, and
/// for an updated row, or several rows, it may report none.
fn tells_less(one: &StatementAnswer, other: &StatementAnswer) -> bool {
    match (one, other) {
        (
            StatementAnswer::Written { updated: one, .. },
            StatementAnswer::Written { updated: other, .. },
        ) => one == other,
        _ => false,
    }
}

fn rows_that_differ(
    columns: &[String],
    rows: &[Vec<String>],
    other_columns: &[String],
    other_rows: &[Vec<String>],
) -> String {
    let mut text = String::new();
    for (one, other) in columns
        .iter()
        .zip(other_columns)
        .filter(|(one, other)| one != other)
    {
        text.push_str(&format!("  embedded: {one}\n  MariaDB:  {other}\n"));
    }
    let only = |these: &[Vec<String>], those: &[Vec<String>]| {
        let mut rest = those.to_vec();
        let mut only = Vec::new();
        for row in these {
            match rest.iter().position(|other| other == row) {
                Some(place) => drop(rest.swap_remove(place)),
                None => only.push(format!("{row:?}")),
            }
        }
        only
    };
    for (name, only) in [
        ("embedded", only(rows, other_rows)),
        ("MariaDB", only(other_rows, rows)),
    ] {
        let shown: Vec<String> = only.iter().take(3).cloned().collect();
        text.push_str(&format!(
            "  only {name}, {} rows: {}\n",
            only.len(),
            shown.join("\n    ")
        ));
    }
    text
}
