//! The state shared by all users of the embedded engine: connections, plans and definitions.

use std::{
    collections::HashMap,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use lru::LruCache;
use tokio::{
    sync::{Semaphore, watch},
    task::spawn_blocking,
    time::{Instant, timeout_at},
};

use crate::{
    engine::{
        EngineError, EngineResult, Parameters, Rights, SqlStatement,
        analysis::Bindings,
        catalogue::Catalogue,
        kinds,
        plan::{StatementKind, StatementPlan},
        plans,
        sqlite::{
            connection::{MAX_CACHED_SQL_BYTES, SqliteConnection},
            labels, parse,
            places::{WriterPlace, permit},
            rights,
        },
        threads,
    },
    journal::Journal,
    lock::locked,
    temporary::TemporaryFolder,
};

/// How many statements outside transactions run at once. They are bound by CPU and disk, so more would not help.
pub(super) const CONNECTIONS: u32 = 8;
/// How many rewritten statements are cached.
pub(super) const PLANS: NonZeroUsize = NonZeroUsize::new(512).expect("512 is not zero");
/// How many statements are parsed at once.
pub(super) const PARSERS: usize = 4;
/// Plans by the statement and the kinds of its parameters.
type PlanCache = LruCache<(Arc<str>, String), Arc<StatementPlan>>;

#[derive(Debug)]
pub(super) struct EngineState {
    pub(super) file: PathBuf,
    pub(super) database: Arc<str>,
    pub(super) plans: Mutex<PlanCache>,
    pub(super) catalogue: Mutex<Arc<Catalogue>>,
    pub(super) idle: Mutex<Vec<SqliteConnection>>,
    pub(super) connections: Arc<Semaphore>,
    pub(super) transactions: Arc<Semaphore>,
    pub(super) writer: WriterPlace,
    pub(super) journal: Journal,
    pub(super) parsers: Arc<Semaphore>,
    pub(super) continued: Arc<Semaphore>,
    /// Whether the engine is stopping, and every statement with it.
    pub(super) stopping: watch::Sender<bool>,
    /// The folder for in-memory data; removed with the last user, after the connections above.
    pub(super) temporary: Option<TemporaryFolder>,
}

impl EngineState {
    pub(super) fn connect(&self) -> rusqlite::Result<SqliteConnection> {
        SqliteConnection::open(
            Path::new(&self.file),
            &self.database,
            self.temporary.is_none(),
        )
    }

    /// Waits until everything that a response can have seen is on disk.
    pub(super) async fn wait_for_sync(&self) -> EngineResult<()> {
        self.journal
            .wait_for_sync()
            .await
            .map_err(EngineError::Storage)
    }

    pub(super) fn cached_plan(
        &self,
        sql: &Arc<str>,
        signature: &str,
    ) -> Option<Arc<StatementPlan>> {
        let key = (Arc::clone(sql), signature.to_owned());
        locked(&self.plans).get(&key).cloned()
    }

    /// Plans a statement for the kinds of its parameters.
    pub(super) fn plan(
        &self,
        sql: &Arc<str>,
        parameters: &Parameters,
    ) -> EngineResult<Arc<StatementPlan>> {
        let signature = signature(sql, parameters);
        if let Some(plan) = self.cached_plan(sql, &signature) {
            return Ok(plan);
        }
        let catalogue = Arc::clone(&*locked(&self.catalogue));
        let plan = plans::plan(
            parse::parse(sql)?,
            labels::labels(sql),
            &catalogue,
            &self.database,
            Bindings::Given(parameters),
        )?;
        let plan = Arc::new(plan);
        if sql.len() <= MAX_CACHED_SQL_BYTES && plan.kind != StatementKind::Definition {
            let mut plans = locked(&self.plans);
            // Another thread may have changed the definitions meanwhile.
            if Arc::ptr_eq(&catalogue, &locked(&self.catalogue)) {
                plans.put((Arc::clone(sql), signature), Arc::clone(&plan));
            }
        }
        Ok(plan)
    }

    /// Reads the definitions again, and drops the plans that were made with the old ones.
    pub(super) fn read_catalogue(&self, connection: &SqliteConnection) -> EngineResult<()> {
        let catalogue = Catalogue::read(&connection.sqlite)?;
        let mut plans = locked(&self.plans);
        *locked(&self.catalogue) = Arc::new(catalogue);
        plans.clear();
        Ok(())
    }

    pub(super) fn give_back(&self, connection: SqliteConnection) {
        // One that could not even roll back is closed, which rolls it back.
        if !connection.sqlite.is_autocommit() {
            return;
        }
        connection.reset();
        let mut idle = locked(&self.idle);
        // A burst of transactions should not leave more idle connections than are useful.
        if idle.len() < CONNECTIONS as usize {
            idle.push(connection);
        }
    }

    pub(super) async fn connection(self: &Arc<Self>) -> EngineResult<SqliteConnection> {
        if let Some(connection) = locked(&self.idle).pop() {
            return Ok(connection);
        }
        let shared = Arc::clone(self);
        let opened = spawn_blocking(move || shared.connect())
            .await
            .map_err(EngineError::unfinished)?;
        opened.map_err(|error| EngineError::Internal(error.to_string()))
    }

    /// A statement's plan for each set of parameters, from the cache if possible.
    pub(super) async fn plans(
        self: &Arc<Self>,
        rights: Rights,
        statement: &SqlStatement,
        deadline: Instant,
    ) -> EngineResult<Vec<Arc<StatementPlan>>> {
        let nothing = Parameters::new();
        if let [set] = statement.sets.as_slice()
            && let Some(plan) = self.cached_plan(&statement.sql, &signature(&statement.sql, set))
        {
            return Ok(vec![rights::allow(rights, plan)?]);
        }
        let place = permit(&self.parsers, deadline).await?;
        let (shared, sql) = (Arc::clone(self), Arc::clone(&statement.sql));
        let sets: Vec<Parameters> = if statement.sets.is_empty() {
            vec![nothing]
        } else {
            statement.sets.clone()
        };
        let parsed = threads::run(move || {
            let mut plans: Vec<Arc<StatementPlan>> = Vec::with_capacity(sets.len());
            let mut last: Option<(HashMap<String, ParameterKind>, Arc<StatementPlan>)> = None;
            for set in &sets {
                let kinds = kinds_of(set);
                let plan = match &last {
                    Some((before, plan)) if *before == kinds => Arc::clone(plan),
                    _ => rights::allow(rights, shared.plan(&sql, set)?)?,
                };
                last = Some((kinds, Arc::clone(&plan)));
                plans.push(plan);
            }
            drop(place);
            Ok(plans)
        });
        timeout_at(deadline, parsed)
            .await
            .map_err(|_| EngineError::Timeout)??
    }
}

/// A parameter's kind, which also tells whether it is NULL.
type ParameterKind = kinds::ValueKind;

fn kinds_of(parameters: &Parameters) -> HashMap<String, ParameterKind> {
    let kinds = parameters.iter();
    kinds
        .map(|(name, value)| (name.clone(), ParameterKind::of(value)))
        .collect()
}

/// Names the kinds of the parameters; empty for a long statement, which is never cached.
fn signature(sql: &str, parameters: &Parameters) -> String {
    if sql.len() > MAX_CACHED_SQL_BYTES {
        return String::new();
    }
    let mut kinds: Vec<String> = parameters
        .iter()
        .map(|(name, value)| format!("{name}:{:?}", ParameterKind::of(value)))
        .collect();
    kinds.sort();
    kinds.join(",")
}
