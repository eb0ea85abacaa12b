//! System variables: those that clients read when they connect.

/// The version that the embedded engine imitates.
pub(crate) const MYSQL_VERSION: &str = "8.0.39";

/// Names and values, as in Aurora MySQL 3.
const VARIABLES: [(&str, &str); 17] = [
    ("auto_increment_increment", "1"),
    ("autocommit", "1"),
    ("character_set_client", "utf8mb4"),
    ("character_set_connection", "utf8mb4"),
    ("character_set_database", "utf8mb4"),
    ("character_set_results", "utf8mb4"),
    ("character_set_server", "utf8mb4"),
    ("collation_connection", "utf8mb4_0900_ai_ci"),
    ("collation_database", "utf8mb4_0900_ai_ci"),
    ("collation_server", "utf8mb4_0900_ai_ci"),
    ("lower_case_table_names", "0"),
    ("max_allowed_packet", "16777216"),
    (
        "sql_mode",
        "STRICT_TRANS_TABLES,STRICT_ALL_TABLES,ONLY_FULL_GROUP_BY,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION",
    ),
    ("time_zone", "UTC"),
    ("transaction_isolation", "REPEATABLE-READ"),
    ("version", MYSQL_VERSION),
    ("version_comment", "embedded"),
];

/// The value of a variable.
pub(crate) fn value(name: &str) -> Option<&'static str> {
    all()
        .find(|variable| variable.0 == name)
        .map(|variable| variable.1)
}

/// All variables.
pub(crate) fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    VARIABLES.into_iter()
}
