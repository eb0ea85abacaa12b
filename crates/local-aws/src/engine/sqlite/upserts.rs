//! Counts the rows that an upsert changes.

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

use rusqlite::{Connection as Sqlite, functions::FunctionFlags};

use crate::{
    engine::{analysis::CHANGES, sqlite::ids::Ids},
    lock::locked,
};

/// The changes made by the current upsert.
pub(crate) type UpsertCounter = Arc<UpsertCounts>;

/// How many rows changed, how many stayed the same, and the id of the last one, or 0.
#[derive(Debug, Default)]
pub(crate) struct UpsertCounts {
    pub(crate) count: AtomicU64,
    pub(crate) kept: AtomicU64,
    pub(crate) id: AtomicI64,
}

/// Registers the function that tells an upsert whether it changes a row, and counts the rows that it does change.
pub(crate) fn register(
    connection: &Sqlite,
    changed: &UpsertCounter,
    ids: &Ids,
) -> rusqlite::Result<()> {
    let (changed, ids) = (Arc::clone(changed), Arc::clone(ids));
    connection.create_scalar_function(CHANGES, 2, FunctionFlags::SQLITE_UTF8, move |context| {
        locked(&ids).skip();
        let changes: bool = context.get(0)?;
        let counter = if changes {
            &changed.count
        } else {
            &changed.kept
        };
        counter.fetch_add(1, Ordering::Relaxed);
        let id: Option<i64> = context.get(1)?;
        changed.id.store(id.unwrap_or(0), Ordering::Relaxed);
        Ok(changes)
    })
}
