//! The data dictionary's description of a table's columns and keys.

use crate::engine::{
    catalogue::{ColumnDefault, ColumnDefinition, IndexDefinition, TableDefinition},
    charsets, decimals,
    information::content::{CellValue, TableContent, text_or_null},
    kinds::{ValueKind, scaled_text},
    numbers,
};

pub(crate) fn position(index: usize) -> CellValue {
    CellValue::Number(i64::try_from(index + 1).unwrap_or(i64::MAX))
}

/// The keys of a table: name, columns, and whether it is unique.
pub(crate) fn keys(table: &TableDefinition) -> Vec<(String, Vec<String>, bool)> {
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
pub(crate) fn key_of(table: &TableDefinition, column: &ColumnDefinition) -> &'static str {
    if table.is_key(&column.name) {
        return "PRI";
    }
    let leads = |index: &&IndexDefinition| index.columns.first() == Some(&column.name);
    let mut indexes = table.indexes.iter().filter(leads);
    match indexes
        .clone()
        .find(|index| index.unique && index.columns.len() == 1)
    {
        // Without a primary key, a unique key of columns that are never NULL is shown as one.
        Some(_) if table.primary_key.is_empty() && column.not_null => "PRI",
        Some(_) => "UNI",
        None if indexes.next().is_some() => "MUL",
        None => "",
    }
}

/// A column's default, as text.
pub(crate) fn default_of(column: &ColumnDefinition) -> CellValue {
    match &column.default {
        None | Some(ColumnDefault::Null) => CellValue::Null,
        // A number is stored as text, too.
        Some(ColumnDefault::Text(text) | ColumnDefault::Number(text)) => match column.kind() {
            ValueKind::Decimal { scale } => match numbers::to_scale(text, scale) {
                Some(number) => scaled_text(number, scale).into(),
                None => text.as_str().into(),
            },
            ValueKind::BigDecimal { scale } => match decimals::parse(text) {
                Some((number, from)) => {
                    decimals::text(&decimals::rescaled(&number, from, scale), scale)
                        .unwrap_or_default()
                        .into()
                }
                None => text.as_str().into(),
            },
            _ => text.as_str().into(),
        },
        Some(ColumnDefault::Now) => column.now().into(),
    }
}

/// The `Extra` of DESCRIBE.
pub(crate) fn extra(column: &ColumnDefinition) -> String {
    let mut extra = Vec::new();
    if column.auto_increment {
        extra.push("auto_increment".to_owned());
    }
    if column.default == Some(ColumnDefault::Now) {
        extra.push("DEFAULT_GENERATED".into());
    }
    if column.on_update {
        extra.push(format!("on update {}", column.now()));
    }
    extra.join(" ")
}

pub(crate) fn column_row(
    table: &TableDefinition,
    index: usize,
    column: &ColumnDefinition,
    database: &str,
) -> Vec<CellValue> {
    let kind = column.kind();
    let number = |number: u64| CellValue::Number(i64::try_from(number).unwrap_or(i64::MAX));
    let (mut characters, mut octets) = (CellValue::Null, CellValue::Null);
    match kind {
        ValueKind::Text { .. } => {
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
        ValueKind::Bytes => {
            let length = column
                .kind
                .length()
                .map_or(u64::from(u32::MAX), |length| length.0);
            (characters, octets) = (number(length), number(length));
        }
        _ => {}
    }
    let (precision, scale) = match (column.kind.name(), kind) {
        ("BIT", _) => (CellValue::Number(1), CellValue::Null),
        ("YEAR", _) => (CellValue::Null, CellValue::Null),
        ("TINYINT", _) => (CellValue::Number(3), CellValue::Number(0)),
        ("SMALLINT", _) => (CellValue::Number(5), CellValue::Number(0)),
        ("MEDIUMINT", _) => (CellValue::Number(7), CellValue::Number(0)),
        ("INT", _) => (CellValue::Number(10), CellValue::Number(0)),
        ("BIGINT", _) if column.kind.unsigned() => (CellValue::Number(20), CellValue::Number(0)),
        ("BIGINT", _) => (CellValue::Number(19), CellValue::Number(0)),
        (_, ValueKind::Decimal { scale } | ValueKind::BigDecimal { scale }) => (
            CellValue::Number(i64::from(column.kind.precision())),
            CellValue::Number(i64::from(scale)),
        ),
        (_, ValueKind::Double) => (CellValue::Number(22), CellValue::Null),
        _ => (CellValue::Null, CellValue::Null),
    };
    let digits = match kind {
        ValueKind::DateTime { digits } | ValueKind::Time { digits } => {
            CellValue::Number(i64::from(digits))
        }
        _ => CellValue::Null,
    };
    let of_text = |text: &str| {
        if kind.is_text() {
            CellValue::from(text)
        } else {
            CellValue::Null
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
        CellValue::Null,
    ]
}

/// A column's collation in SHOW FULL COLUMNS.
pub(crate) fn collation_of(column: &ColumnDefinition) -> CellValue {
    text_or_null(
        column
            .kind()
            .is_text()
            .then(|| charsets::name(column.collation)),
    )
}

/// Rows with column names, for SHOW.
pub(crate) fn table_content(columns: &[&str], rows: Vec<Vec<CellValue>>) -> TableContent {
    TableContent::new(columns, rows)
}
