//! One SQLite connection: opened with MySQL's ways, running plans.

use std::{
    path::Path,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use rusqlite::{
    Connection as Sqlite, InterruptHandle, OpenFlags, ToSql, limits::Limit, types::ToSqlOutput,
};

use crate::journal::Journal;

use super::{
    EngineResult, Meter, Outcome, Parameters, Statement, Value, kinds,
    plans::{Kind, Plan, bound},
    sqlite_dates, sqlite_errors as errors, sqlite_functions as functions,
    sqlite_results as results,
    sqlite_writes::{self as writes, Before, Changed},
};

/// How many prepared statements a connection keeps.
const PREPARED_STATEMENTS: usize = 64;
/// A longer text, such as an INSERT of many rows, is seldom sent again and would fill the caches.
pub(super) const MAX_CACHED_SQL_BYTES: usize = 8 * 1024;
/// How long to wait for another process that has the file; within this one, nothing ever waits on the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// What one statement may take. MySQL's own bounds are `max_allowed_packet` and its thread's stack.
const LIMITS: [(Limit, i32); 4] = [
    (Limit::SQLITE_LIMIT_LENGTH, 16 * 1024 * 1024),
    (Limit::SQLITE_LIMIT_EXPR_DEPTH, 1_000),
    (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 500),
    (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1_000),
];

/// A connection with its clock.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) sqlite: Sqlite,
    pub(super) database: Arc<str>,
    clock: functions::StatementClock,
    pub(super) changed: Changed,
    pub(super) generated: functions::LastGenerated,
}

impl Connection {
    /// Opens the file, creating it where it is missing. `durable` data survives a power cut, once its [`Journal`] has
    /// settled.
    pub(super) fn open(file: &Path, database: &Arc<str>, durable: bool) -> rusqlite::Result<Self> {
        // Without a mutex of its own: a connection is used by one thread at a time.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let sqlite = Sqlite::open_with_flags(file, flags)?;
        sqlite.busy_timeout(BUSY_TIMEOUT)?;
        sqlite.pragma_update(None, "journal_mode", "WAL")?;
        sqlite.pragma_update(None, "synchronous", if durable { "NORMAL" } else { "OFF" })?;
        sqlite.pragma_update(None, "foreign_keys", true)?;
        sqlite.pragma_update(None, "temp_store", "FILE")?;
        for (limit, value) in LIMITS {
            sqlite.set_limit(limit, value)?;
        }
        sqlite.set_prepared_statement_cache_capacity(PREPARED_STATEMENTS);
        let clock = functions::StatementClock::default();
        let generated = functions::LastGenerated::default();
        functions::register(&sqlite, &clock, &generated, database)?;
        let changed = Changed::default();
        writes::register(&sqlite, &changed)?;
        Ok(Self {
            sqlite,
            database: Arc::clone(database),
            clock,
            changed,
            generated,
        })
    }

    /// Makes it as good as new for the next user.
    pub(super) fn reset(&self) {
        self.generated.store(0, Ordering::Relaxed);
    }

    pub(super) fn interrupt_handle(&self) -> InterruptHandle {
        self.sqlite.get_interrupt_handle()
    }

    /// Runs a control statement, `COMMIT` say.
    pub(super) fn control(&self, sql: &str) -> EngineResult<()> {
        let mut statement = self
            .sqlite
            .prepare_cached(sql)
            .map_err(|error| errors::plain(&error))?;
        statement
            .raw_execute()
            .map(drop)
            .map_err(|error| errors::plain(&error))
    }

    /// Commits what is open. From then on others see it.
    pub(super) fn commit(&self, journal: &Journal) -> EngineResult<()> {
        let _write = journal.write();
        self.control("COMMIT")
    }

    /// Runs plans that write, outside transactions, and commits them.
    pub(super) fn write_all(
        &self,
        plans: &[Arc<Plan>],
        statement: &Statement,
        journal: &Journal,
    ) -> EngineResult<Vec<Outcome>> {
        if plans.iter().any(|plan| plan.kind == Kind::Definition) {
            // It commits by itself, as in MySQL.
            let _write = journal.write();
            return self.run_all(plans, statement);
        }
        self.control("BEGIN IMMEDIATE")?;
        let written = self
            .run_all(plans, statement)
            .and_then(|outcomes| self.commit(journal).map(|()| outcomes));
        // Some failures have rolled it back already.
        if written.is_err() && !self.sqlite.is_autocommit() {
            // The first error says more.
            let _ = self.control("ROLLBACK");
        }
        written
    }

    /// Runs a plan for each set of parameters: all of them or, where one fails, none.
    pub(super) fn run_all(
        &self,
        plans: &[Arc<Plan>],
        statement: &Statement,
    ) -> EngineResult<Vec<Outcome>> {
        let (sets, metadata) = (&statement.sets[..], statement.metadata);
        let mut meter = Meter::new(statement.max_bytes);
        if let ([one], [plan]) = (sets, plans) {
            return Ok(vec![self.run(plan, one, metadata, &mut meter)?]);
        }
        self.control("SAVEPOINT `fleet`")?;
        let all: EngineResult<Vec<Outcome>> = sets
            .iter()
            .zip(plans)
            .map(|(set, plan)| self.run(plan, set, metadata, &mut meter))
            .collect();
        if all.is_err() && !self.sqlite.is_autocommit() {
            self.control("ROLLBACK TO `fleet`")?;
        }
        if !self.sqlite.is_autocommit() {
            self.control("RELEASE `fleet`")?;
        }
        all
    }

    fn run(
        &self,
        plan: &Plan,
        parameters: &Parameters,
        metadata: bool,
        meter: &mut Meter,
    ) -> EngineResult<Outcome> {
        self.clock
            .store(functions::microseconds(), Ordering::Relaxed);
        for moment in &plan.moments {
            if let Value::Text(text) = &*bound(&plan.slots[moment.slot], parameters)? {
                sqlite_dates::check(text, moment)?;
            }
        }
        match plan.kind {
            Kind::Nothing => Ok(Outcome::default()),
            Kind::Definition => self.define(plan),
            Kind::Query { .. } => self.query(plan, parameters, metadata, meter),
            Kind::Insert { .. } | Kind::Change => self.change(plan, parameters),
        }
    }

    /// Runs a definition, all of it or nothing.
    fn define(&self, plan: &Plan) -> EngineResult<Outcome> {
        let nothing = Parameters::new();
        let failed = |error: rusqlite::Error| errors::explained(self, plan, &nothing, &error);
        let run = |sql: &str| self.sqlite.execute_batch(sql).map_err(failed);
        if plan.rebuilds {
            // Dropping a table would take the rows along that refer to it. It has no effect within a transaction.
            run("PRAGMA foreign_keys = OFF")?;
        }
        let result = run("BEGIN IMMEDIATE").and_then(|()| {
            plan.sql.iter().try_for_each(|sql| run(sql))?;
            run("COMMIT")
        });
        if result.is_err() && !self.sqlite.is_autocommit() {
            run("ROLLBACK")?;
        }
        run("PRAGMA legacy_alter_table = OFF; PRAGMA foreign_keys = ON")?;
        result.map(|()| Outcome::default())
    }

    fn query(
        &self,
        plan: &Plan,
        parameters: &Parameters,
        metadata: bool,
        meter: &mut Meter,
    ) -> EngineResult<Outcome> {
        let failed = |error: rusqlite::Error| errors::explained(self, plan, parameters, &error);
        self.prepared(plan, parameters, |statement| {
            let kinds: Vec<_> = plan.outputs.iter().map(|output| output.kind).collect();
            let mut rows = Vec::new();
            let mut cursor = statement.raw_query();
            while let Some(row) = cursor.next().map_err(failed)? {
                let mut values = Vec::with_capacity(kinds.len());
                for (index, kind) in kinds.iter().enumerate() {
                    values.push(results::value(row.get_ref(index).map_err(failed)?, *kind));
                }
                meter.row(&values)?;
                rows.push(values);
            }
            drop(cursor);
            let columns = if metadata {
                results::described(&plan.outputs)
            } else {
                results::labels(&plan.outputs)
            };
            Ok(Outcome {
                columns: Some(columns),
                rows,
                ..Outcome::default()
            })
        })
    }

    fn change(&self, plan: &Plan, parameters: &Parameters) -> EngineResult<Outcome> {
        let before = match plan.kind {
            Kind::Insert { .. } => Some(Before::look(self, plan)?),
            _ => None,
        };
        let written = self.prepared(plan, parameters, |statement| {
            statement
                .raw_execute()
                .map_err(|error| errors::explained(self, plan, parameters, &error))
        })? as u64;
        match before {
            Some(before) => before.outcome(self, written),
            None => Ok(Outcome {
                updated: written,
                ..Outcome::default()
            }),
        }
    }

    /// Prepares a plan's statement, binds it, and hands it over.
    fn prepared<T>(
        &self,
        plan: &Plan,
        parameters: &Parameters,
        run: impl FnOnce(&mut rusqlite::Statement<'_>) -> EngineResult<T>,
    ) -> EngineResult<T> {
        let failed = |error: rusqlite::Error| errors::explained(self, plan, parameters, &error);
        let sql = plan.sql.first().map_or("", String::as_str);
        if sql.len() > MAX_CACHED_SQL_BYTES {
            let mut statement = self.sqlite.prepare(sql).map_err(failed)?;
            bind(&mut statement, plan, parameters, failed)?;
            return run(&mut statement);
        }
        let mut statement = self.sqlite.prepare_cached(sql).map_err(failed)?;
        bind(&mut statement, plan, parameters, failed)?;
        run(&mut statement)
    }
}

/// Binds what the statement has numbers for; an explanation uses a part of its plan's.
pub(super) fn bind(
    statement: &mut rusqlite::Statement<'_>,
    plan: &Plan,
    parameters: &Parameters,
    failed: impl Fn(rusqlite::Error) -> super::EngineError,
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

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::from(rusqlite::types::Null),
            Self::Boolean(value) => ToSqlOutput::from(*value),
            Self::Long(value) => ToSqlOutput::from(*value),
            Self::Double(value) => ToSqlOutput::from(*value),
            // As the kind of a DECIMAL is kept; one that has too many digits has been refused.
            Self::Decimal(value) => match kinds::unscaled(value) {
                Some(number) => ToSqlOutput::from(number),
                None => ToSqlOutput::from(value.as_str()),
            },
            Self::Text(value) => ToSqlOutput::from(value.as_str()),
            Self::Blob(value) => ToSqlOutput::from(value.as_slice()),
        })
    }
}
