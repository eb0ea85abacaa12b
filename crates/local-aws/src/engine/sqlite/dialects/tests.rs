//! One list of syntax from other databases, and one of similar syntax that is MySQL's.

use crate::engine::{EngineError, sqlite::parse::parse};

/// Statements of other databases: each is a syntax error in MySQL.
const FOREIGN: &str = include_str!("foreign.sql");
/// Similar statements of MySQL: they parse, or give error 1235.
const MYSQL: &str = include_str!("mysql.sql");

fn code(sql: &str) -> Option<u16> {
    match parse(sql) {
        Ok(_) => None,
        Err(EngineError::Database { code, .. }) => Some(code),
        other => panic!("{sql}: {other:?}"),
    }
}

#[test]
fn what_other_databases_have_is_a_syntax_error() {
    let accepted: Vec<_> = FOREIGN
        .lines()
        .filter(|sql| code(sql) != Some(1064))
        .collect();
    assert!(accepted.is_empty(), "{}", accepted.join("\n"));
}

#[test]
fn what_mysql_has_is_no_syntax_error() {
    let refused: Vec<_> = MYSQL
        .lines()
        .filter(|sql| !matches!(code(sql), None | Some(1235)))
        .collect();
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

#[test]
fn the_message_quotes_the_place() {
    for (sql, quoted) in [
        ("SELECT TOP 3 a FROM t", "TOP 3 a FROM t"),
        ("SELECT a FROM t\nWHERE s ILIKE 'x'", "ILIKE 'x'"),
        ("SELECT `ilike` FROM t WHERE s ILIKE 'x'", "ILIKE 'x'"),
        ("SELECT a FROM t ORDER BY a NULLS LAST", "NULLS LAST"),
        ("SELECT a, b rank FROM t", "rank FROM t"),
        ("SELECT a @> 1", "@> 1"),
        ("CREATE TABLE t (a INT, b JSONB)", "JSONB)"),
        ("MERGE INTO t USING u ON 1", "MERGE INTO t USING u ON 1"),
        ("CREATE SEQUENCE s", "SEQUENCE s"),
    ] {
        let message = parse(sql).unwrap_err().to_string();
        let near = format!("near '{quoted}' at line ");
        assert!(message.contains(&near), "{sql}: {message}");
    }
}

#[test]
fn a_limit_by_a_name_is_an_undeclared_variable() {
    assert_eq!(code("SELECT a FROM t LIMIT b"), Some(1327));
}
