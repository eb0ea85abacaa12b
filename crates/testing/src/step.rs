use serde_json::Value;

/// The purpose of a call of the RDS Data API, from its path and its body: `begin`, `commit`, `rollback`, or by its statement
/// `insert`, `packages`, `token`, `get`, `next`, `list`, `delete`, `one`.
///
/// # Panics
/// If no function sends such a call.
#[must_use]
pub fn data_api_step(path: &str, body: &Value) -> &'static str {
    let sql = body["sql"].as_str().unwrap_or_default();
    match path {
        "/BeginTransaction" => "begin",
        "/CommitTransaction" => "commit",
        "/RollbackTransaction" => "rollback",
        _ if sql.starts_with("INSERT INTO ec2 ") => "insert",
        _ if sql.starts_with("INSERT INTO ec2_package ") => "packages",
        _ if sql.starts_with("DELETE FROM ec2 ") => "delete",
        _ if sql.starts_with("SELECT add_token ") => "token",
        _ if sql.starts_with("SELECT 0 AS kind") => "get",
        _ if sql.starts_with("SELECT 1 AS kind") => "next",
        _ if sql.starts_with("SELECT e.") => "list",
        _ if sql.starts_with("SELECT MAX(v.version)") => "one",
        _ => panic!("a call without a name: {path} {sql:?}"),
    }
}
