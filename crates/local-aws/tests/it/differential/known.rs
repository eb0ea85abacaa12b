//! What MariaDB does otherwise than MySQL 8, with the reason for each.

use super::answers::Answer;

/// A part of the embedded engine's answer, which is MySQL 8's, and a part of MariaDB's.
const KNOWN: [(&str, &str); 5] = [
    // MySQL 8 refuses to compare a date with a text that is none; MariaDB warns, and compares with NULL or zero.
    ("Error code: 1525", ""),
    // MySQL's JSON is a type of its own; MariaDB's is a text with a CHECK, which is looked at after all values.
    ("Error code: 3140", "Error("),
    // MariaDB has a collation for the columns, another for the texts of a statement, and refuses to mix some of them.
    ("", "Illegal mix of collations"),
    // A text that is no number is truncated to MySQL's DOUBLE, and incorrect to MariaDB's.
    ("Data truncated for column 'f'", "Incorrect double value"),
    // The number of the error of a CHECK.
    ("Error code: 3819", "Error code: 4025"),
];

/// Whether two different answers to a statement are known.
pub(super) fn is_known(embedded: &str, mariadb: &str) -> bool {
    KNOWN
        .iter()
        .any(|known| embedded.contains(known.0) && mariadb.contains(known.1))
}

/// Whether whole numbers are such to the embedded engine and MySQL 8, and DECIMALs to MariaDB: numbers without a sign in one
/// place with NULL, which has one to MariaDB and no type to MySQL.
pub(super) fn is_whole_to_one(embedded: &Answer, mariadb: &Answer) -> bool {
    match (embedded, mariadb) {
        (Answer::Error(message), Answer::Rows { .. }) => message.contains("java.lang.Long"),
        (Answer::Rows { rows, .. }, Answer::Rows { rows: others, .. }) => {
            let whole = |value: &String| match value
                .strip_prefix("StringValue(\"")
                .and_then(|rest| rest.strip_suffix("\")"))
            {
                Some(digits) if digits.parse::<u64>().is_ok() => format!("LongValue({digits})"),
                _ => value.clone(),
            };
            let all = |rows: &[Vec<String>]| {
                let mut rows: Vec<Vec<String>> = rows
                    .iter()
                    .map(|row| row.iter().map(whole).collect())
                    .collect();
                rows.sort();
                rows
            };
            all(rows) == all(others)
        }
        _ => false,
    }
}

/// Whether numbers are the same, and exact to the embedded engine alone: MariaDB has doubles where a parameter with the hint
/// DECIMAL is a part of an expression. The service's driver sends a DECIMAL.
pub(super) fn is_exact_to_one(embedded: &Answer, mariadb: &Answer) -> bool {
    let number = |value: &String| {
        let inner = value.split_once('(').map_or("", |(_, rest)| rest);
        inner
            .trim_matches(['"', ')'])
            .parse::<f64>()
            .map_or_else(|_| value.clone(), |number| format!("{number:.10e}"))
    };
    let all = |rows: &[Vec<String>]| {
        let mut rows: Vec<Vec<String>> = rows
            .iter()
            .map(|row| row.iter().map(number).collect())
            .collect();
        rows.sort();
        rows
    };
    match (embedded, mariadb) {
        (Answer::Rows { rows, .. }, Answer::Rows { rows: others, .. }) => all(rows) == all(others),
        _ => false,
    }
}
