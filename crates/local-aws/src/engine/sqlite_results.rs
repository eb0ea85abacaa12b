//! Rows and columns: from SQLite's values to typed ones, by the types that the columns were declared with.

use rusqlite::{Connection, Statement, types::ValueRef};

use super::{
    Column, Value,
    sqlite_rewrite::Plan,
    sqlite_types::{Shape, Type},
};

/// How the values of each column are to be answered.
pub(super) fn shapes(statement: &Statement<'_>, plan: &Plan) -> Vec<Shape> {
    let columns = statement.columns();
    let known = |index: usize| plan.shapes.get(index).copied().unwrap_or(Shape::Plain);
    let shapes = columns
        .iter()
        .enumerate()
        .map(|(index, column)| match column.decl_type() {
            Some(text) => Type::parse(text).shape(),
            None => known(index),
        });
    shapes.collect()
}

/// One value.
pub(super) fn value(raw: ValueRef<'_>, shape: Shape) -> Value {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match (raw, shape) {
        (ValueRef::Null, _) => Value::Null,
        (ValueRef::Integer(number), Shape::Boolean) => Value::Boolean(number != 0),
        #[expect(clippy::cast_precision_loss, reason = "the column holds doubles")]
        (ValueRef::Integer(number), Shape::Double) => Value::Double(number as f64),
        (ValueRef::Integer(number), Shape::Decimal(0) | Shape::Sum) => {
            Value::Decimal(number.to_string())
        }
        (ValueRef::Integer(number), Shape::Decimal(scale)) => {
            Value::Decimal(format!("{number}.{}", "0".repeat(scale)))
        }
        (ValueRef::Integer(number), Shape::Text) => Value::Text(number.to_string()),
        (ValueRef::Integer(number), Shape::Bytes) => Value::Blob(number.to_string().into_bytes()),
        (ValueRef::Integer(number), Shape::Plain) => Value::Long(number),
        (ValueRef::Real(number), Shape::Decimal(scale)) => {
            Value::Decimal(format!("{number:.scale$}"))
        }
        (ValueRef::Real(number), Shape::Text) => Value::Text(number.to_string()),
        (ValueRef::Real(number), _) => Value::Double(number),
        (ValueRef::Text(bytes), Shape::Bytes) | (ValueRef::Blob(bytes), _) => {
            Value::Blob(bytes.to_vec())
        }
        (ValueRef::Text(bytes), Shape::Decimal(_)) => Value::Decimal(text(bytes)),
        (ValueRef::Text(bytes), _) => Value::Text(text(bytes)),
    }
}

/// The labels alone.
pub(super) fn labels(statement: &Statement<'_>) -> Vec<Column> {
    let names = statement.column_names();
    names
        .into_iter()
        .map(|name| Column {
            label: name.to_owned(),
            name: name.to_owned(),
            ..Column::default()
        })
        .collect()
}

/// The columns, described. A column that belongs to no table is described by its first value.
pub(super) fn described(
    connection: &Connection,
    statement: &Statement<'_>,
    first: Option<&Vec<Value>>,
) -> Vec<Column> {
    let types: Vec<Option<Type>> = statement
        .columns()
        .iter()
        .map(|column| column.decl_type().map(Type::parse))
        .collect();
    let origins = statement.columns_with_metadata();
    let mut described = Vec::with_capacity(types.len());
    for (index, (kind, origin)) in types.into_iter().zip(origins).enumerate() {
        let label = origin.name().to_owned();
        let (table, name) = (origin.table_name(), origin.origin_name());
        let (not_null, auto_increment) = match (table, name) {
            (Some(table), Some(name)) => connection
                .column_metadata(Some("main"), table, name)
                .map_or((false, false), |(_, _, not_null, key, auto)| {
                    (not_null || (key && auto), auto)
                }),
            _ => (false, false),
        };
        let kind = if auto_increment {
            counter(connection, table).or(kind)
        } else {
            kind
        };
        let kind =
            kind.unwrap_or_else(|| Type::parse(type_of(first.and_then(|row| row.get(index)))));
        let (type_name, type_code, precision, scale) = kind.jdbc();
        described.push(Column {
            name: name.unwrap_or(&label).to_owned(),
            label,
            type_code,
            type_name,
            table_name: table.unwrap_or_default().to_owned(),
            auto_increment,
            signed: kind.is_signed(),
            case_sensitive: kind.shape() == Shape::Text && matches!(type_code, 12 | 1 | -1),
            nullable: !not_null,
            precision,
            scale,
        });
    }
    described
}

/// The type that an AUTO_INCREMENT column was defined with: SQLite has one for all of them, so it stands in a comment.
fn counter(connection: &Connection, table: Option<&str>) -> Option<Type> {
    let definition = "SELECT sql FROM main.sqlite_master WHERE type = 'table' AND name = ?1";
    let sql: String = connection
        .query_row(definition, [table?], |row| row.get(0))
        .ok()?;
    let (_, rest) = sql.split_once(" INTEGER /* ")?;
    Some(Type::parse(rest.split_once(" */")?.0))
}

fn type_of(value: Option<&Value>) -> &'static str {
    match value {
        Some(Value::Long(_) | Value::Boolean(_)) => "BIGINT",
        Some(Value::Double(_)) => "DOUBLE",
        Some(Value::Decimal(_)) => "DECIMAL(14, 4)",
        Some(Value::Blob(_)) => "BLOB",
        _ => "VARCHAR(255)",
    }
}
