//! The functions that there are, and how many arguments each takes.

use crate::engine::EngineError;

/// Name, and the least and the most arguments.
pub(crate) const ARITIES: [(&str, usize, usize); 70] = [
    ("abs", 1, 1),
    ("ascii", 1, 1),
    ("avg", 1, 1),
    ("ceil", 1, 1),
    ("ceiling", 1, 1),
    ("char_length", 1, 1),
    ("character_length", 1, 1),
    ("coalesce", 2, usize::MAX),
    ("concat", 1, usize::MAX),
    ("concat_ws", 2, usize::MAX),
    ("count", 1, 1),
    ("cume_dist", 0, 0),
    ("database", 0, 0),
    ("date", 1, 1),
    ("datediff", 2, 2),
    ("day", 1, 1),
    ("dayofmonth", 1, 1),
    ("dense_rank", 0, 0),
    ("first_value", 1, 1),
    ("floor", 1, 1),
    ("greatest", 2, usize::MAX),
    ("group_concat", 1, 1),
    ("hex", 1, 1),
    ("hour", 1, 1),
    ("if", 3, 3),
    ("ifnull", 2, 2),
    ("instr", 2, 2),
    ("isnull", 1, 1),
    ("lag", 1, 3),
    ("last_insert_id", 0, 0),
    ("last_value", 1, 1),
    ("lcase", 1, 1),
    ("lead", 1, 3),
    ("least", 2, usize::MAX),
    ("left", 2, 2),
    ("length", 1, 1),
    ("lower", 1, 1),
    ("ltrim", 1, 1),
    ("max", 1, 1),
    ("mid", 3, 3),
    ("min", 1, 1),
    ("minute", 1, 1),
    ("mod", 2, 2),
    ("month", 1, 1),
    ("nth_value", 2, 2),
    ("ntile", 1, 1),
    ("nullif", 2, 2),
    ("octet_length", 1, 1),
    ("percent_rank", 0, 0),
    ("rank", 0, 0),
    ("replace", 3, 3),
    ("reverse", 1, 1),
    ("right", 2, 2),
    ("round", 1, 2),
    ("row_number", 0, 0),
    ("rtrim", 1, 1),
    ("schema", 0, 0),
    ("second", 1, 1),
    ("sign", 1, 1),
    ("substr", 2, 3),
    ("substring", 2, 3),
    ("sum", 1, 1),
    ("trim", 1, 1),
    ("truncate", 2, 2),
    ("ucase", 1, 1),
    ("unix_timestamp", 0, 0),
    ("upper", 1, 1),
    ("uuid", 0, 0),
    ("version", 0, 0),
    ("year", 1, 1),
];

/// The error for another number of arguments.
pub(crate) fn wrong_count(name: &str) -> EngineError {
    let name = name.to_uppercase();
    match name.as_str() {
        // MySQL has these with other numbers of arguments too.
        "COALESCE" | "LAST_INSERT_ID" | "UNIX_TIMESTAMP" | "COUNT" | "GROUP_CONCAT" => {
            EngineError::unsupported(&format!("{name} with this number of arguments"))
        }
        _ => EngineError::database(
            1582,
            "42000",
            format!("Incorrect parameter count in the call to native function '{name}'"),
        ),
    }
}
