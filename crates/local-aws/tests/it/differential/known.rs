//! What MariaDB does otherwise than MySQL 8, with the reason for each.

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
