//! Values: from the Data API to MySQL's protocol and back.

use mysql_async::{
    Column as Described, Value as Raw,
    consts::{ColumnFlags, ColumnType},
};

use crate::engine::{EngineResult, ResultColumn, SqlValue};

/// The number of the character set `binary`.
const BINARY: u16 = 63;

pub(crate) fn to_mysql(value: &SqlValue) -> Raw {
    match value {
        SqlValue::Null => Raw::NULL,
        SqlValue::Boolean(value) => Raw::Int(i64::from(*value)),
        SqlValue::Long(value) => Raw::Int(*value),
        SqlValue::Double(value) => Raw::Double(*value),
        SqlValue::Decimal(text) | SqlValue::Text(text) | SqlValue::Json(text) => {
            Raw::Bytes(text.clone().into_bytes())
        }
        SqlValue::Blob(bytes) => Raw::Bytes(bytes.clone()),
    }
}

pub(crate) fn row(raw: Vec<Raw>, columns: &[Described]) -> EngineResult<Vec<SqlValue>> {
    raw.into_iter()
        .zip(columns)
        .map(|(raw, column)| value(raw, column))
        .collect()
}

/// Converts one value by its column's type. The binary protocol sends numbers and dates as such, the text protocol as
/// text.
fn value(raw: Raw, column: &Described) -> EngineResult<SqlValue> {
    use ColumnType as T;
    let kind = column.column_type();
    Ok(match raw {
        Raw::NULL => SqlValue::Null,
        Raw::Int(number) if is_boolean(column) => SqlValue::Boolean(number != 0),
        Raw::UInt(number) if is_boolean(column) => SqlValue::Boolean(number != 0),
        Raw::Int(number) => SqlValue::Long(number),
        Raw::UInt(number) => SqlValue::of_unsigned(number)?,
        // Converted through its text, so that 0.1 stays 0.1.
        Raw::Float(number) => SqlValue::Double(
            number
                .to_string()
                .parse()
                .unwrap_or_else(|_| f64::from(number)),
        ),
        Raw::Double(number) => SqlValue::Double(number),
        Raw::Date(year, month, day, ..) if kind == T::MYSQL_TYPE_DATE => {
            SqlValue::Text(format!("{year:04}-{month:02}-{day:02}"))
        }
        Raw::Date(year, month, day, hour, minute, second, micro) => {
            let fraction = fraction(micro, column.decimals());
            SqlValue::Text(format!(
                "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}{fraction}"
            ))
        }
        Raw::Time(negative, days, hours, minutes, seconds, micro) => {
            let sign = if negative { "-" } else { "" };
            let hours = days * 24 + u32::from(hours);
            SqlValue::Text(format!(
                "{sign}{hours:02}:{minutes:02}:{seconds:02}{}",
                fraction(micro, column.decimals())
            ))
        }
        Raw::Bytes(bytes) => match kind {
            T::MYSQL_TYPE_BIT if column.column_length() == 1 => {
                SqlValue::Boolean(bytes.iter().any(|byte| *byte != 0))
            }
            T::MYSQL_TYPE_BIT | T::MYSQL_TYPE_GEOMETRY => SqlValue::Blob(bytes),
            T::MYSQL_TYPE_DECIMAL | T::MYSQL_TYPE_NEWDECIMAL => SqlValue::Decimal(text(bytes)),
            T::MYSQL_TYPE_TINY
            | T::MYSQL_TYPE_SHORT
            | T::MYSQL_TYPE_LONG
            | T::MYSQL_TYPE_LONGLONG
            | T::MYSQL_TYPE_INT24
            | T::MYSQL_TYPE_YEAR => number(text(bytes), is_boolean(column))?,
            T::MYSQL_TYPE_FLOAT | T::MYSQL_TYPE_DOUBLE => {
                let text = text(bytes);
                text.parse().map_or(SqlValue::Text(text), SqlValue::Double)
            }
            T::MYSQL_TYPE_TINY_BLOB
            | T::MYSQL_TYPE_MEDIUM_BLOB
            | T::MYSQL_TYPE_LONG_BLOB
            | T::MYSQL_TYPE_BLOB
            | T::MYSQL_TYPE_VAR_STRING
            | T::MYSQL_TYPE_STRING
            | T::MYSQL_TYPE_VARCHAR
                if column.character_set() == BINARY =>
            {
                SqlValue::Blob(bytes)
            }
            _ => SqlValue::Text(text(bytes)),
        },
    })
}

fn number(text: String, boolean: bool) -> EngineResult<SqlValue> {
    match (text.parse::<i64>(), text.parse::<u64>()) {
        (Ok(number), _) if boolean => Ok(SqlValue::Boolean(number != 0)),
        (Ok(number), _) => Ok(SqlValue::Long(number)),
        (_, Ok(number)) => SqlValue::of_unsigned(number),
        _ => Ok(SqlValue::Decimal(text)),
    }
}

fn fraction(micro: u32, decimals: u8) -> String {
    match usize::from(decimals) {
        digits @ 1..=6 => format!(".{}", &format!("{micro:06}")[..digits]),
        _ if micro > 0 => format!(".{micro:06}"),
        _ => String::new(),
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// TINYINT(1), which is what BOOLEAN means.
fn is_boolean(column: &Described) -> bool {
    column.column_type() == ColumnType::MYSQL_TYPE_TINY && column.column_length() == 1
}

/// A column, described as JDBC would.
pub(crate) fn column(raw: &Described, metadata: bool) -> ResultColumn {
    let label = raw.name_str().into_owned();
    if !metadata {
        return ResultColumn {
            name: label.clone(),
            label,
            ..ResultColumn::default()
        };
    }
    let flags = raw.flags();
    let (type_name, type_code, precision) = jdbc(raw);
    let numeric = raw.column_type().is_numeric_type();
    let is_unsigned = flags.contains(ColumnFlags::UNSIGNED_FLAG);
    let name = raw.org_name_str().into_owned();
    ResultColumn {
        name: if name.is_empty() { label.clone() } else { name },
        label,
        type_code,
        type_name: if is_unsigned && numeric && raw.column_type() != ColumnType::MYSQL_TYPE_YEAR {
            format!("{type_name} UNSIGNED")
        } else {
            type_name.to_owned()
        },
        table_name: raw.org_table_str().into_owned(),
        auto_increment: flags.contains(ColumnFlags::AUTO_INCREMENT_FLAG),
        signed: numeric && !is_unsigned,
        case_sensitive: matches!(type_code, 12 | 1 | -1)
            && flags.contains(ColumnFlags::BINARY_FLAG),
        nullable: !flags.contains(ColumnFlags::NOT_NULL_FLAG),
        precision,
        scale: if type_code == 3 {
            i32::from(raw.decimals())
        } else {
            0
        },
    }
}

/// Name, `java.sql.Types` number, and precision.
fn jdbc(raw: &Described) -> (&'static str, i32, i32) {
    use ColumnType as T;
    let bytes = i32::try_from(raw.column_length()).unwrap_or(i32::MAX);
    let is_binary = raw.character_set() == BINARY;
    // A text's length is given in utf8mb4 bytes.
    let characters = bytes / 4;
    match raw.column_type() {
        T::MYSQL_TYPE_TINY if is_boolean(raw) => ("BIT", -7, 1),
        T::MYSQL_TYPE_BIT => ("BIT", -7, bytes),
        T::MYSQL_TYPE_TINY => ("TINYINT", -6, 3),
        T::MYSQL_TYPE_SHORT => ("SMALLINT", 5, 5),
        T::MYSQL_TYPE_INT24 => ("MEDIUMINT", 4, 7),
        T::MYSQL_TYPE_LONG => ("INT", 4, 10),
        T::MYSQL_TYPE_LONGLONG => ("BIGINT", -5, 19),
        T::MYSQL_TYPE_YEAR => ("YEAR", 91, 4),
        T::MYSQL_TYPE_FLOAT => ("FLOAT", 7, 12),
        T::MYSQL_TYPE_DOUBLE => ("DOUBLE", 8, 22),
        T::MYSQL_TYPE_DECIMAL | T::MYSQL_TYPE_NEWDECIMAL => {
            ("DECIMAL", 3, bytes - i32::from(raw.decimals() > 0) - 1)
        }
        T::MYSQL_TYPE_DATE | T::MYSQL_TYPE_NEWDATE => ("DATE", 91, 10),
        T::MYSQL_TYPE_TIME | T::MYSQL_TYPE_TIME2 => ("TIME", 92, 8),
        T::MYSQL_TYPE_DATETIME | T::MYSQL_TYPE_DATETIME2 => ("DATETIME", 93, 19),
        T::MYSQL_TYPE_TIMESTAMP | T::MYSQL_TYPE_TIMESTAMP2 => ("TIMESTAMP", 93, 19),
        T::MYSQL_TYPE_STRING if is_binary => ("BINARY", -2, bytes),
        T::MYSQL_TYPE_STRING => ("CHAR", 1, characters),
        T::MYSQL_TYPE_VAR_STRING | T::MYSQL_TYPE_VARCHAR if is_binary => ("VARBINARY", -3, bytes),
        T::MYSQL_TYPE_JSON => ("JSON", -1, characters),
        T::MYSQL_TYPE_TINY_BLOB
        | T::MYSQL_TYPE_MEDIUM_BLOB
        | T::MYSQL_TYPE_LONG_BLOB
        | T::MYSQL_TYPE_BLOB
            if is_binary =>
        {
            ("BLOB", -4, bytes)
        }
        T::MYSQL_TYPE_TINY_BLOB
        | T::MYSQL_TYPE_MEDIUM_BLOB
        | T::MYSQL_TYPE_LONG_BLOB
        | T::MYSQL_TYPE_BLOB => ("TEXT", -1, characters),
        _ => ("VARCHAR", 12, characters),
    }
}
