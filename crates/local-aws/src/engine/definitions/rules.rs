//! MySQL's requirements for a table's columns and keys when it is defined.

use sqlparser::ast::{ColumnOption, CreateTable, Expr, Value as Literal};

use crate::engine::{
    EngineError, EngineResult,
    catalogue::{ColumnDefault, ColumnDefinition, TableDefinition},
    collation,
};

/// The longest key, in bytes.
const MAX_KEY_BYTES: u64 = 3_072;
/// The longest row, not counting TEXT and BLOB columns, in bytes.
const MAX_ROW_BYTES: u64 = 65_535;
/// The most bytes of a `utf8mb4` character.
const CHARACTER_BYTES: u64 = 4;

/// Checks a new definition; tables that an earlier version accepted stay as they are.
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
    for key in &table.foreign_keys {
        let sets_null = [&key.on_delete, &key.on_update]
            .into_iter()
            .any(|action| action.as_deref() == Some("SET NULL"));
        let columns = key.columns.iter().filter_map(|name| table.column(name));
        if let Some(column) = columns.filter(|column| column.not_null).find(|_| sets_null) {
            return Err(EngineError::database(
                1830,
                "HY000",
                format!(
                    "Column '{}' cannot be NOT NULL: needed in a foreign key constraint '{}' SET NULL",
                    column.name, key.name
                ),
            ));
        }
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

/// Refuses primary key columns that a definition declares NULL.
pub(crate) fn check_key_is_not_null(
    tree: &CreateTable,
    table: &TableDefinition,
) -> EngineResult<()> {
    let keys = tree
        .columns
        .iter()
        .filter(|column| table.is_key(&column.name.value));
    for column in keys {
        let says = |what: fn(&ColumnOption) -> bool| {
            let mut options = column.options.iter();
            options.any(|option| what(&option.option))
        };
        let name = &column.name.value;
        let is_null = says(|option| matches!(option, ColumnOption::Null));
        let has_null = says(
            |option| matches!(option, ColumnOption::Default(Expr::Value(value)) if value.value == Literal::Null),
        );
        if has_null && says(|option| matches!(option, ColumnOption::PrimaryKey(_))) {
            return Err(invalid_default(name));
        }
        if is_null || has_null {
            return Err(EngineError::database(
                1171,
                "42000",
                "All parts of a PRIMARY KEY must be NOT NULL; if you need NULL in a key, use UNIQUE instead",
            ));
        }
    }
    Ok(())
}

fn invalid_default(name: &str) -> EngineError {
    EngineError::database(1067, "42000", format!("Invalid default value for '{name}'"))
}

/// How many bytes a text or binary column takes in its row; other types hardly matter.
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
        return Err(invalid_default(name));
    }
    if column.auto_increment && column.kind.range().is_none() {
        return Err(EngineError::database(
            1063,
            "42000",
            format!("Incorrect column specifier for column '{name}'"),
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
    let is_long = kind.ends_with("TEXT") || kind.ends_with("BLOB") || kind == "JSON";
    if is_long
        && matches!(
            column.default,
            Some(ColumnDefault::Text(_) | ColumnDefault::Number(_))
        )
    {
        return Err(EngineError::database(
            1101,
            "42000",
            format!("BLOB, TEXT, GEOMETRY or JSON column '{name}' can't have a default value"),
        ));
    }
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

    /// The error code for a definition, or 0.
    fn code(definition: &str) -> u16 {
        let checked = parse::parse(definition).and_then(|statement| match statement {
            sqlparser::ast::Statement::CreateTable(tree) => {
                TableDefinition::read(&tree).and_then(|table| check(&table))
            }
            other => panic!("{other}"),
        });
        match checked {
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
            ("a TEXT DEFAULT 'x'", 1101),
            ("a TEXT DEFAULT NULL", 0),
            ("a MEDIUMBLOB DEFAULT 'x'", 1101),
            ("a JSON DEFAULT '{}'", 1101),
            (
                "a INT NOT NULL, FOREIGN KEY (a) REFERENCES t (b) ON DELETE SET NULL",
                1830,
            ),
            (
                "a INT, FOREIGN KEY (a) REFERENCES t (b) ON DELETE SET NULL",
                0,
            ),
        ] {
            assert_eq!(
                code(&format!("CREATE TABLE t ({columns})")),
                expected,
                "{columns}"
            );
        }
    }
}
