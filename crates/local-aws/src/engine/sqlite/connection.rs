//! One SQLite connection, set up to behave like MySQL.

use std::{
    path::Path,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use rusqlite::{
    Connection as Sqlite, InterruptHandle, OpenFlags, ToSql, limits::Limit, types::ToSqlOutput,
};

use crate::{
    engine::{
        EngineError, EngineResult, Parameters, SqlValue,
        collation::{self, MixedCaseFlag},
        decimals, kinds,
        plan::{StatementPlan, bound},
        sqlite::{
            allowance::Allowance,
            failures::plain,
            functions,
            ids::{self, Ids},
            recursion::{self, ReadRows},
            upserts::{self, UpsertCounter},
        },
    },
    journal::Journal,
    lock::locked,
};

/// How many prepared statements a connection caches.
const PREPARED_STATEMENTS: usize = 64;
/// A longer text, such as an INSERT of many rows, is rarely sent again and would fill the caches.
pub(crate) const MAX_CACHED_SQL_BYTES: usize = 8 * 1024;
/// How many KiB of the file a connection caches. Each has its own cache; the rest is in the system's.
const CACHE_KIB: i64 = 512;
/// How long to wait for another process that has locked the file; within this one, nothing ever waits for the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Limits for one statement. MySQL's own are `max_allowed_packet` and its thread's stack.
const LIMITS: [(Limit, i32); 4] = [
    (Limit::SQLITE_LIMIT_LENGTH, 16 * 1024 * 1024),
    (Limit::SQLITE_LIMIT_EXPR_DEPTH, 1_000),
    (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 500),
    (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1_000),
];

/// A connection with its clock.
#[derive(Debug)]
pub(crate) struct SqliteConnection {
    pub(crate) sqlite: Sqlite,
    pub(crate) database: Arc<str>,
    pub(crate) clock: functions::StatementClock,
    pub(crate) changed: UpsertCounter,
    pub(crate) ids: Ids,
    pub(crate) generated: functions::LastInsertId,
    pub(crate) mixed: MixedCaseFlag,
    pub(crate) reads: ReadRows,
    pub(super) allowance: Allowance,
}

impl SqliteConnection {
    /// Opens the file, creating it if it is missing. `durable` data survives a power failure once its [`Journal`] has
    /// settled.
    pub(crate) fn open(file: &Path, database: &Arc<str>, durable: bool) -> rusqlite::Result<Self> {
        // SQLite needs no mutex: a connection is used by one thread at a time.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let sqlite = Sqlite::open_with_flags(file, flags)?;
        sqlite.busy_timeout(BUSY_TIMEOUT)?;
        sqlite.pragma_update(None, "journal_mode", "WAL")?;
        sqlite.pragma_update(None, "synchronous", if durable { "NORMAL" } else { "OFF" })?;
        sqlite.pragma_update(None, "foreign_keys", true)?;
        sqlite.pragma_update(None, "temp_store", "FILE")?;
        sqlite.pragma_update(None, "cache_size", -CACHE_KIB)?;
        for (limit, value) in LIMITS {
            sqlite.set_limit(limit, value)?;
        }
        sqlite.set_prepared_statement_cache_capacity(PREPARED_STATEMENTS);
        let clock = functions::StatementClock::default();
        let generated = functions::LastInsertId::default();
        functions::register(&sqlite, &clock, &generated, database)?;
        let changed = UpsertCounter::default();
        let ids = Ids::default();
        ids::register(&sqlite, &ids)?;
        upserts::register(&sqlite, &changed, &ids)?;
        let mixed = MixedCaseFlag::default();
        collation::register(&sqlite, &mixed)?;
        let reads = ReadRows::default();
        recursion::register(&sqlite, &reads)?;
        let allowance = Allowance::default();
        allowance.register(&sqlite);
        Ok(Self {
            sqlite,
            database: Arc::clone(database),
            clock,
            changed,
            ids,
            generated,
            mixed,
            reads,
            allowance,
        })
    }

    /// Resets it for the next user.
    pub(crate) fn reset(&self) {
        self.generated.store(0, Ordering::Relaxed);
        drop(locked(&self.ids).take_used());
    }

    pub(crate) fn interrupt_handle(&self) -> InterruptHandle {
        self.sqlite.get_interrupt_handle()
    }

    /// Runs a control statement such as `COMMIT`.
    pub(crate) fn control(&self, sql: &str) -> EngineResult<()> {
        let mut statement = self
            .sqlite
            .prepare_cached(sql)
            .map_err(|error| plain(&error))?;
        statement
            .raw_execute()
            .map(drop)
            .map_err(|error| plain(&error))
    }

    /// Commits the open transaction, which makes it visible to others.
    pub(crate) fn commit(&self, journal: &Journal) -> EngineResult<()> {
        let _write = journal.write();
        self.control("COMMIT")
    }
}

impl Drop for SqliteConnection {
    /// A transaction that nobody could roll back, because its statement continued past its time limit, uses up its ids
    /// like any other.
    fn drop(&mut self) {
        if !self.sqlite.is_autocommit() {
            // Nobody is left to report an error to.
            let _ = self
                .control("ROLLBACK")
                .and_then(|()| self.use_up_ids(None));
        }
    }
}

/// Binds as many values as the statement has parameters; a statement that explains an error uses only part of its
/// plan's.
pub(crate) fn bind(
    statement: &mut rusqlite::Statement<'_>,
    plan: &StatementPlan,
    parameters: &Parameters,
    failed: impl Fn(rusqlite::Error) -> EngineError,
) -> EngineResult<()> {
    for (index, slot) in plan
        .slots
        .iter()
        .take(statement.parameter_count())
        .enumerate()
    {
        statement
            .raw_bind_parameter(index + 1, &*bound(slot, parameters)?)
            .map_err(&failed)?;
    }
    Ok(())
}

impl ToSql for SqlValue {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::from(rusqlite::types::Null),
            Self::Boolean(value) => ToSqlOutput::from(*value),
            Self::Long(value) => ToSqlOutput::from(*value),
            Self::Double(value) => ToSqlOutput::from(*value),
            // As its DECIMAL is stored; one with too many digits has already been refused.
            Self::Decimal(value) => match (kinds::unscaled(value), decimals::of_text(value)) {
                (Some(number), _) => ToSqlOutput::from(number),
                (None, Some(bytes)) => ToSqlOutput::from(bytes),
                (None, None) => ToSqlOutput::from(value.as_str()),
            },
            Self::Text(value) | Self::Json(value) => ToSqlOutput::from(value.as_str()),
            Self::Blob(value) => ToSqlOutput::from(value.as_slice()),
        })
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn a_connection_that_is_dropped_in_a_transaction_has_used_up_its_ids() {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("t");
        let open = || SqliteConnection::open(&file, &"d".into(), false).unwrap();
        let connection = open();
        let table = "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT)";
        connection.control(table).unwrap();
        connection.control("BEGIN IMMEDIATE").unwrap();
        connection.control("INSERT INTO t VALUES (3)").unwrap();
        locked(&connection.ids).note("t", 7);
        drop(connection);
        let found: (i64, i64) = open()
            .sqlite
            .query_row(
                "SELECT (SELECT COUNT(*) FROM t), seq FROM sqlite_sequence",
                [],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .unwrap();
        assert_eq!(found, (0, 7));
    }
}
