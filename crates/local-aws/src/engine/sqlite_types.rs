//! MySQL's column types: how SQLite declares them, what it checks, and how JDBC describes them.

use sqlparser::ast::DataType;

use super::sqlite_ddl::{FITS, RANGE, TYPE};

/// A column type: its name in capitals, its arguments, and whether it is unsigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Type {
    name: String,
    arguments: Vec<String>,
    unsigned: bool,
}

/// How a value of the type is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// By the value's own type.
    Plain,
    Boolean,
    Double,
    /// With so many digits after the point.
    Decimal(usize),
    /// A decimal without a fraction where it is a whole number, by the value's own type otherwise.
    Sum,
    Text,
    Bytes,
}

impl Type {
    pub(super) fn of(data_type: &DataType) -> Self {
        Self::parse(&data_type.to_string())
    }

    /// Reads a declaration such as `VARCHAR(30)` or `INT UNSIGNED`.
    pub(super) fn parse(text: &str) -> Self {
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

    /// How SQLite declares it. The words decide SQLite's affinity: text stays text, whatever it looks like.
    pub(super) fn declaration(&self) -> String {
        match self.name.as_str() {
            "ENUM" | "SET" => "VARCHAR(255)".into(),
            _ => {
                let unsigned = if self.unsigned { " UNSIGNED" } else { "" };
                match self.arguments.as_slice() {
                    [] => format!("{}{unsigned}", self.name),
                    arguments => format!("{}({}){unsigned}", self.name, arguments.join(", ")),
                }
            }
        }
    }

    /// How long a value may be: a number, and whether of characters.
    pub(super) fn length(&self) -> Option<(u64, bool)> {
        match self.name.as_str() {
            "CHAR" | "VARCHAR" => Some((self.number(0).unwrap_or(1), true)),
            "BINARY" | "VARBINARY" => Some((self.number(0).unwrap_or(1), false)),
            "TINYTEXT" | "TINYBLOB" => Some((255, false)),
            "TEXT" | "BLOB" => Some((65_535, false)),
            "MEDIUMTEXT" | "MEDIUMBLOB" => Some((16_777_215, false)),
            _ => None,
        }
    }

    fn range(&self) -> Option<(i64, i64)> {
        let bits = match self.name.as_str() {
            "TINYINT" => 8,
            "SMALLINT" => 16,
            "MEDIUMINT" => 24,
            "INT" => 32,
            _ => return None,
        };
        Some(if self.unsigned {
            (0, (1 << bits) - 1)
        } else {
            (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
        })
    }

    fn is_integer(&self) -> bool {
        self.name == "BIGINT" || self.range().is_some()
    }

    /// The conditions that stand for strict mode: prefix of the constraint's name, and the condition.
    pub(super) fn checks(&self, column: &str) -> Vec<(&'static str, String)> {
        let mut checks = Vec::new();
        if self.is_integer() {
            checks.push((TYPE, format!("typeof({column}) IN ('integer', 'null')")));
            if let Some((low, high)) = self.range() {
                checks.push((RANGE, format!("{column} BETWEEN {low} AND {high}")));
            } else if self.unsigned {
                checks.push((RANGE, format!("{column} >= 0")));
            }
        }
        match self.name.as_str() {
            "DECIMAL" => {
                let whole = self.number(0).unwrap_or(10).saturating_sub(self.number(1).unwrap_or(0)).min(18);
                checks.push((TYPE, format!("typeof({column}) IN ('integer', 'real', 'null')")));
                checks.push((RANGE, format!("abs({column}) < 1{}", "0".repeat(usize::try_from(whole).unwrap_or(0)))));
            }
            "FLOAT" | "DOUBLE" => checks.push((TYPE, format!("typeof({column}) IN ('integer', 'real', 'null')"))),
            "DATE" | "DATETIME" | "TIMESTAMP" => checks.push((
                TYPE,
                format!("{column} IS NULL OR (typeof({column}) = 'text' AND length({column}) >= 10 AND datetime({column}) IS NOT NULL)"),
            )),
            "JSON" => checks.push((TYPE, format!("{column} IS NULL OR json_valid({column})"))),
            "ENUM" => {
                checks.push((
                    TYPE,
                    format!("{column} IN ({})", self.arguments.iter().map(|text| unquoted(text)).collect::<Vec<_>>().join(", ")),
                ));
            }
            _ => {}
        }
        if let Some((length, characters)) = self.length() {
            // length() of a text stops at its first NUL: the bytes bound what hides behind it.
            checks.push((
                FITS,
                if characters {
                    format!(
                        "length({column}) <= {length} AND octet_length({column}) <= {}",
                        length * 4
                    )
                } else {
                    format!("octet_length({column}) <= {length}")
                },
            ));
        }
        checks
    }

    pub(super) fn shape(&self) -> Shape {
        match (self.name.as_str(), self.number(0)) {
            ("TINYINT", Some(1)) | ("BIT", None | Some(1)) => Shape::Boolean,
            ("DECIMAL", _) => {
                Shape::Decimal(usize::try_from(self.number(1).unwrap_or(0)).unwrap_or(0))
            }
            ("FLOAT" | "DOUBLE", _) => Shape::Double,
            (name, _) if name.ends_with("BLOB") || name.ends_with("BINARY") => Shape::Bytes,
            (name, _) if name.ends_with("CHAR") || name.ends_with("TEXT") => Shape::Text,
            ("DATE" | "DATETIME" | "TIMESTAMP" | "TIME" | "JSON", _) => Shape::Text,
            _ => Shape::Plain,
        }
    }

    /// What MySQL calls the kind of value in "Incorrect … value".
    pub(super) fn kind_of_value(&self) -> &'static str {
        match self.name.as_str() {
            "DATE" => "date",
            "DATETIME" | "TIMESTAMP" => "datetime",
            "DECIMAL" => "decimal",
            "FLOAT" | "DOUBLE" => "double",
            _ => "integer",
        }
    }

    /// Name, number of `java.sql.Types`, precision and scale, as MySQL's JDBC driver has them.
    pub(super) fn jdbc(&self) -> (String, i32, i32, i32) {
        let unsigned = if self.unsigned { " UNSIGNED" } else { "" };
        let length = self
            .length()
            .and_then(|(length, _)| i32::try_from(length).ok())
            .unwrap_or(0);
        let (code, precision) = match (self.name.as_str(), self.shape()) {
            ("BIT" | "TINYINT", Shape::Boolean) => return ("BIT".into(), -7, 1, 0),
            ("TINYINT", _) => (-6, 3),
            ("SMALLINT", _) => (5, 5),
            ("MEDIUMINT", _) => (4, 7),
            ("INT", _) => (4, 10),
            ("BIGINT", _) => (-5, 19),
            ("DECIMAL", Shape::Decimal(scale)) => {
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
            ("TIME", _) => (92, 8),
            ("DATETIME" | "TIMESTAMP", _) => (93, 19),
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

    pub(super) fn is_signed(&self) -> bool {
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

/// A literal that came from the tree's text, quoted anew.
fn unquoted(text: &str) -> String {
    literal(&text.trim_matches('\'').replace("''", "'"))
}

/// A text as a SQLite literal.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_are_read_whatever_their_form() {
        assert_eq!(Type::parse("varchar(30)").declaration(), "VARCHAR(30)");
        assert_eq!(
            Type::parse("INTEGER UNSIGNED").declaration(),
            "INT UNSIGNED"
        );
        assert_eq!(Type::parse("BOOLEAN").declaration(), "TINYINT(1)");
        assert_eq!(Type::parse("NUMERIC(10,2)").declaration(), "DECIMAL(10, 2)");
        assert_eq!(Type::parse("DECIMAL(10, 2)").shape(), Shape::Decimal(2));
        assert_eq!(Type::parse("TINYINT(1)").shape(), Shape::Boolean);
        assert_eq!(Type::parse("BIGINT(20)").shape(), Shape::Plain);
        assert_eq!(Type::parse("VARBINARY(16)").shape(), Shape::Bytes);
    }

    #[test]
    fn enum_values_keep_their_quotes_and_commas() {
        let checks = Type::parse("ENUM('a,b', 'it''s')").checks("`c`");
        assert_eq!(checks[0].1, "`c` IN ('a,b', 'it''s')");
    }
}
