//! Known differences between MariaDB and MySQL 8, with the reason for each.

use super::answers::StatementAnswer;

/// A part of the embedded engine's result, which is MySQL 8's, and a part of MariaDB's.
const KNOWN: [(&str, &str); 6] = [
    // MySQL 8 refuses to compare a date with a text that is not a date; MariaDB warns, and compares with NULL or zero.
    ("Error code: 1525", ""),
    // MySQL's JSON is a separate type; MariaDB's is a text with a CHECK, which is checked after all values.
    ("Error code: 3140", "Error("),
    // A CAST and some functions give MariaDB's own collation, which it refuses to mix with the columns'.
    ("", "Illegal mix of collations"),
    // A text that is not a number is truncated for MySQL's DOUBLE, and incorrect for MariaDB's.
    ("Data truncated for column 'f'", "Incorrect double value"),
    // The error code for a CHECK.
    ("Error code: 3819", "Error code: 4025"),
    // Of two rows that fail, one because of a number that the service has no field for, it is undefined which is met
    // first.
    ("java.lang.Long", "Error code: 1690"),
];

/// Whether the difference between two results is known.
pub(super) fn is_known(embedded: &str, mariadb: &str) -> bool {
    KNOWN
        .iter()
        .any(|known| embedded.contains(known.0) && mariadb.contains(known.1))
}

/// Whether some numbers are whole numbers in the embedded engine and MySQL 8, but DECIMALs in MariaDB: unsigned numbers
/// combined with NULL, which is signed in MariaDB and has no type in MySQL.
pub(super) fn is_whole_to_one(embedded: &StatementAnswer, mariadb: &StatementAnswer) -> bool {
    if let (StatementAnswer::Error(message), StatementAnswer::Rows { .. }) = (embedded, mariadb) {
        return message.contains("java.lang.Long");
    }
    are_alike(embedded, mariadb, |value| match text(value) {
        Some(digits) if digits.parse::<u64>().is_ok() => format!("LongValue({digits})"),
        _ => value.to_owned(),
    })
}

/// Whether numbers differ only in the sign of a zero, which MariaDB keeps if the remainder of a negative DECIMAL is
/// zero.
pub(super) fn is_signed_zero(embedded: &StatementAnswer, mariadb: &StatementAnswer) -> bool {
    are_alike(embedded, mariadb, |value| match text(value) {
        Some(zero) if zero.bytes().all(|byte| matches!(byte, b'-' | b'0' | b'.')) => {
            zero.trim_start_matches('-').to_owned()
        }
        _ => value.to_owned(),
    })
}

/// Whether values differ only in the bytes that the generator sends, which MariaDB turns into a text when it sorts.
pub(super) fn is_bytes_to_one(embedded: &StatementAnswer, mariadb: &StatementAnswer) -> bool {
    are_alike(embedded, mariadb, |value| match value {
        "BlobValue(Blob { inner: 00ff })" => "StringValue(\"\\0\u{fffd}\")".to_owned(),
        _ => value.to_owned(),
    })
}

/// Whether a statement shows one of several texts that differ only in trailing spaces, which are equal by
/// `utf8mb4_bin`: MySQL does not define which.
pub(super) fn is_open(sql: &str, embedded: &StatementAnswer, mariadb: &StatementAnswer) -> bool {
    ["DISTINCT", "UNION", "GROUP BY", "MIN(", "MAX("]
        .iter()
        .any(|part| sql.contains(part))
        && are_alike(embedded, mariadb, |value| match text(value) {
            Some(text) => text.trim_end_matches(' ').to_owned(),
            None => value.to_owned(),
        })
}

/// Whether the rows of two results are the same, with each value in this form and in any order.
fn are_alike(
    one: &StatementAnswer,
    other: &StatementAnswer,
    form: impl Fn(&str) -> String,
) -> bool {
    let all = |rows: &[Vec<String>]| {
        let mut rows: Vec<Vec<String>> = rows
            .iter()
            .map(|row| row.iter().map(|value| form(value)).collect())
            .collect();
        rows.sort();
        rows
    };
    match (one, other) {
        (StatementAnswer::Rows { rows, .. }, StatementAnswer::Rows { rows: others, .. }) => {
            all(rows) == all(others)
        }
        _ => false,
    }
}

/// The content of a text value.
fn text(value: &str) -> Option<&str> {
    value.strip_prefix("StringValue(\"")?.strip_suffix("\")")
}
