//! The rights of users of the embedded engine: SQLite itself has no users.

use std::sync::Arc;

use crate::engine::{
    EngineError, EngineResult, Rights,
    plan::{StatementKind, StatementPlan},
};

/// Returns the statement if a user with these `rights` may run it. MySQL's error names the table as well.
pub(crate) fn allow(rights: Rights, plan: Arc<StatementPlan>) -> EngineResult<Arc<StatementPlan>> {
    let may = match (rights, plan.kind) {
        (Rights::Owner, _)
        | (_, StatementKind::Query { locks: false } | StatementKind::Nothing) => true,
        (Rights::Reader, _)
        | (_, StatementKind::Query { locks: true } | StatementKind::Definition) => false,
        // REPLACE is a DELETE plus an INSERT; an upsert is an UPDATE.
        (Rights::Writer, StatementKind::Insert { .. }) => !plan.written.upserts,
        (Rights::Writer, StatementKind::Change) => plan.verb == "DELETE",
    };
    if may {
        return Ok(plan);
    }
    let user = rights.user();
    Err(EngineError::database(
        1142,
        "42000",
        format!("{} command denied to user '{user}'@'localhost'", plan.verb),
    ))
}
