//! Parameters and values: from the Data API's to MySQL's protocol and back.

use mysql_async::{
    Column as Described, Value as Raw,
    consts::{ColumnFlags, ColumnType},
};

use super::{Column, EngineError, EngineResult, Value};

/// The character set number of bytes that are no text.
const BINARY: u16 = 63;

/// A statement with `?` for its parameters, and their names in order.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Positional {
    pub(super) sql: String,
    pub(super) names: Vec<String>,
}

/// Turns `:name` into `?`, except in strings, quoted names and comments. A second statement is refused, as the service does.
pub(super) fn positional(sql: &str) -> EngineResult<Positional> {
    let mut ended = false;
    let mut out = String::with_capacity(sql.len());
    let mut names = Vec::new();
    let mut rest = sql;
    while let Some(letter) = rest.chars().next() {
        let is_comment =
            letter == '#' || (letter == '-' && is_comment(rest)) || rest.starts_with("/*");
        match letter {
            ';' => ended = true,
            letter if ended && !letter.is_whitespace() && !is_comment => {
                return Err(EngineError::SeveralStatements);
            }
            _ => {}
        }
        let length = match letter {
            '\'' | '"' | '`' => quoted_length(rest, letter),
            '#' => rest.find('\n').unwrap_or(rest.len()),
            '-' if is_comment => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => {
                rest[2..].find("*/").map_or(rest.len(), |end| 2 + end + 2)
            }
            ':' => {
                let name: String = rest[1..]
                    .chars()
                    .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
                    .collect();
                if !name.is_empty() {
                    out.push('?');
                    rest = &rest[1 + name.len()..];
                    names.push(name);
                    continue;
                }
                1
            }
            letter => letter.len_utf8(),
        };
        out.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    Ok(Positional { sql: out, names })
}

fn is_comment(rest: &str) -> bool {
    rest.strip_prefix("--")
        .is_some_and(|after| after.chars().next().is_none_or(char::is_whitespace))
}

fn quoted_length(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (index, letter) in text.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if letter == '\\' && quote != '`' {
            escaped = true;
        } else if letter == quote {
            // A doubled quote reads as the end of one string and the start of the next, which comes to the same.
            return index + 1;
        }
    }
    text.len()
}

pub(super) fn to_mysql(value: &Value) -> Raw {
    match value {
        Value::Null => Raw::NULL,
        Value::Boolean(value) => Raw::Int(i64::from(*value)),
        Value::Long(value) => Raw::Int(*value),
        Value::Double(value) => Raw::Double(*value),
        Value::Decimal(text) | Value::Text(text) => Raw::Bytes(text.clone().into_bytes()),
        Value::Blob(bytes) => Raw::Bytes(bytes.clone()),
    }
}

/// The ids of an INSERT follow each other from the first one.
pub(super) fn generated(first: Option<u64>, count: u64) -> Vec<i64> {
    let first = first
        .and_then(|first| i64::try_from(first).ok())
        .filter(|first| *first > 0);
    first
        .map(|first| {
            (0..count)
                .filter_map(|index| first.checked_add(i64::try_from(index).ok()?))
                .collect()
        })
        .unwrap_or_default()
}

pub(super) fn row(raw: Vec<Raw>, columns: &[Described]) -> Vec<Value> {
    raw.into_iter()
        .zip(columns)
        .map(|(raw, column)| value(raw, column))
        .collect()
}

/// One value, by the type of its column. The binary protocol sends numbers and dates as such, the text protocol as text.
fn value(raw: Raw, column: &Described) -> Value {
    use ColumnType as T;
    let kind = column.column_type();
    match raw {
        Raw::NULL => Value::Null,
        Raw::Int(number) if is_boolean(column) => Value::Boolean(number != 0),
        Raw::UInt(number) if is_boolean(column) => Value::Boolean(number != 0),
        Raw::Int(number) => Value::Long(number),
        Raw::UInt(number) => {
            i64::try_from(number).map_or_else(|_| Value::Decimal(number.to_string()), Value::Long)
        }
        // By way of its text, so that 0.1 stays 0.1.
        Raw::Float(number) => Value::Double(
            number
                .to_string()
                .parse()
                .unwrap_or_else(|_| f64::from(number)),
        ),
        Raw::Double(number) => Value::Double(number),
        Raw::Date(year, month, day, ..) if kind == T::MYSQL_TYPE_DATE => {
            Value::Text(format!("{year:04}-{month:02}-{day:02}"))
        }
        Raw::Date(year, month, day, hour, minute, second, micro) => {
            let fraction = fraction(micro, column.decimals());
            Value::Text(format!(
                "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}{fraction}"
            ))
        }
        Raw::Time(negative, days, hours, minutes, seconds, micro) => {
            let sign = if negative { "-" } else { "" };
            let hours = days * 24 + u32::from(hours);
            Value::Text(format!(
                "{sign}{hours:02}:{minutes:02}:{seconds:02}{}",
                fraction(micro, column.decimals())
            ))
        }
        Raw::Bytes(bytes) => match kind {
            T::MYSQL_TYPE_BIT if column.column_length() == 1 => {
                Value::Boolean(bytes.iter().any(|byte| *byte != 0))
            }
            T::MYSQL_TYPE_BIT | T::MYSQL_TYPE_GEOMETRY => Value::Blob(bytes),
            T::MYSQL_TYPE_DECIMAL | T::MYSQL_TYPE_NEWDECIMAL => Value::Decimal(text(bytes)),
            T::MYSQL_TYPE_TINY
            | T::MYSQL_TYPE_SHORT
            | T::MYSQL_TYPE_LONG
            | T::MYSQL_TYPE_LONGLONG
            | T::MYSQL_TYPE_INT24
            | T::MYSQL_TYPE_YEAR => number(text(bytes), is_boolean(column)),
            T::MYSQL_TYPE_FLOAT | T::MYSQL_TYPE_DOUBLE => {
                let text = text(bytes);
                text.parse().map_or(Value::Text(text), Value::Double)
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
                Value::Blob(bytes)
            }
            _ => Value::Text(text(bytes)),
        },
    }
}

fn number(text: String, boolean: bool) -> Value {
    match text.parse::<i64>() {
        Ok(number) if boolean => Value::Boolean(number != 0),
        Ok(number) => Value::Long(number),
        Err(_) => Value::Decimal(text),
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

/// TINYINT(1), which is what BOOLEAN is.
fn is_boolean(column: &Described) -> bool {
    column.column_type() == ColumnType::MYSQL_TYPE_TINY && column.column_length() == 1
}

/// A column, described as JDBC would.
pub(super) fn column(raw: &Described, metadata: bool) -> Column {
    let label = raw.name_str().into_owned();
    if !metadata {
        return Column {
            name: label.clone(),
            label,
            ..Column::default()
        };
    }
    let flags = raw.flags();
    let (type_name, type_code, precision) = jdbc(raw);
    let numeric = raw.column_type().is_numeric_type();
    let is_unsigned = flags.contains(ColumnFlags::UNSIGNED_FLAG);
    let name = raw.org_name_str().into_owned();
    Column {
        name: if name.is_empty() { label.clone() } else { name },
        label,
        type_code,
        type_name: if is_unsigned && numeric {
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

/// Name, number of `java.sql.Types`, and precision.
fn jdbc(raw: &Described) -> (&'static str, i32, i32) {
    use ColumnType as T;
    let bytes = i32::try_from(raw.column_length()).unwrap_or(i32::MAX);
    let is_binary = raw.character_set() == BINARY;
    // A text's length is given in bytes of utf8mb4.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_question_marks_outside_strings_and_comments() {
        let sql = "SELECT ':a', \":b\", `:c`, 'it''s :d', 'x\\':e' /* :f */ -- :g\n, :h #:i\nFROM t WHERE a = :h AND b=:j1";
        let positional = positional(sql).unwrap();
        assert_eq!(positional.names, ["h", "h", "j1"]);
        assert_eq!(positional.sql, sql.replace(":h", "?").replace(":j1", "?"));
    }

    #[test]
    fn a_second_statement_is_refused() {
        assert!(positional("SELECT ';' ; -- done\n /* ; */ ").is_ok());
        assert_eq!(
            positional("SELECT 1; SELECT 2"),
            Err(EngineError::SeveralStatements)
        );
    }

    #[test]
    fn a_comment_does_not_end_with_the_star_that_begins_it() {
        let positional = positional("SELECT /*/ :a */ :b, 1 /*:c").unwrap();
        assert_eq!(
            (positional.sql.as_str(), positional.names),
            ("SELECT /*/ :a */ ?, 1 /*:c", vec!["b".to_owned()])
        );
    }

    #[test]
    fn a_minus_sign_is_no_comment() {
        assert_eq!(positional("SELECT 1--:a").unwrap().names, ["a"]);
        assert_eq!(
            positional("SELECT 1 := 2").unwrap().names,
            Vec::<String>::new()
        );
    }
}
