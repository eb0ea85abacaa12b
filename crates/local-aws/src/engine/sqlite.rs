//! The embedded engine: SQLite, with one writer at a time and readers that never wait for it.
//!
//! A commit does not wait for the disk, each answer does, together with others (`journal.rs`).
//!
//! A statement takes a connection from a pool and runs on a thread of its own. A transaction keeps one
//! connection to itself; it takes the one place of a writer, in the order of asking, at its first statement that writes.

use std::{
    collections::HashMap,
    env,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use lru::LruCache;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::spawn_blocking,
    time::{Instant, timeout_at},
};

use super::{
    EngineError, EngineResult, Outcome, Parameters, Rights, Statement,
    analysis::Bindings,
    catalogue::Catalogue,
    moment_after,
    plans::{self, Kind, Plan},
    sqlite_connection::{Connection, MAX_CACHED_SQL_BYTES},
    sqlite_parse as parse,
    sqlite_places::{LOCK_WAIT, Writer, Writing, permit},
    sqlite_rights as rights,
    sqlite_work::{MAX_CONTINUED, Work},
    threads,
};
use crate::{
    database_file,
    journal::Journal,
    options::{StartError, Storage},
    temporary::TemporaryFolder,
};

/// The file within the data folder.
const FILE: &str = "rds.sqlite";
/// How many statements outside transactions run at once. They are bound by processor and disk, so more would not help.
const CONNECTIONS: u32 = 8;
/// How many transactions may be open.
const MAX_TRANSACTIONS: usize = 256;
/// How many rewritten statements are kept.
const PLANS: NonZeroUsize = NonZeroUsize::new(512).expect("512 is not zero");
/// How many statements are parsed at once.
const PARSERS: usize = 4;

/// Plans by the statement and the kinds of its parameters.
type Plans = LruCache<(Arc<str>, String), Arc<Plan>>;

/// The embedded engine; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Engine {
    shared: Arc<Shared>,
    rights: Rights,
}

#[derive(Debug)]
struct Shared {
    file: PathBuf,
    database: Arc<str>,
    plans: Mutex<Plans>,
    catalogue: Mutex<Arc<Catalogue>>,
    idle: Mutex<Vec<Connection>>,
    connections: Arc<Semaphore>,
    transactions: Arc<Semaphore>,
    writer: Writer,
    journal: Journal,
    parsers: Arc<Semaphore>,
    continued: Arc<Semaphore>,
    /// Whether the engine stops, and with it every statement.
    stopping: watch::Sender<bool>,
    /// The folder of in-memory data; removed when the last user is gone, after the connections above it.
    temporary: Option<TemporaryFolder>,
}

impl Engine {
    /// Opens the database. Blocks.
    pub(crate) fn open(storage: &Storage, database: &str) -> Result<Self, StartError> {
        let (folder, temporary) = match storage {
            Storage::Folder(folder) => (folder.clone(), None),
            Storage::InMemory => {
                let folder = TemporaryFolder::create_in(&env::temp_dir())?;
                (folder.path().to_owned(), Some(folder))
            }
        };
        let file = folder.join(FILE);
        let shared = Shared {
            // What is in memory need not outlive this process.
            journal: match temporary {
                None => Journal::of(&file),
                Some(_) => Journal::none(),
            },
            file,
            database: database.into(),
            plans: Mutex::new(LruCache::new(PLANS)),
            catalogue: Mutex::default(),
            idle: Mutex::default(),
            connections: Arc::new(Semaphore::new(CONNECTIONS as usize)),
            transactions: Arc::new(Semaphore::new(MAX_TRANSACTIONS)),
            writer: Writer::new(LOCK_WAIT),
            parsers: Arc::new(Semaphore::new(PARSERS)),
            continued: Arc::new(Semaphore::new(MAX_CONTINUED)),
            stopping: watch::Sender::new(false),
            temporary,
        };
        database_file::check(&shared.file)?;
        let connection = shared.connect().map_err(|error| StartError::Storage {
            file: shared.file.clone(),
            cause: error.to_string(),
        })?;
        let engine = Self {
            shared: Arc::new(shared),
            rights: Rights::Owner,
        };
        engine
            .shared
            .read_catalogue(&connection)
            .map_err(|error| StartError::Schema(error.to_string()))?;
        engine.shared.give_back(connection);
        Ok(engine)
    }

    /// The file that holds the data.
    pub(crate) fn file(&self) -> &Path {
        &self.shared.file
    }

    /// The same engine for a user with these rights.
    pub(crate) fn of(&self, rights: Rights) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            rights,
        }
    }

    /// Runs a statement on its own.
    pub(crate) async fn execute(&self, statement: Statement) -> EngineResult<Vec<Outcome>> {
        let deadline = moment_after(Instant::now(), statement.timeout);
        let plans = self.plans(&statement, deadline).await?;
        let kind = plans.first().map_or(Kind::Nothing, |plan| plan.kind);
        // The writer's place first, so that waiting for it keeps no connection from readers.
        let writer = if kind.writes() {
            Some(self.shared.writer.take(deadline).await?)
        } else {
            None
        };
        let place = permit(&self.shared.connections, deadline).await?;
        let connection = self.connection().await?;
        let shared = Arc::clone(&self.shared);
        let work = Work {
            statement,
            deadline,
            stopping: self.shared.stopping.subscribe(),
            continued: Arc::clone(&self.shared.continued),
        };
        let (result, ()) = work
            .run(connection, move |connection, statement| {
                let mut result = if kind.writes() {
                    connection.write_all(&plans, &statement, &shared.journal)
                } else {
                    connection.run_all(&plans, &statement)
                };
                if kind == Kind::Definition {
                    if let Err(error) = shared.read_catalogue(&connection) {
                        result = result.and(Err(error));
                    }
                    // What they have prepared may be of columns that are there no more.
                    locked(&shared.idle).clear();
                } else {
                    shared.give_back(connection);
                }
                drop(writer);
                (result, ())
            })
            .await?;
        // One that continues after its time keeps no place from others.
        drop(place);
        self.shared.settled().await?;
        result
    }

    /// Opens a transaction.
    pub(crate) async fn begin(&self) -> EngineResult<Session> {
        let Ok(place) = Arc::clone(&self.shared.transactions).try_acquire_owned() else {
            return Err(EngineError::database(1040, "08004", "Too many connections"));
        };
        let connection = self.connection().await?;
        Ok(Session {
            engine: self.clone(),
            connection: Some(connection),
            state: State::Fresh,
            _place: place,
        })
    }

    /// Lets the database grow no more, on the one connection that a new engine has.
    #[cfg(test)]
    pub(crate) fn fill_disk(&self) {
        let idle = locked(&self.shared.idle);
        let [connection] = &idle[..] else {
            panic!("not a new engine")
        };
        // SQLite takes the present size where that is larger.
        connection
            .sqlite
            .pragma_update_and_check(None, "max_page_count", 1, |_| Ok(()))
            .unwrap();
    }

    /// Stops the statements under way and closes every connection.
    pub(crate) async fn close(&self) {
        self.shared.stopping.send_replace(true);
        // The semaphore is never closed, so this cannot fail.
        let _all = self.shared.connections.acquire_many(CONNECTIONS).await;
        let shared = Arc::clone(&self.shared);
        let _ = spawn_blocking(move || locked(&shared.idle).clear()).await;
    }

    async fn connection(&self) -> EngineResult<Connection> {
        if let Some(connection) = locked(&self.shared.idle).pop() {
            return Ok(connection);
        }
        let shared = Arc::clone(&self.shared);
        let opened = spawn_blocking(move || shared.connect())
            .await
            .map_err(EngineError::unfinished)?;
        opened.map_err(|error| EngineError::Internal(error.to_string()))
    }

    /// A statement's plan for each set of parameters, from the cache where it is there.
    async fn plans(
        &self,
        statement: &Statement,
        deadline: Instant,
    ) -> EngineResult<Vec<Arc<Plan>>> {
        let nothing = Parameters::new();
        if let [set] = statement.sets.as_slice()
            && let Some(plan) = self
                .shared
                .planned(&statement.sql, &signature(&statement.sql, set))
        {
            return Ok(vec![rights::allow(self.rights, plan)?]);
        }
        let place = permit(&self.shared.parsers, deadline).await?;
        let (shared, sql, rights) = (
            Arc::clone(&self.shared),
            Arc::clone(&statement.sql),
            self.rights,
        );
        let sets: Vec<Parameters> = if statement.sets.is_empty() {
            vec![nothing]
        } else {
            statement.sets.clone()
        };
        let parsed = threads::run(move || {
            let mut plans: Vec<Arc<Plan>> = Vec::with_capacity(sets.len());
            let mut last: Option<(HashMap<String, Kinds>, Arc<Plan>)> = None;
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

impl Shared {
    fn connect(&self) -> rusqlite::Result<Connection> {
        Connection::open(
            Path::new(&self.file),
            &self.database,
            self.temporary.is_none(),
        )
    }

    /// Waits until what an answer can have seen is on disk.
    async fn settled(&self) -> EngineResult<()> {
        self.journal.settled().await.map_err(EngineError::Storage)
    }

    fn planned(&self, sql: &Arc<str>, signature: &str) -> Option<Arc<Plan>> {
        let key = (Arc::clone(sql), signature.to_owned());
        locked(&self.plans).get(&key).cloned()
    }

    /// Plans a statement for the kinds of some parameters.
    fn plan(&self, sql: &Arc<str>, parameters: &Parameters) -> EngineResult<Arc<Plan>> {
        let signature = signature(sql, parameters);
        if let Some(plan) = self.planned(sql, &signature) {
            return Ok(plan);
        }
        let catalogue = Arc::clone(&*locked(&self.catalogue));
        let plan = plans::plan(
            parse::parse(sql)?,
            parse::labels(sql),
            &catalogue,
            &self.database,
            Bindings::Given(parameters),
        )?;
        let plan = Arc::new(plan);
        if sql.len() <= MAX_CACHED_SQL_BYTES && plan.kind != Kind::Definition {
            let mut plans = locked(&self.plans);
            // Another thread may have defined something meanwhile.
            if Arc::ptr_eq(&catalogue, &locked(&self.catalogue)) {
                plans.put((Arc::clone(sql), signature), Arc::clone(&plan));
            }
        }
        Ok(plan)
    }

    /// Reads the definitions anew, and forgets the plans that were made with others.
    fn read_catalogue(&self, connection: &Connection) -> EngineResult<()> {
        let catalogue = Catalogue::read(&connection.sqlite)?;
        let mut plans = locked(&self.plans);
        *locked(&self.catalogue) = Arc::new(catalogue);
        plans.clear();
        Ok(())
    }

    fn give_back(&self, connection: Connection) {
        // One that could not even roll back is closed, which does.
        if !connection.sqlite.is_autocommit() {
            return;
        }
        connection.reset();
        let mut idle = locked(&self.idle);
        // A burst of transactions leaves no more behind than are of use.
        if idle.len() < CONNECTIONS as usize {
            idle.push(connection);
        }
    }
}

/// A parameter's kind: whether it is one of NULL.
type Kinds = super::kinds::Kind;

fn kinds_of(parameters: &Parameters) -> HashMap<String, Kinds> {
    let kinds = parameters.iter();
    kinds
        .map(|(name, value)| (name.clone(), Kinds::of(value)))
        .collect()
}

/// Names the kinds of parameters; a long statement is never looked up by it.
fn signature(sql: &str, parameters: &Parameters) -> String {
    if sql.len() > MAX_CACHED_SQL_BYTES {
        return String::new();
    }
    let mut kinds: Vec<String> = parameters
        .iter()
        .map(|(name, value)| format!("{name}:{:?}", Kinds::of(value)))
        .collect();
    kinds.sort();
    kinds.join(",")
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while it holds one of these.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An open transaction. Dropping it closes its connection, which rolls it back.
#[derive(Debug)]
pub(crate) struct Session {
    engine: Engine,
    /// Gone where a statement ran into its time limit and went on, or panicked.
    connection: Option<Connection>,
    state: State,
    _place: OwnedSemaphorePermit,
}

/// How far a transaction has come.
#[derive(Debug)]
enum State {
    /// No statement yet: no snapshot, no lock.
    Fresh,
    /// It has read, and sees the database as it was then.
    Reading,
    /// It writes, and holds the writer's place.
    Writing(#[expect(dead_code, reason = "held until the transaction ends")] Writing),
}

/// How a transaction ends.
#[derive(Debug, Clone, Copy)]
enum End {
    Commit,
    Rollback,
}

impl Session {
    /// Runs a statement within the transaction.
    pub(crate) async fn execute(&mut self, statement: Statement) -> EngineResult<Vec<Outcome>> {
        let deadline = moment_after(Instant::now(), statement.timeout);
        let plans = self.engine.plans(&statement, deadline).await?;
        let kind = plans.first().map_or(Kind::Nothing, |plan| plan.kind);
        let begin = self.prepare(kind, deadline).await?;
        let connection = self.connection.take().ok_or(EngineError::LinkFailure)?;
        let definition = kind == Kind::Definition;
        let shared = Arc::clone(&self.engine.shared);
        let journal = self.engine.shared.journal.clone();
        let work = Work {
            statement,
            deadline,
            stopping: self.engine.shared.stopping.subscribe(),
            continued: Arc::clone(&self.engine.shared.continued),
        };
        let (result, connection) = work
            .run(connection, move |connection, statement| {
                let result = begin
                    .map_or(Ok(()), |begin| connection.control(begin))
                    .and_then(|()| {
                        if definition {
                            connection.write_all(&plans, &statement, &journal)
                        } else {
                            connection.run_all(&plans, &statement)
                        }
                    });
                let result = if definition {
                    locked(&shared.idle).clear();
                    result
                        .and_then(|outcomes| shared.read_catalogue(&connection).map(|()| outcomes))
                } else {
                    result
                };
                (result, connection)
            })
            .await?;
        self.connection = Some(connection);
        if definition {
            self.state = State::Fresh;
        }
        // Who holds the writer's place does not wait for the disk: the end of the transaction does.
        if !matches!(self.state, State::Writing(_)) {
            self.engine.shared.settled().await?;
        }
        result
    }

    /// Takes the lock that a statement needs; the answer is how the transaction begins, where it has not yet.
    async fn prepare(
        &mut self,
        kind: Kind,
        deadline: Instant,
    ) -> EngineResult<Option<&'static str>> {
        if kind == Kind::Definition {
            // As in MySQL, a definition commits what is open, and is not part of any transaction.
            self.finish(End::Commit).await?;
            self.state = State::Writing(self.engine.shared.writer.take(deadline).await?);
            return Ok(None);
        }
        match (&self.state, kind.writes()) {
            (State::Fresh, false) => {
                self.state = State::Reading;
                Ok(Some("BEGIN"))
            }
            (State::Fresh, true) => {
                self.state = State::Writing(self.engine.shared.writer.take(deadline).await?);
                Ok(Some("BEGIN IMMEDIATE"))
            }
            (State::Reading, true) => {
                self.state = State::Writing(self.engine.shared.writer.take(deadline).await?);
                Ok(None)
            }
            (State::Reading, false) | (State::Writing(_), _) => Ok(None),
        }
    }

    async fn finish(&mut self, how: End) -> EngineResult<()> {
        if matches!(self.state, State::Fresh) {
            return Ok(());
        }
        let connection = self.connection.take().ok_or(EngineError::LinkFailure)?;
        let journal = self.engine.shared.journal.clone();
        let (result, connection) = threads::run(move || {
            // Some failures have rolled it back already.
            let result = match how {
                _ if connection.sqlite.is_autocommit() => Ok(()),
                End::Commit => connection.commit(&journal),
                End::Rollback => connection.control("ROLLBACK"),
            };
            (result, connection)
        })
        .await?;
        self.connection = Some(connection);
        self.state = State::Fresh;
        result
    }

    pub(crate) async fn commit(mut self) -> EngineResult<()> {
        self.finish(End::Commit).await?;
        self.give_back();
        self.engine.shared.settled().await
    }

    pub(crate) async fn rollback(mut self) -> EngineResult<()> {
        self.finish(End::Rollback).await?;
        self.give_back();
        // What its statements have seen is on disk before its caller goes on.
        self.engine.shared.settled().await
    }

    fn give_back(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.engine.shared.give_back(connection);
        }
    }
}
