//! Rows and columns: from SQLite's values to typed ones, by the declared column types.

use rusqlite::types::ValueRef;

use crate::engine::{
    EngineError, EngineResult, ResultColumn, SqlValue,
    analysis::OutputColumn,
    column_types::ColumnType,
    decimals::{self, MOST_DIGITS},
    kinds::{Collation, ValueKind, scaled_text, wide},
};

/// Converts one value, by the kind of its column.
///
/// # Errors
///
/// For a whole number that the service has no field for.
pub(crate) fn value(raw: ValueRef<'_>, kind: ValueKind) -> EngineResult<SqlValue> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(match (raw, kind) {
        (ValueRef::Null, _) => SqlValue::Null,
        (ValueRef::Integer(number), ValueKind::Int { boolean: true, .. }) => {
            SqlValue::Boolean(number != 0)
        }
        (ValueRef::Integer(number), ValueKind::Decimal { scale }) => {
            SqlValue::Decimal(scaled_text(number, scale))
        }
        #[expect(clippy::cast_precision_loss, reason = "the column holds doubles")]
        (ValueRef::Integer(number), ValueKind::Double) => SqlValue::Double(number as f64),
        (ValueRef::Integer(number), ValueKind::Text { .. }) => SqlValue::Text(number.to_string()),
        (ValueRef::Integer(number), _) => SqlValue::Long(number),
        (ValueRef::Real(number), _) => SqlValue::Double(number),
        (ValueRef::Blob(bytes), ValueKind::BigDecimal { scale }) => {
            let number = decimals::read(bytes);
            let text = number.and_then(|number| decimals::text(&number, scale));
            SqlValue::Decimal(
                text.ok_or_else(|| EngineError::unsupported("a DECIMAL of more than 65 digits"))?,
            )
        }
        (ValueRef::Blob(bytes), ValueKind::Wide) => {
            SqlValue::of_unsigned(wide(bytes).ok_or(EngineError::Internal("a number".into()))?)?
        }
        (ValueRef::Text(bytes), ValueKind::Bytes) | (ValueRef::Blob(bytes), _) => {
            SqlValue::Blob(bytes.to_vec())
        }
        (ValueRef::Text(bytes), _) => SqlValue::Text(text(bytes)),
    })
}

/// Only the labels.
pub(crate) fn labels(outputs: &[OutputColumn]) -> Vec<ResultColumn> {
    let column = |output: &OutputColumn| ResultColumn {
        label: output.name.clone(),
        name: output.name.clone(),
        ..ResultColumn::default()
    };
    outputs.iter().map(column).collect()
}

/// The columns with their descriptions.
pub(crate) fn describe_columns(outputs: &[OutputColumn]) -> Vec<ResultColumn> {
    outputs.iter().map(description).collect()
}

fn description(output: &OutputColumn) -> ResultColumn {
    let column = output
        .origin
        .as_ref()
        .map(|(table, index)| (table, &table.columns[*index]));
    let kind = column.map_or_else(|| of_kind(output.kind), |(_, column)| column.kind.clone());
    let (type_name, type_code, precision, scale) = kind.jdbc();
    let is_text = matches!(type_code, 12 | 1 | -1);
    ResultColumn {
        name: column.map_or_else(|| output.name.clone(), |(_, column)| column.name.clone()),
        label: output.name.clone(),
        type_code,
        type_name,
        table_name: column.map_or_else(String::new, |(table, _)| table.name.clone()),
        auto_increment: column.is_some_and(|(_, column)| column.auto_increment),
        signed: kind.is_signed(),
        case_sensitive: is_text
            && matches!(
                output.kind,
                ValueKind::Text {
                    collation: Collation::Binary,
                    ..
                }
            ),
        nullable: !column.is_some_and(|(_, column)| column.not_null),
        precision,
        scale,
    }
}

/// The type of a value that does not belong to a column.
fn of_kind(kind: ValueKind) -> ColumnType {
    let text = match kind {
        ValueKind::Int { unsigned: true, .. } | ValueKind::Wide => "BIGINT UNSIGNED".into(),
        ValueKind::Int { .. } => "BIGINT".into(),
        ValueKind::Decimal { scale } => format!("DECIMAL({}, {scale})", scale.max(10) + 4),
        ValueKind::BigDecimal { scale } => format!("DECIMAL({MOST_DIGITS}, {scale})"),
        ValueKind::Double => "DOUBLE".into(),
        ValueKind::Bytes => "BLOB".into(),
        ValueKind::Date => "DATE".into(),
        ValueKind::DateTime { digits } => format!("DATETIME({digits})"),
        ValueKind::Time { digits } => format!("TIME({digits})"),
        ValueKind::Json => "JSON".into(),
        ValueKind::Null | ValueKind::Text { .. } => "VARCHAR(255)".to_owned(),
    };
    ColumnType::parse(&text)
}
