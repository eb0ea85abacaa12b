//! What a user of the embedded engine may do: SQLite itself has no users.

use std::sync::Arc;

use crate::engine::{
    EngineError, EngineResult, Rights,
    plan::{Kind, Plan},
};

/// Returns the statement if a user with these `rights` may run it. MySQL's error names the table as well.
pub(crate) fn allow(rights: Rights, plan: Arc<Plan>) -> EngineResult<Arc<Plan>> {
    let may = match (rights, plan.kind) {
        (Rights::Owner, _) | (_, Kind::Query { locks: false } | Kind::Nothing) => true,
        (Rights::Reader, _) | (_, Kind::Query { locks: true } | Kind::Definition) => false,
        // REPLACE is a DELETE and an INSERT; an upsert updates.
        (Rights::Writer, Kind::Insert { .. }) => !plan.written.upserts,
        (Rights::Writer, Kind::Change) => plan.verb == "DELETE",
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
