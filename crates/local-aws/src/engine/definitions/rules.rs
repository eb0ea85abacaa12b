//! What MySQL asks of a table's columns and keys when it is defined.

use crate::engine::{
    EngineError, EngineResult,
    catalogue::{ColumnDefault, ColumnDefinition, TableDefinition},
    collation,
};

/// The longest key, in bytes.
const MAX_KEY_BYTES: u64 = 3_072;
/// The longest row without its texts and blobs, in bytes.
const MAX_ROW_BYTES: u64 = 65_535;
/// The most bytes of a character of `utf8mb4`.
const CHARACTER_BYTES: u64 = 4;

/// Checks a table that is defined now; those that an earlier version took stay.
pub(crate) fn check(table: &TableDefinition) -> EngineResult<()> {
    for column in &table.columns {
        check_column(column)?;
    }
    let row: u64 = table.columns.iter().map(bytes).sum();
    if row > MAX_ROW_BYTES {
        return Err(EngineError::database(
            1118,
            "42000",
            "Row size too large. The maximum row size for the used table type, not counting BLOBs, is 65535. This includes \
             storage overhead, check the manual. You have to change some columns to TEXT or BLOBs",
        ));
    }
    let keys = table.indexes.iter().map(|index| &index.columns);
    for key in keys.chain([&table.primary_key]) {
        let columns = key.iter().filter_map(|name| table.column(name));
        if columns.map(bytes).sum::<u64>() > MAX_KEY_BYTES {
            return Err(EngineError::database(
                1071,
                "42000",
                "Specified key was too long; max key length is 3072 bytes",
            ));
        }
    }
    Ok(())
}

/// How many bytes a text or bytes of a column take in its row; other types have little weight.
fn bytes(column: &ColumnDefinition) -> u64 {
    match (column.kind.name(), column.kind.length()) {
        ("CHAR" | "VARCHAR", Some((length, _))) => length * CHARACTER_BYTES,
        ("BINARY" | "VARBINARY", Some((length, _))) => length,
        _ => 0,
    }
}

fn check_column(column: &ColumnDefinition) -> EngineResult<()> {
    let name = &column.name;
    if column.not_null && column.default == Some(ColumnDefault::Null) {
        return Err(EngineError::database(
            1067,
            "42000",
            format!("Invalid default value for '{name}'"),
        ));
    }
    if column.auto_increment && column.kind.range().is_none() {
        return Err(EngineError::database(
            1063,
            "42000",
            format!("Incorrect column specifier for column '{name}'"),
        ));
    }
    if matches!(column.kind.name(), "VARCHAR" | "VARBINARY") && !column.kind.text().contains('(') {
        return Err(EngineError::database(
            1064,
            "42000",
            format!(
                "You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version for                  the right syntax to use near '{name}', which has no length"
            ),
        ));
    }
    let most = match column.kind.name() {
        "CHAR" | "BINARY" => 255,
        "VARCHAR" => MAX_ROW_BYTES / CHARACTER_BYTES,
        "VARBINARY" => MAX_ROW_BYTES,
        _ => u64::MAX,
    };
    let length = column.kind.length().map_or(0, |(length, _)| length);
    if length > most {
        return Err(EngineError::database(
            1074,
            "42000",
            format!(
                "Column length too big for column '{name}' (max = {most}); use BLOB or TEXT instead"
            ),
        ));
    }
    let kind = column.kind.name();
    if matches!(kind, "ENUM" | "SET") {
        let members = column.kind.values();
        for (place, member) in members.iter().enumerate() {
            if members[..place]
                .iter()
                .any(|other| collation::equal(other, member))
            {
                return Err(EngineError::database(
                    1291,
                    "HY000",
                    format!("Column '{name}' has duplicated value '{member}' in {kind}"),
                ));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{EngineError, sqlite::parse};

    /// The number of the error that a definition is.
    fn code(definition: &str) -> u16 {
        let sqlparser::ast::Statement::CreateTable(tree) = parse::parse(definition).unwrap() else {
            panic!("{definition}");
        };
        match TableDefinition::read(&tree).and_then(|table| check(&table)) {
            Ok(()) => 0,
            Err(EngineError::Database { code, .. }) => code,
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_definition_that_mysql_does_not_take_is_its_error() {
        for (columns, expected) in [
            (
                "a VARCHAR(255) PRIMARY KEY, b CHAR(255), c VARBINARY(100)",
                0,
            ),
            ("a INT NOT NULL DEFAULT NULL", 1067),
            ("a VARCHAR(10) AUTO_INCREMENT PRIMARY KEY", 1063),
            ("a CHAR(300)", 1074),
            ("a VARCHAR(16384)", 1074),
            ("a VARCHAR(16383), b VARCHAR(16383)", 1118),
            ("a VARCHAR(769) UNIQUE", 1071),
            ("a ENUM('x', 'X')", 1291),
            ("a SET('x', 'y', 'x')", 1291),
            ("a INT PRIMARY KEY, b INT PRIMARY KEY", 1068),
            ("a INT PRIMARY KEY, b INT, PRIMARY KEY (b)", 1068),
            ("a VARCHAR", 1064),
        ] {
            assert_eq!(
                code(&format!("CREATE TABLE t ({columns})")),
                expected,
                "{columns}"
            );
        }
    }
}
