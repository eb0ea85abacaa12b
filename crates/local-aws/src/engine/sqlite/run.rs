//! Runs plans on a connection.

use std::sync::{Arc, atomic::Ordering};

use crate::{
    engine::{
        EngineError, EngineResult, Meter, Parameters, SqlStatement, SqlValue, StatementResult,
        collation, numbers,
        plan::{StatementKind, StatementPlan, bound},
        sqlite::{
            connection::{MAX_CACHED_SQL_BYTES, SqliteConnection, bind},
            dates, errors,
            failures::plain,
            functions, ids, results,
            writes::TableSnapshot,
        },
    },
    journal::Journal,
    lock::locked,
};

impl SqliteConnection {
    /// Runs plans that write, outside a transaction, and commits them.
    pub(crate) fn write_all(
        &self,
        plans: &[Arc<StatementPlan>],
        statement: &SqlStatement,
        journal: &Journal,
    ) -> EngineResult<Vec<StatementResult>> {
        if plans
            .iter()
            .any(|plan| plan.kind == StatementKind::Definition)
        {
            // A definition commits by itself, as in MySQL.
            let _write = journal.write();
            return self.run_all(plans, statement);
        }
        self.control("BEGIN IMMEDIATE")?;
        let written = self
            .run_all(plans, statement)
            .and_then(|outcomes| self.commit(journal).map(|()| outcomes));
        // Some failures have already rolled it back.
        if written.is_err() && !self.sqlite.is_autocommit() {
            // The first error is more useful.
            let _ = self.control("ROLLBACK");
        }
        match &written {
            Ok(_) => self.forget_ids(),
            Err(_) => self.use_up_ids(Some(journal))?,
        }
        written
    }

    /// Runs a plan for each set of parameters: all of them or, if one fails, none.
    pub(crate) fn run_all(
        &self,
        plans: &[Arc<StatementPlan>],
        statement: &SqlStatement,
    ) -> EngineResult<Vec<StatementResult>> {
        let (sets, metadata) = (&statement.sets[..], statement.metadata);
        let mut meter = Meter::new(statement.max_bytes);
        // A write that may be refused after it has run must then be undone.
        let undone = |plan: &StatementPlan| plan.kind.writes() && plan.shows;
        if let ([one], [plan]) = (sets, plans)
            && !undone(plan)
        {
            let outcome = self.run(plan, one, metadata, &mut meter);
            if outcome.is_err() && !self.sqlite.is_autocommit() {
                self.use_up_ids(None)?;
            }
            return Ok(vec![outcome?]);
        }
        self.control("SAVEPOINT `fleet`")?;
        let all: EngineResult<Vec<StatementResult>> = sets
            .iter()
            .zip(plans)
            .map(|(set, plan)| self.run(plan, set, metadata, &mut meter))
            .collect();
        if all.is_err() && !self.sqlite.is_autocommit() {
            self.control("ROLLBACK TO `fleet`")?;
        }
        if !self.sqlite.is_autocommit() {
            self.control("RELEASE `fleet`")?;
            if all.is_err() {
                self.use_up_ids(None)?;
            }
        }
        all
    }

    /// Forgets the ids that a transaction used up, once it has been committed.
    pub(crate) fn forget_ids(&self) {
        drop(locked(&self.ids).take_used());
    }

    /// Uses up the ids handed out in what is rolled back: a whole transaction with a journal, otherwise one statement.
    pub(crate) fn use_up_ids(&self, journal: Option<&Journal>) -> EngineResult<()> {
        let mut state = locked(&self.ids);
        let used = state.take_used();
        if used.is_empty() {
            return Ok(());
        }
        let _write = journal.map(Journal::write);
        for (table, last) in &used {
            ids::use_up(&self.sqlite, table, *last).map_err(|error| plain(&error))?;
        }
        if journal.is_none() {
            // The transaction may yet be rolled back.
            state.put_used(used);
        }
        Ok(())
    }

    fn run(
        &self,
        plan: &StatementPlan,
        parameters: &Parameters,
        metadata: bool,
        meter: &mut Meter,
    ) -> EngineResult<StatementResult> {
        self.clock
            .store(functions::microseconds(), Ordering::Relaxed);
        self.mixed.store(false, Ordering::Relaxed);
        self.reads.store(0, Ordering::Relaxed);
        for moment in &plan.moments {
            if let SqlValue::Text(text) = &*bound(&plan.slots[moment.slot], parameters)? {
                dates::check(text, moment)?;
            }
        }
        for slot in &plan.texts {
            if let SqlValue::Text(text) = &*bound(&plan.slots[*slot], parameters)?
                && !collation::is_known(text)
            {
                return Err(EngineError::unsupported(
                    "letters that are not Latin, compared without COLLATE utf8mb4_bin",
                ));
            }
        }
        for slot in &plan.numerals {
            if let SqlValue::Text(text) = &*bound(&plan.slots[*slot], parameters)?
                && !numbers::is_number(text)
            {
                return Err(EngineError::unsupported(numbers::NOT_A_NUMBER));
            }
        }
        match plan.kind {
            StatementKind::Nothing => Ok(StatementResult::default()),
            StatementKind::Definition => self.define(plan),
            StatementKind::Query { .. } => self.query(plan, parameters, metadata, meter),
            StatementKind::Insert { .. } | StatementKind::Change => self.change(plan, parameters),
        }
    }

    /// Runs a definition, all or nothing.
    fn define(&self, plan: &StatementPlan) -> EngineResult<StatementResult> {
        let nothing = Parameters::new();
        let failed = |error: rusqlite::Error| errors::explained(self, plan, &nothing, &error);
        let run = |sql: &str| self.sqlite.execute_batch(sql).map_err(failed);
        if plan.rebuilds {
            // Otherwise, dropping a table would delete the rows that refer to it. The pragma has no effect within a
            // transaction.
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
        result.map(|()| StatementResult::default())
    }

    fn query(
        &self,
        plan: &StatementPlan,
        parameters: &Parameters,
        metadata: bool,
        meter: &mut Meter,
    ) -> EngineResult<StatementResult> {
        let failed = |error: rusqlite::Error| errors::explained(self, plan, parameters, &error);
        self.prepared(plan, parameters, |statement| {
            let kinds: Vec<_> = plan.outputs.iter().map(|output| output.kind).collect();
            let mut rows = Vec::new();
            let mut cursor = statement.raw_query();
            while let Some(row) = cursor.next().map_err(failed)? {
                let mut values = Vec::with_capacity(kinds.len());
                for (index, kind) in kinds.iter().enumerate() {
                    values.push(results::value(row.get_ref(index).map_err(failed)?, *kind)?);
                }
                meter.row(&values)?;
                rows.push(values);
            }
            drop(cursor);
            self.unmixed()?;
            let columns = if metadata {
                results::describe_columns(&plan.outputs)
            } else {
                results::labels(&plan.outputs)
            };
            Ok(StatementResult {
                columns: Some(columns),
                rows,
                ..StatementResult::default()
            })
        })
    }

    /// Refuses a statement that has met equal texts with different bytes, one of which would be shown.
    fn unmixed(&self) -> EngineResult<()> {
        if self.mixed.load(Ordering::Relaxed) {
            return Err(EngineError::unsupported(
                "one of several texts that are equal but not alike, such as 'a' and 'A', in the place of all",
            ));
        }
        Ok(())
    }

    fn change(
        &self,
        plan: &StatementPlan,
        parameters: &Parameters,
    ) -> EngineResult<StatementResult> {
        let before = match plan.kind {
            StatementKind::Insert { .. } => Some(TableSnapshot::take(self, plan)?),
            _ => None,
        };
        let written = self.prepared(plan, parameters, |statement| {
            statement.raw_execute().map_err(|error| {
                // Explaining the error may request ids, too.
                let spent = locked(&self.ids).last_used();
                let error =
                    errors::explained(self, plan, parameters, &error).ignored(plan.written.ignores);
                let Some(before) = &before else {
                    return error;
                };
                let error = before.failure(plan, error);
                before.record_failure(self, spent, &error);
                error
            })
        })? as u64;
        self.unmixed()?;
        match before {
            Some(before) => before.outcome(self, written),
            None => Ok(StatementResult {
                updated: written,
                ..StatementResult::default()
            }),
        }
    }

    /// Prepares and binds a plan's statement, and passes it on.
    fn prepared<T>(
        &self,
        plan: &StatementPlan,
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
