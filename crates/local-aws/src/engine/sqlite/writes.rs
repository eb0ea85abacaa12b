//! The effect of an INSERT or REPLACE, counted as in MySQL: its affected rows, and the ids that it generated.

use std::sync::atomic::Ordering;

use rusqlite::Connection as Sqlite;

use crate::{
    engine::{
        EngineError, EngineResult, StatementResult,
        definitions::quoted,
        plan::{StatementKind, StatementPlan},
        sqlite::{
            connection::SqliteConnection,
            failures::plain,
            ids::{self, LastUsedId},
        },
    },
    lock::locked,
};

/// The state of a table before an INSERT.
pub(crate) struct TableSnapshot {
    table: String,
    /// The last generated id, if the table has an AUTO_INCREMENT column.
    sequence: Option<i64>,
    /// The number of rows, if a REPLACE may delete some.
    rows: Option<(String, i64)>,
}

impl TableSnapshot {
    /// Takes a snapshot of the table that `plan` inserts into.
    pub(crate) fn take(connection: &SqliteConnection, plan: &StatementPlan) -> EngineResult<Self> {
        let table = plan.written.table.clone();
        let failed = |error: rusqlite::Error| plain(&error);
        let column = plan.table.as_ref().and_then(|table| table.auto_increment());
        let sequence = match column {
            Some(column) => {
                // An UPDATE may have set a higher id than those handed out.
                let last = format!(
                    "SELECT max(coalesce((SELECT seq FROM main.sqlite_sequence WHERE name = ?1), 0), \
                     coalesce((SELECT max({}) FROM main.{}), 0))",
                    quoted(&column.name),
                    quoted(&table)
                );
                let mut statement = connection.sqlite.prepare_cached(&last).map_err(failed)?;
                Some(
                    statement
                        .query_row([&table], |row| row.get(0))
                        .map_err(failed)?,
                )
            }
            None => None,
        };
        if let Some(sequence) = sequence {
            locked(&connection.ids).begin(sequence, plan.written.values);
        }
        let replaces = plan.kind == StatementKind::Insert { replaces: true };
        // A missing table is reported by the statement itself.
        let rows = replaces
            .then(|| rows(&connection.sqlite, &table).ok())
            .flatten();
        connection.changed.count.store(0, Ordering::Relaxed);
        connection.changed.kept.store(0, Ordering::Relaxed);
        Ok(Self {
            sequence,
            rows: rows.map(|rows| (table.clone(), rows)),
            table,
        })
    }

    /// The result of the INSERT, given the number of rows that SQLite reports as inserted or changed.
    pub(crate) fn outcome(
        self,
        connection: &SqliteConnection,
        written: u64,
    ) -> EngineResult<StatementResult> {
        let changed = connection.changed.count.load(Ordering::Relaxed);
        let inserted = written.saturating_sub(changed);
        let mut updated = inserted + 2 * changed;
        // A row left unchanged does not count for an upsert, and counts once, as the new row, for a REPLACE.
        let kept = match self.rows {
            Some(_) => connection.changed.kept.load(Ordering::Relaxed),
            None => 0,
        };
        updated += kept;
        if let Some((table, before)) = self.rows {
            let after = rows(&connection.sqlite, &table).map_err(|error| plain(&error))?;
            let grown = after.saturating_sub(before);
            // Each row that made way for a new one counts, too.
            let deleted = i64::try_from(inserted)
                .unwrap_or(i64::MAX)
                .saturating_sub(grown);
            updated += u64::try_from(deleted).unwrap_or(0);
        }
        let mut skipped = false;
        if self.sequence.is_some() {
            let last = connection.sqlite.last_insert_rowid();
            skipped = locked(&connection.ids).has_skipped();
            let used = locked(&connection.ids).last_used().after;
            locked(&connection.ids).note(&self.table, used);
            if inserted == 0 || used > last {
                ids::use_up(&connection.sqlite, &self.table, used)
                    .map_err(|error| plain(&error))?;
            }
        }
        let generated = self.sequence.map_or_else(Vec::new, |sequence| {
            if inserted == 0 && changed + kept == 1 {
                // The id of the row that an upsert updates, as MySQL reports it.
                return vec![connection.changed.id.load(Ordering::Relaxed)];
            }
            if skipped && inserted > 1 {
                // MySQL does not say which rows they belong to.
                return Vec::new();
            }
            let ids = ids(sequence, connection.sqlite.last_insert_rowid(), inserted);
            // An explicit id is not a generated one.
            if let Some(first) = ids.first().filter(|first| **first == sequence + 1) {
                connection.generated.store(*first, Ordering::Relaxed);
            }
            ids
        });
        Ok(StatementResult {
            updated,
            generated,
            ..StatementResult::default()
        })
    }

    /// The error of an INSERT, or a refusal if MySQL would leave other effects behind.
    pub(crate) fn failure(&self, plan: &StatementPlan, error: EngineError) -> EngineError {
        let is_own = matches!(error, EngineError::Database { code, .. } if code != 1235);
        if is_own && self.sequence.is_some() && plan.written.reads_itself {
            // SQLite reads all rows, and numbers them, before it writes the first.
            return EngineError::unsupported(
                "an INSERT … SELECT of a table with AUTO_INCREMENT from itself that fails",
            );
        }
        error
    }

    /// Records the ids that a failed INSERT used up.
    pub(crate) fn record_failure(
        &self,
        connection: &SqliteConnection,
        spent: LastUsedId,
        error: &EngineError,
    ) {
        // A refused statement leaves no trace.
        let refused = matches!(error, EngineError::Database { code: 1235, .. });
        if self.sequence.is_some() && !refused {
            // MySQL checks these before the row gets its id.
            let unwritten = matches!(
                error,
                EngineError::Database {
                    code: 1048 | 3819,
                    ..
                }
            );
            let last = if unwritten { spent.before } else { spent.after };
            locked(&connection.ids).note(&self.table, last);
        }
    }
}

/// The ids of the inserted rows, if they are known to be consecutive.
fn ids(sequence: i64, last: i64, inserted: u64) -> Vec<i64> {
    match i64::try_from(inserted) {
        // MySQL's ids are unsigned.
        Ok(1) if last < 0 => Vec::new(),
        Ok(1) => vec![last],
        Ok(count @ 2..) if sequence.checked_add(count) == Some(last) => {
            (sequence + 1..=last).collect()
        }
        _ => Vec::new(),
    }
}

fn rows(connection: &Sqlite, table: &str) -> rusqlite::Result<i64> {
    let sql = format!("SELECT COUNT(*) FROM main.{}", quoted(table));
    connection
        .prepare_cached(&sql)?
        .query_row([], |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::ids;

    #[test]
    fn ids_are_told_only_where_they_are_known() {
        assert_eq!(ids(3, 9, 1), [9]);
        assert_eq!(ids(3, 5, 2), [4, 5]);
        assert!(ids(3, -5, 1).is_empty());
        assert!(ids(3, 9, 2).is_empty());
        assert!(ids(3, 3, 0).is_empty());
    }
}
