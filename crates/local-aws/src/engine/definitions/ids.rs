//! AUTO_INCREMENT = n of a table.

use sqlparser::ast::{CreateTableOptions, SqlOption};

use crate::engine::{
    EngineError, EngineResult, catalogue::TableDefinition, column_types::literal,
    definitions::quoted,
};

/// The value of the table option AUTO_INCREMENT.
pub(crate) fn first_id(options: &CreateTableOptions) -> EngineResult<Option<u64>> {
    let CreateTableOptions::Plain(options) = options else {
        return Ok(None);
    };
    options
        .iter()
        .find_map(|option| match option {
            SqlOption::KeyValue { key, value }
                if key.value.eq_ignore_ascii_case("AUTO_INCREMENT") =>
            {
                Some(next_id(value))
            }
            _ => None,
        })
        .transpose()
}

/// The id that AUTO_INCREMENT names.
pub(crate) fn next_id(value: &impl ToString) -> EngineResult<u64> {
    match value.to_string().parse() {
        Ok(0) | Err(_) => Err(EngineError::unsupported("this AUTO_INCREMENT")),
        Ok(next) => Ok(next),
    }
}

/// The statements that make this id a table's next one, unless its rows have a larger one.
pub(crate) fn next_id_statements(table: &TableDefinition, next: u64) -> EngineResult<[String; 2]> {
    let Some(column) = table.auto_increment() else {
        return Err(EngineError::unsupported(
            "AUTO_INCREMENT of a table without such a column",
        ));
    };
    let name = literal(&table.name);
    Ok([
        format!("DELETE FROM sqlite_sequence WHERE name = {name}"),
        format!(
            "INSERT INTO sqlite_sequence (name, seq) SELECT {name}, max({next} - 1, coalesce((SELECT max({}) FROM {}), 0))",
            quoted(&column.name),
            quoted(&table.name)
        ),
    ])
}
