//! Rows and columns: from SQLite's values to typed ones, by the types that the columns were declared with.

use rusqlite::types::ValueRef;

use crate::engine::{
    Column, EngineError, EngineResult, Value,
    analysis::Output,
    column_types::Type,
    decimals::{self, MOST_DIGITS},
    kinds::{Collation, Kind, scaled_text, wide},
};

/// One value, by the kind of its column.
///
/// # Errors
///
/// A whole number that the service has no field for.
pub(crate) fn value(raw: ValueRef<'_>, kind: Kind) -> EngineResult<Value> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(match (raw, kind) {
        (ValueRef::Null, _) => Value::Null,
        (ValueRef::Integer(number), Kind::Int { boolean: true, .. }) => Value::Boolean(number != 0),
        (ValueRef::Integer(number), Kind::Decimal { scale }) => {
            Value::Decimal(scaled_text(number, scale))
        }
        #[expect(clippy::cast_precision_loss, reason = "the column holds doubles")]
        (ValueRef::Integer(number), Kind::Double) => Value::Double(number as f64),
        (ValueRef::Integer(number), Kind::Text { .. }) => Value::Text(number.to_string()),
        (ValueRef::Integer(number), _) => Value::Long(number),
        (ValueRef::Real(number), _) => Value::Double(number),
        (ValueRef::Blob(bytes), Kind::BigDecimal { scale }) => {
            let number = decimals::read(bytes);
            let text = number.and_then(|number| decimals::text(&number, scale));
            Value::Decimal(
                text.ok_or_else(|| EngineError::unsupported("a DECIMAL of more than 65 digits"))?,
            )
        }
        (ValueRef::Blob(bytes), Kind::Wide) => {
            Value::of_unsigned(wide(bytes).ok_or(EngineError::Internal("a number".into()))?)?
        }
        (ValueRef::Text(bytes), Kind::Bytes) | (ValueRef::Blob(bytes), _) => {
            Value::Blob(bytes.to_vec())
        }
        (ValueRef::Text(bytes), _) => Value::Text(text(bytes)),
    })
}

/// The labels alone.
pub(crate) fn labels(outputs: &[Output]) -> Vec<Column> {
    let column = |output: &Output| Column {
        label: output.name.clone(),
        name: output.name.clone(),
        ..Column::default()
    };
    outputs.iter().map(column).collect()
}

/// The columns, described.
pub(crate) fn described(outputs: &[Output]) -> Vec<Column> {
    outputs.iter().map(description).collect()
}

fn description(output: &Output) -> Column {
    let column = output
        .origin
        .as_ref()
        .map(|(table, index)| (table, &table.columns[*index]));
    let kind = column.map_or_else(|| of_kind(output.kind), |(_, column)| column.kind.clone());
    let (type_name, type_code, precision, scale) = kind.jdbc();
    let is_text = matches!(type_code, 12 | 1 | -1);
    Column {
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
                Kind::Text {
                    collation: Collation::Binary,
                    ..
                }
            ),
        nullable: !column.is_some_and(|(_, column)| column.not_null),
        precision,
        scale,
    }
}

/// The type of a value that belongs to no column.
fn of_kind(kind: Kind) -> Type {
    let text = match kind {
        Kind::Int { unsigned: true, .. } | Kind::Wide => "BIGINT UNSIGNED".into(),
        Kind::Int { .. } => "BIGINT".into(),
        Kind::Decimal { scale } => format!("DECIMAL({}, {scale})", scale.max(10) + 4),
        Kind::BigDecimal { scale } => format!("DECIMAL({MOST_DIGITS}, {scale})"),
        Kind::Double => "DOUBLE".into(),
        Kind::Bytes => "BLOB".into(),
        Kind::Date => "DATE".into(),
        Kind::DateTime { digits } => format!("DATETIME({digits})"),
        Kind::Time { digits } => format!("TIME({digits})"),
        Kind::Json => "JSON".into(),
        Kind::Null | Kind::Text { .. } => "VARCHAR(255)".to_owned(),
    };
    Type::parse(&text)
}
