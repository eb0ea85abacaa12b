//! What a user of the embedded engine may do: SQLite itself has no users.

use std::sync::Arc;

use sqlparser::ast::Statement;

use super::{
    EngineError, EngineResult, Rights,
    sqlite_rewrite::{Kind, Plan},
};

/// Returns the statement if a user with these `rights` may run it. MySQL's error names the table as well.
pub(super) fn allow(rights: Rights, plan: Arc<Plan>) -> EngineResult<Arc<Plan>> {
    let may = match (rights, plan.kind) {
        (Rights::Owner, _) | (_, Kind::Query { locks: false } | Kind::Nothing) => true,
        (Rights::Reader, _) | (_, Kind::Query { locks: true } | Kind::Definition) => false,
        // REPLACE is a DELETE and an INSERT; an upsert updates.
        (Rights::Writer, Kind::Insert) => {
            matches!(&plan.tree, Statement::Insert(insert) if insert.on.is_none())
        }
        (Rights::Writer, Kind::Change) => matches!(plan.tree, Statement::Delete(_)),
    };
    if may {
        return Ok(plan);
    }
    let verb = plan
        .tree
        .to_string()
        .split_whitespace()
        .next()
        .unwrap_or_default()
        .to_uppercase();
    let user = rights.user();
    Err(EngineError::database(
        1142,
        "42000",
        format!("{verb} command denied to user '{user}'@'localhost'"),
    ))
}
