//! The translation of MySQL's text to the statements for either engine of the local Data API.

use std::cell::RefCell;

use fleet_local_aws::translation::{
    Effect, EmbeddedStatement, Parameter, PositionalStatement, embedded, positional,
};
use rusqlite::{Connection, Error, ErrorCode, functions::FunctionFlags};

/// The longest text that the Data API accepts.
const MAX_CHARACTERS: usize = 65_536;

/// The tables that statements may name, in MySQL's dialect.
const TABLES: [&str; 4] = [
    "CREATE TABLE ec2 (aws_instance_id VARCHAR(255) PRIMARY KEY, aws_region VARCHAR(30), aws_account VARCHAR(13), \
     creation_date_utc DATETIME, add_token CHAR(36))",
    "CREATE TABLE ec2_package (aws_instance_id VARCHAR(255), package_name VARCHAR(100), package_version VARCHAR(50))",
    "CREATE TABLE t (a INT, b VARCHAR(20), c DECIMAL(10, 2))",
    "CREATE TABLE u (a DATETIME, b DOUBLE, c VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)",
];

/// The embedded engine's additions to SQLite's own functions, as far as preparing statements needs them.
const FUNCTIONS: [&str; 28] = [
    "concat",
    "concat_ws",
    "database",
    "date",
    "datediff",
    "day",
    "fleet_as_date",
    "fleet_as_datetime",
    "fleet_bits",
    "fleet_changes",
    "fleet_decimal",
    "fleet_divide",
    "fleet_int",
    "fleet_like",
    "fleet_number",
    "fleet_real",
    "fleet_round",
    "fleet_store_date",
    "fleet_store_decimal",
    "fleet_store_double",
    "fleet_store_int",
    "fleet_store_text",
    "fleet_unsigned",
    "left",
    "substring",
    "utc_date",
    "utc_time",
    "utc_timestamp",
];

fn sqlite() -> Connection {
    let sqlite = Connection::open_in_memory().unwrap();
    for name in ["ai_ci", "padded"] {
        sqlite.create_collation(name, str::cmp).unwrap();
    }
    for table in TABLES {
        for text in embedded(table, "shop", &[]).unwrap().texts {
            if text.starts_with("CREATE") {
                sqlite.execute_batch(&text).unwrap();
            }
        }
    }
    for name in FUNCTIONS {
        sqlite
            .create_scalar_function(name, -1, FunctionFlags::SQLITE_UTF8, |_| Ok(0))
            .unwrap();
    }
    sqlite
}

thread_local!(static SQLITE: RefCell<Connection> = RefCell::new(sqlite()));

/// A statement is rejected, or becomes one per engine that has all of its parameters and nothing else: no second
/// statement, and no write if it should only read.
pub fn check(bytes: &[u8]) {
    let Ok(sql) = std::str::from_utf8(bytes) else {
        return;
    };
    if sql.chars().count() > MAX_CHARACTERS {
        return;
    }
    if let Ok(sent) = positional(sql) {
        check_positional(sql, &sent);
    }
    if let Ok(sent) = embedded(sql, "shop", &TABLES) {
        assert_eq!(embedded(sql, "shop", &TABLES).as_ref(), Ok(&sent));
        check_embedded(sql, &sent);
    }
}

fn check_positional(sql: &str, PositionalStatement { text, names }: &PositionalStatement) {
    // `:name` became `?`, and nothing else changed.
    let removed: usize = names.iter().map(String::len).sum();
    assert_eq!(text.len() + removed, sql.len());
    for name in names {
        assert!(
            !name.is_empty() && sql.contains(&format!(":{name}")),
            "{name}"
        );
    }
    // Nothing is left to turn into a parameter; a `?` from a client is rejected.
    match positional(text) {
        Ok(again) => assert_eq!((again.text.as_str(), again.names.len()), (text.as_str(), 0)),
        Err(_) => assert!(!names.is_empty()),
    }
}

fn check_embedded(
    sql: &str,
    EmbeddedStatement {
        effect,
        texts,
        parameters,
    }: &EmbeddedStatement,
) {
    for parameter in parameters {
        if let Parameter::Named(name) = parameter {
            assert!(sql.contains(name.as_str()), "{name}");
        }
    }
    assert!(
        matches!(
            (effect, texts.len()),
            (Effect::Nothing, 0) | (Effect::Defines, 0..) | (_, 1)
        ),
        "{effect:?}: {texts:?}"
    );
    assert!(parameters.is_empty() || matches!(effect, Effect::Reads | Effect::Writes));
    SQLITE.with_borrow(|sqlite| {
        for text in texts {
            match sqlite.prepare(text) {
                Ok(statement) => {
                    assert_eq!(statement.parameter_count(), parameters.len(), "{text}");
                    assert_eq!(
                        statement.readonly(),
                        *effect == Effect::Reads,
                        "{effect:?}: {text}"
                    );
                }
                Err(Error::MultipleStatement) => panic!("several statements: {text}"),
                // SQLite itself must report what it cannot express; any other failure would be ours.
                Err(Error::SqliteFailure(error, message)) => {
                    assert!(
                        matches!(
                            error.code,
                            ErrorCode::Unknown
                                | ErrorCode::TooBig
                                | ErrorCode::AuthorizationForStatementDenied
                        ),
                        "{error}: {message:?}: {text}"
                    );
                }
                Err(_) => {}
            }
        }
    });
}
