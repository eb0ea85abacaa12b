//! The embedded engine: SQLite, with one writer at a time and readers that never wait for it.
//!
//! A commit does not wait for the disk; the response does, together with others (`journal.rs`).
//!
//! A statement takes a connection from a pool and runs on its own thread, unless it only reads a little (`short.rs`). A
//! transaction keeps one connection to itself from its first statement on; at its first statement that writes it takes
//! the single writer slot, in request order.

mod allowance;
pub(crate) mod answers;
pub(crate) mod connection;
pub(crate) mod dates;
pub(crate) mod decimals;
pub(crate) mod dialects;
pub(crate) mod document_changes;
pub(crate) mod documents;
pub(crate) mod errors;
pub(crate) mod explain;
pub(crate) mod failures;
pub(crate) mod formats;
pub(crate) mod functions;
pub(crate) mod ids;
pub(crate) mod labels;
pub(crate) mod parse;
pub(crate) mod places;
pub(crate) mod recursion;
pub(crate) mod results;
pub(crate) mod rights;
pub(crate) mod run;
pub(crate) mod session;
pub(crate) mod shared;
mod short;
pub(crate) mod syntax;
pub(crate) mod text;
pub(crate) mod upserts;
pub(crate) mod work;
pub(crate) mod writes;

use std::{
    env,
    path::Path,
    sync::{Arc, Mutex},
};

use lru::LruCache;
use tokio::{
    sync::{Semaphore, watch},
    task::spawn_blocking,
    time::Instant,
};

use crate::{
    database_file,
    engine::{
        EngineError, EngineResult, Rights, SqlStatement, StatementResult, moment_after,
        plan::StatementKind,
        sqlite::{
            places::{LOCK_WAIT, WriterPlace, permit},
            work::{MAX_CONTINUED, StatementRun},
        },
    },
    journal::Journal,
    lock::locked,
    options::{LocalAwsError, Storage},
    temporary::TemporaryFolder,
};

pub(crate) use session::SqliteSession;
use shared::{CONNECTIONS, EngineState, PARSERS, PLANS};

/// The file within the data folder.
const FILE: &str = "rds.sqlite";
/// How many transactions may be open at once.
const MAX_TRANSACTIONS: usize = 256;
/// The embedded engine; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct SqliteEngine {
    shared: Arc<EngineState>,
    rights: Rights,
}

impl SqliteEngine {
    /// Opens the database. Blocks.
    pub(crate) fn open(storage: &Storage, database: &str) -> Result<Self, LocalAwsError> {
        let (folder, temporary) = match storage {
            Storage::Folder(folder) => (folder.clone(), None),
            Storage::InMemory => {
                let folder = TemporaryFolder::create_in(&env::temp_dir())?;
                (folder.path().to_owned(), Some(folder))
            }
        };
        let file = folder.join(FILE);
        let shared = EngineState {
            // In-memory data need not outlive this process.
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
            writer: WriterPlace::new(LOCK_WAIT),
            parsers: Arc::new(Semaphore::new(PARSERS)),
            continued: Arc::new(Semaphore::new(MAX_CONTINUED)),
            stopping: watch::Sender::new(false),
            temporary,
        };
        database_file::check(&shared.file)?;
        let connection = shared.connect().map_err(|error| LocalAwsError::Storage {
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
            .map_err(|error| LocalAwsError::Schema(error.to_string()))?;
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

    /// Runs a statement outside any transaction.
    pub(crate) async fn execute(
        &self,
        statement: SqlStatement,
    ) -> EngineResult<Vec<StatementResult>> {
        let deadline = moment_after(Instant::now(), statement.timeout);
        let plans = self.shared.plans(self.rights, &statement, deadline).await?;
        if let Some(result) = self.read_at_once(&plans, &statement) {
            self.shared.wait_for_sync().await?;
            return result;
        }
        let kind = plans
            .first()
            .map_or(StatementKind::Nothing, |plan| plan.kind);
        // Take the writer slot first, so that waiting for it does not hold a connection that readers need.
        let writer = if kind.writes() {
            Some(self.shared.writer.take(deadline).await?)
        } else {
            None
        };
        let place = permit(&self.shared.connections, deadline).await?;
        let connection = self.shared.connection().await?;
        let shared = Arc::clone(&self.shared);
        let work = StatementRun {
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
                if kind == StatementKind::Definition {
                    if let Err(error) = shared.read_catalogue(&connection) {
                        result = result.and(Err(error));
                    }
                    // Their prepared statements may use columns that no longer exist.
                    locked(&shared.idle).clear();
                } else {
                    shared.give_back(connection);
                }
                drop(writer);
                (result, ())
            })
            .await?;
        // A statement that continues after its timeout does not hold a slot.
        drop(place);
        self.shared.wait_for_sync().await?;
        result
    }

    /// Opens a transaction.
    pub(crate) fn begin(&self) -> EngineResult<SqliteSession> {
        let Ok(place) = Arc::clone(&self.shared.transactions).try_acquire_owned() else {
            return Err(EngineError::database(1040, "08004", "Too many connections"));
        };
        Ok(SqliteSession::new(
            Arc::clone(&self.shared),
            self.rights,
            place,
        ))
    }

    /// Keeps the database from growing, on the one connection that a new engine has.
    #[cfg(test)]
    pub(crate) fn fill_disk(&self) {
        let idle = locked(&self.shared.idle);
        let [connection] = &idle[..] else {
            panic!("not a new engine")
        };
        // SQLite uses the current size if that is larger.
        connection
            .sqlite
            .pragma_update_and_check(None, "max_page_count", 1, |_| Ok(()))
            .unwrap();
    }

    /// Stops running statements and closes every connection.
    pub(crate) async fn close(&self) {
        self.shared.stopping.send_replace(true);
        // The semaphore is never closed, so this cannot fail.
        let _all = self.shared.connections.acquire_many(CONNECTIONS).await;
        let shared = Arc::clone(&self.shared);
        let _ = spawn_blocking(move || locked(&shared.idle).clear()).await;
    }
}
