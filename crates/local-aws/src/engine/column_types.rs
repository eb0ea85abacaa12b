//! MySQL's column types: the kind of their values, how SQLite declares them, and how JDBC describes them.

use crate::engine::{
    EngineError, EngineResult,
    decimals::{MOST_DIGITS, MOST_SCALE},
    kinds::{Collation, MAX_DIGITS, ValueKind},
};

/// A column type: its name in capitals, its arguments, and whether it is unsigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ColumnType {
    name: String,
    arguments: Vec<String>,
    unsigned: bool,
}

impl ColumnType {
    /// Reads a declaration such as `VARCHAR(30)` or `INT UNSIGNED`.
    pub(crate) fn parse(text: &str) -> Self {
        let (before, rest) = text.split_once('(').unwrap_or((text, ""));
        let (arguments, after) = rest.rsplit_once(')').unwrap_or(("", ""));
        let words = format!("{before} {after}").to_ascii_uppercase();
        let name = match before
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .to_ascii_uppercase()
            .as_str()
        {
            "INTEGER" => "INT".to_owned(),
            "NUMERIC" | "DEC" | "FIXED" => "DECIMAL".to_owned(),
            "CHARACTER" if words.contains("VARYING") => "VARCHAR".to_owned(),
            "CHARACTER" => "CHAR".to_owned(),
            "REAL" => "DOUBLE".to_owned(),
            "BOOL" | "BOOLEAN" => {
                return Self {
                    name: "TINYINT".into(),
                    arguments: vec!["1".into()],
                    unsigned: false,
                };
            }
            name => name.to_owned(),
        };
        let arguments = if arguments.is_empty() {
            Vec::new()
        } else {
            split_arguments(arguments)
        };
        Self {
            name,
            arguments,
            unsigned: words.contains("UNSIGNED"),
        }
    }

    fn number(&self, index: usize) -> Option<u64> {
        self.arguments.get(index)?.parse().ok()
    }

    /// Its name in capitals, without its arguments.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The arguments without quotes, such as the values of an ENUM.
    pub(crate) fn values(&self) -> Vec<String> {
        self.arguments.iter().map(|text| unquoted(text)).collect()
    }

    pub(crate) fn unsigned(&self) -> bool {
        self.unsigned
    }

    /// Refuses types that are not stored here as MySQL stores them.
    pub(crate) fn check_supported(&self) -> EngineResult<()> {
        let refused = |what: &str| Err(EngineError::unsupported(what));
        let arguments = self.arguments.len();
        match self.name.as_str() {
            "TINYINT" | "SMALLINT" | "MEDIUMINT" | "INT" | "BIGINT" | "DATE" | "JSON" | "YEAR"
            | "CHAR" | "VARCHAR" | "BINARY" | "VARBINARY" | "ENUM" | "SET" => Ok(()),
            "DATETIME" | "TIMESTAMP" | "TIME" if self.digits() <= 6 => Ok(()),
            "TEXT" | "BLOB" if arguments > 0 => refused("TEXT and BLOB with a length"),
            "TINYTEXT" | "TEXT" | "MEDIUMTEXT" | "LONGTEXT" | "TINYBLOB" | "BLOB"
            | "MEDIUMBLOB" | "LONGBLOB" => Ok(()),
            "DOUBLE" if arguments > 0 => refused("DOUBLE with a precision"),
            "DOUBLE" => Ok(()),
            "BIT" if self.number(0).unwrap_or(1) == 1 => Ok(()),
            "DECIMAL"
                if self.precision() <= MOST_DIGITS
                    && self.scale() <= self.precision().min(MOST_SCALE) =>
            {
                Ok(())
            }
            "DECIMAL" => refused("DECIMAL of so many digits"),
            name => refused(&format!("the type {name}")),
        }
    }

    /// The kind of the column's values.
    pub(crate) fn kind(&self, collation: Collation) -> ValueKind {
        match self.name.as_str() {
            "BIT" => ValueKind::Int {
                unsigned: true,
                boolean: true,
            },
            "YEAR" => crate::engine::kinds::UNSIGNED,
            "DECIMAL" if self.precision() > MAX_DIGITS => ValueKind::BigDecimal {
                scale: self.scale(),
            },
            "DECIMAL" => ValueKind::Decimal {
                scale: self.scale(),
            },
            "DOUBLE" => ValueKind::Double,
            "DATE" => ValueKind::Date,
            "DATETIME" | "TIMESTAMP" => ValueKind::DateTime {
                digits: self.digits(),
            },
            "TIME" => ValueKind::Time {
                digits: self.digits(),
            },
            "JSON" => ValueKind::Json,
            name if name.ends_with("BLOB") || name.ends_with("BINARY") => ValueKind::Bytes,
            "BIGINT" if self.unsigned => ValueKind::Wide,
            _ if self.is_integer() => ValueKind::Int {
                unsigned: self.unsigned,
                boolean: self.is_boolean(),
            },
            _ => ValueKind::Text {
                collation,
                implicit: true,
            },
        }
    }

    fn is_boolean(&self) -> bool {
        self.name == "TINYINT" && self.number(0) == Some(1) && !self.unsigned
    }

    /// The precision of a DECIMAL.
    pub(crate) fn precision(&self) -> u32 {
        self.number(0)
            .map_or(10, |digits| u32::try_from(digits).unwrap_or(u32::MAX))
    }

    /// How many digits a number has before the point.
    pub(crate) fn whole_digits(&self) -> Option<u32> {
        match self.name.as_str() {
            "DECIMAL" => Some(self.precision().saturating_sub(self.scale())),
            "BIGINT" if self.unsigned => Some(20),
            _ => {
                let (least, most) = self.range()?;
                Some(least.unsigned_abs().max(most.unsigned_abs()).ilog10() + 1)
            }
        }
    }

    /// How many digits follow the point.
    pub(crate) fn scale(&self) -> u32 {
        self.number(1)
            .map_or(0, |digits| u32::try_from(digits).unwrap_or(u32::MAX))
    }

    /// The number of fractional digits of a second.
    pub(crate) fn digits(&self) -> u32 {
        self.number(0)
            .map_or(0, |digits| u32::try_from(digits).unwrap_or(u32::MAX))
    }

    /// How SQLite declares it, which depends on how values are stored.
    pub(crate) fn declaration(&self) -> &'static str {
        match self.kind(Collation::Default) {
            ValueKind::Int { .. }
            | ValueKind::Wide
            | ValueKind::Decimal { .. }
            | ValueKind::Null => "INTEGER",
            ValueKind::Double => "REAL",
            ValueKind::Bytes | ValueKind::BigDecimal { .. } => "BLOB",
            _ => "TEXT",
        }
    }

    /// How MySQL writes it: `int unsigned`, `decimal(10,2)`.
    pub(crate) fn text(&self) -> String {
        let name = self.name.to_ascii_lowercase();
        let arguments = match self.name.as_str() {
            "DECIMAL" => format!("({},{})", self.precision(), self.scale()),
            "BIT" | "CHAR" | "BINARY" => format!("({})", self.number(0).unwrap_or(1)),
            "TINYINT" if self.is_boolean() => "(1)".into(),
            // Integers no longer have a display width.
            _ if self.is_integer() || self.name == "YEAR" || self.arguments.is_empty() => {
                String::new()
            }
            _ if self.digits() == 0
                && matches!(
                    self.kind(Collation::Default),
                    ValueKind::DateTime { .. } | ValueKind::Time { .. }
                ) =>
            {
                String::new()
            }
            _ => format!("({})", self.arguments.join(",")),
        };
        let unsigned = if self.unsigned { " unsigned" } else { "" };
        format!("{name}{arguments}{unsigned}")
    }

    /// The maximum length of a value, and whether it is in characters.
    pub(crate) fn length(&self) -> Option<(u64, bool)> {
        match self.name.as_str() {
            "CHAR" | "VARCHAR" => Some((self.number(0).unwrap_or(1), true)),
            "BINARY" | "VARBINARY" => Some((self.number(0).unwrap_or(1), false)),
            "TINYTEXT" | "TINYBLOB" => Some((255, false)),
            "TEXT" | "BLOB" => Some((65_535, false)),
            "MEDIUMTEXT" | "MEDIUMBLOB" => Some((16_777_215, false)),
            _ => None,
        }
    }

    /// The smallest and the largest value of an integer type.
    pub(crate) fn range(&self) -> Option<(i64, i64)> {
        let bits = match self.name.as_str() {
            "TINYINT" => 8,
            "SMALLINT" => 16,
            "MEDIUMINT" => 24,
            "INT" => 32,
            "BIGINT" => return Some((if self.unsigned { 0 } else { i64::MIN }, i64::MAX)),
            _ => return None,
        };
        Some(if self.unsigned {
            (0, (1 << bits) - 1)
        } else {
            (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
        })
    }

    fn is_integer(&self) -> bool {
        self.range().is_some()
    }

    /// Name, `java.sql.Types` number, precision and scale, as in MySQL's JDBC driver.
    pub(crate) fn jdbc(&self) -> (String, i32, i32, i32) {
        let unsigned = if self.unsigned { " UNSIGNED" } else { "" };
        let length = self
            .length()
            .and_then(|(length, _)| i32::try_from(length).ok())
            .unwrap_or(0);
        let kind = self.kind(Collation::Default);
        let (code, precision) = match (self.name.as_str(), kind) {
            ("BIT" | "TINYINT", ValueKind::Int { boolean: true, .. }) => {
                return ("BIT".into(), -7, 1, 0);
            }
            ("TINYINT", _) => (-6, 3),
            ("SMALLINT", _) => (5, 5),
            ("MEDIUMINT", _) => (4, 7),
            ("INT", _) => (4, 10),
            ("BIGINT", _) => (-5, 19),
            ("DECIMAL", ValueKind::Decimal { scale } | ValueKind::BigDecimal { scale }) => {
                let precision = i32::try_from(self.number(0).unwrap_or(10)).unwrap_or(10);
                return (
                    format!("DECIMAL{unsigned}"),
                    3,
                    precision,
                    i32::try_from(scale).unwrap_or(0),
                );
            }
            ("FLOAT", _) => (7, 12),
            ("DOUBLE", _) => (8, 22),
            ("DATE", _) => (91, 10),
            ("YEAR", _) => (91, 4),
            ("TIME", _) => (92, 8),
            ("DATETIME" | "TIMESTAMP", _) => (93, 19),
            ("ENUM" | "SET", _) => {
                let longest = self
                    .values()
                    .iter()
                    .map(|value| value.chars().count())
                    .max();
                let together = self.values().join(",").chars().count();
                let length = if self.name == "SET" {
                    together
                } else {
                    longest.unwrap_or(0)
                };
                return ("CHAR".into(), 1, i32::try_from(length).unwrap_or(0), 0);
            }
            ("CHAR", _) => (1, length),
            ("BINARY", _) => (-2, length),
            ("VARBINARY", _) => (-3, length),
            ("JSON", _) => (-1, 1_073_741_824),
            (name, _) if name.ends_with("TEXT") => (-1, length),
            (name, _) if name.ends_with("BLOB") => (-4, length),
            _ => (12, length),
        };
        (format!("{}{unsigned}", self.name), code, precision, 0)
    }

    pub(crate) fn is_signed(&self) -> bool {
        !self.unsigned
            && (self.is_integer() || matches!(self.name.as_str(), "DECIMAL" | "FLOAT" | "DOUBLE"))
    }
}

/// Splits at commas outside quotes.
fn split_arguments(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut inside = false;
    for letter in text.chars() {
        match letter {
            '\'' => inside = !inside,
            ',' if !inside => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(letter);
        }
    }
    parts.iter().map(|part| part.trim().to_owned()).collect()
}

/// The text of a literal from the syntax tree.
fn unquoted(text: &str) -> String {
    match text
        .strip_prefix('\'')
        .and_then(|text| text.strip_suffix('\''))
    {
        Some(inner) => inner.replace("''", "'"),
        None => text.to_owned(),
    }
}

/// A text as a literal, for both MySQL and SQLite as long as it has no backslash.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_whatever_their_form() {
        for (written, text) in [
            ("varchar(30)", "varchar(30)"),
            ("INTEGER UNSIGNED", "int unsigned"),
            ("INT(11)", "int"),
            ("BOOLEAN", "tinyint(1)"),
            ("NUMERIC(10,2)", "decimal(10,2)"),
            ("DEC", "decimal(10,0)"),
            ("DATETIME(3)", "datetime(3)"),
            ("ENUM('a,b', 'it''s')", "enum('a,b','it''s')"),
        ] {
            let kind = ColumnType::parse(written);
            assert_eq!(kind.text(), text);
            assert_eq!(kind.check_supported(), Ok(()));
            assert_eq!(ColumnType::parse(text).text(), text);
        }
        assert_eq!(
            ColumnType::parse("ENUM('a,b', 'it''s')").values(),
            ["a,b", "it's"]
        );
    }

    #[test]
    fn what_is_kept_otherwise_is_refused() {
        for text in [
            "FLOAT",
            "DECIMAL(66, 2)",
            "DECIMAL(60, 31)",
            "BIT(8)",
            "POINT",
            "TEXT(9)",
        ] {
            assert!(ColumnType::parse(text).check_supported().is_err(), "{text}");
        }
    }
}
