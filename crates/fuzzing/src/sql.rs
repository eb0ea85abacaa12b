//! From MySQL's text to what either engine of the local Data API is sent.

use std::cell::RefCell;

use fleet_local_aws::translation::{Effect, Embedded, Parameter, Positional, embedded, positional};
use rusqlite::{Connection, Error, ErrorCode, functions::FunctionFlags};

/// The longest text that the Data API takes.
const MAX_CHARACTERS: usize = 65_536;

/// The tables that statements may name.
const TABLES: &str = "
CREATE TABLE ec2 (aws_instance_id TEXT PRIMARY KEY, aws_region TEXT, aws_account TEXT, creation_date_utc TEXT, add_token TEXT);
CREATE TABLE ec2_package (aws_instance_id TEXT, package_name TEXT, package_version TEXT);
CREATE TABLE t (a, b, c);
CREATE TABLE u (a, b, c);";

/// What the embedded engine has beyond SQLite's own functions, as far as statements are only prepared here.
const FUNCTIONS: [&str; 4] = ["utc_timestamp", "utc_date", "utc_time", "database"];

fn sqlite() -> Connection {
    let sqlite = Connection::open_in_memory().unwrap();
    sqlite.execute_batch(TABLES).unwrap();
    for name in FUNCTIONS {
        sqlite
            .create_scalar_function(name, -1, FunctionFlags::SQLITE_UTF8, |_| Ok(0))
            .unwrap();
    }
    sqlite
}

thread_local!(static SQLITE: RefCell<Connection> = RefCell::new(sqlite()));

/// A statement is refused, or becomes one for each engine that has all of its parameters and nothing besides: no second
/// statement, no write where it reads.
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
    if let Ok(sent) = embedded(sql, "shop") {
        assert_eq!(embedded(sql, "shop").as_ref(), Ok(&sent));
        check_embedded(sql, &sent);
    }
}

fn check_positional(sql: &str, Positional { text, names }: &Positional) {
    // `:name` became `?`, and nothing else was touched.
    let removed: usize = names.iter().map(String::len).sum();
    assert_eq!(text.len() + removed, sql.len());
    for name in names {
        assert!(
            !name.is_empty() && sql.contains(&format!(":{name}")),
            "{name}"
        );
    }
    // There is nothing left to be turned into a parameter; a `?` that a client sends is refused.
    match positional(text) {
        Ok(again) => assert_eq!((again.text.as_str(), again.names.len()), (text.as_str(), 0)),
        Err(_) => assert!(!names.is_empty()),
    }
}

fn check_embedded(
    sql: &str,
    Embedded {
        effect,
        texts,
        parameters,
    }: &Embedded,
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
                // What SQLite has no words for is refused by it; its own failure would be ours.
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
