//! A real MySQL or MariaDB behind the Data API.

pub(crate) mod bound;
pub(crate) mod mariadb;
pub(crate) mod mariadb_process;
pub(crate) mod rows;
pub(crate) mod run;
pub(crate) mod target;
pub(crate) mod text;
pub(crate) mod values;
pub(crate) mod writes;

use std::{fmt, sync::Arc, time::Duration};

use mysql_async::{Conn, Error, OptsBuilder, Pool, PoolConstraints, PoolOpts, prelude::Queryable};
use tokio::{
    task::JoinHandle,
    time::{Instant, timeout, timeout_at},
};

use crate::{
    engine::{
        EngineError, EngineResult, SqlStatement, StatementResult, moment_after,
        mysql::{
            run::{BatchScope, failure, run_all},
            target::DatabaseAddress,
        },
    },
    options::{LocalAwsError, SecretOption},
};

/// How many connections the pool opens; each open transaction holds one.
const MAX_CONNECTIONS: usize = 64;
/// How many idle connections the pool keeps, so that a statement need not connect first. There is a pool for each secret,
/// and MariaDB has 151 connections by default.
const IDLE_CONNECTIONS: usize = 16;
/// How long to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a stopped statement gets to notice before its connection is dropped.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);
/// The setup of each session, run from last to first: strict mode, so that nothing is cut or guessed, and the service's
/// time zone. Unless told otherwise, MariaDB truncates fractions of a second, which MySQL rounds, and ignores trailing
/// spaces in a statement's texts, instead of comparing them as columns.
const SESSION: [&str; 2] = [
    "SET SESSION time_zone = '+00:00', sql_mode = CONCAT('STRICT_ALL_TABLES,ONLY_FULL_GROUP_BY,NO_ZERO_DATE,\
     NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION', \
     IF(VERSION() LIKE '%MariaDB%', ',TIME_ROUND_FRACTIONAL', '')), \
     collation_connection = IF(VERSION() LIKE '%MariaDB%', 'utf8mb4_unicode_520_nopad_ci', @@collation_connection)",
    // Also sets the collation.
    "SET NAMES utf8mb4",
];

/// The engine; clones share its pool.
#[derive(Clone)]
pub(crate) struct MySqlEngine {
    pool: Pool,
    /// The server behind it, if this process runs it.
    server: Option<Arc<mariadb::MariaDbServer>>,
}

impl fmt::Debug for MySqlEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MySql")
    }
}

impl MySqlEngine {
    /// Connects, and creates the database if it is missing.
    pub(crate) async fn open(
        target: &DatabaseAddress,
        credentials: &SecretOption,
        database: &str,
    ) -> Result<Self, LocalAwsError> {
        let unreachable = |cause: String| LocalAwsError::DatabaseUnreachable {
            address: target.address(),
            cause,
        };
        let name = target.options.db_name().unwrap_or(database).to_owned();
        let builder = builder(target, credentials);
        create(&builder, &name).await.map_err(unreachable)?;
        let engine = Self {
            pool: Pool::new(builder.db_name(Some(name))),
            server: None,
        };
        engine
            .connection()
            .await
            .map_err(|error| unreachable(error.to_string()))?;
        Ok(engine)
    }

    /// The same database for another user.
    pub(crate) fn of(
        &self,
        target: &DatabaseAddress,
        credentials: &SecretOption,
        database: &str,
    ) -> Self {
        let builder = builder(target, credentials).db_name(Some(database));
        Self {
            pool: Pool::new(builder),
            server: None,
        }
    }

    /// The server, if this process runs it.
    pub(crate) fn server(&self) -> Option<&mariadb::MariaDbServer> {
        self.server.as_deref()
    }

    /// The engine on a server run by this process, which is stopped when the engine is closed.
    pub(crate) fn on(self, server: mariadb::MariaDbServer) -> Self {
        Self {
            server: Some(Arc::new(server)),
            ..self
        }
    }

    /// Runs a statement outside any transaction.
    pub(crate) async fn execute(
        &self,
        statement: SqlStatement,
    ) -> EngineResult<Vec<StatementResult>> {
        let connection = self.connection().await?;
        let (result, _) = self.run(connection, statement, BatchScope::Alone).await?;
        result
    }

    /// Opens a transaction.
    pub(crate) async fn begin(&self) -> EngineResult<MySqlSession> {
        let mut connection = self.connection().await?;
        // Not START TRANSACTION, after which a definition would leave the session in autocommit mode.
        connection
            .query_drop("SET autocommit = 0")
            .await
            .map_err(|error| failure(&error))?;
        Ok(MySqlSession {
            engine: self.clone(),
            connection: Some(connection),
        })
    }

    /// Closes the pool.
    pub(crate) async fn close(&self) {
        if let Err(error) = self.pool.clone().disconnect().await {
            tracing::debug!(%error, "the database pool did not close cleanly");
        }
        if let Some(server) = &self.server {
            server.stop().await;
        }
    }

    async fn connection(&self) -> EngineResult<Conn> {
        match timeout(CONNECT_TIMEOUT, self.pool.get_conn()).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(Error::Server(error))) if error.code == 1045 => Err(EngineError::AccessDenied(
                "The secret's user or password is not valid for the database".into(),
            )),
            Ok(Err(error @ Error::Server(_))) => Err(failure(&error)),
            Ok(Err(_)) | Err(_) => Err(EngineError::Unavailable),
        }
    }

    /// Runs a statement. When its time is up it is stopped, unless it is to continue unwatched. The connection is
    /// returned if it is still usable.
    async fn run(
        &self,
        mut connection: Conn,
        statement: SqlStatement,
        scope: BatchScope,
    ) -> EngineResult<(EngineResult<Vec<StatementResult>>, Option<Conn>)> {
        let deadline = moment_after(Instant::now(), statement.timeout);
        let goes_on = statement.continue_after_timeout;
        let id = connection.id();
        let mut task = tokio::spawn(async move {
            let result = run_all(&mut connection, &statement, scope).await;
            (result, connection)
        });
        match timeout_at(deadline, &mut task).await {
            Ok(Ok((result, connection))) => Ok((result, Some(connection))),
            Ok(Err(error)) => Err(EngineError::unfinished(error)),
            Err(_) => {
                if !goes_on {
                    self.stop(id, task).await;
                }
                Ok((Err(EngineError::Timeout), None))
            }
        }
    }

    async fn stop(
        &self,
        id: u32,
        mut task: JoinHandle<(EngineResult<Vec<StatementResult>>, Conn)>,
    ) {
        if let Ok(mut other) = self.connection().await
            && let Err(error) = other.query_drop(format!("KILL QUERY {id}")).await
        {
            tracing::debug!(%error, "a statement could not be stopped");
        }
        if timeout(STOP_TIMEOUT, &mut task).await.is_err() {
            task.abort();
        }
    }
}

fn builder(target: &DatabaseAddress, credentials: &SecretOption) -> OptsBuilder {
    let constraints = PoolConstraints::new(IDLE_CONNECTIONS, MAX_CONNECTIONS).unwrap_or_default();
    OptsBuilder::from_opts(target.options.clone())
        .user(Some(&credentials.username))
        .pass(Some(&credentials.password))
        .setup(SESSION.to_vec())
        .pool_opts(PoolOpts::default().with_constraints(constraints))
}

/// Creates the database if the server does not have it.
async fn create(builder: &OptsBuilder, name: &str) -> Result<(), String> {
    let connect = Conn::new(builder.clone().db_name(None::<String>));
    let mut connection = match timeout(CONNECT_TIMEOUT, connect).await {
        Ok(Ok(connection)) => connection,
        Ok(Err(Error::Server(error))) => return Err(error.message),
        Ok(Err(Error::Io(_))) => return Err("nothing answers there".into()),
        Ok(Err(error)) => return Err(error.to_string()),
        Err(_) => return Err("it did not answer in time".into()),
    };
    let found: Option<String> = connection
        .exec_first(
            "SELECT schema_name FROM information_schema.schemata WHERE schema_name = ?",
            (name,),
        )
        .await
        .map_err(|error| error.to_string())?;
    if found.is_none() {
        let name = name.replace('`', "``");
        let sql = format!(
            "CREATE DATABASE IF NOT EXISTS `{name}` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
        );
        connection
            .query_drop(sql)
            .await
            .map_err(|error| error.to_string())?;
    }
    // The connection is no longer needed, so a failed disconnect does not matter.
    let _ = connection.disconnect().await;
    Ok(())
}

/// An open transaction. When dropped, its connection goes back to the pool, which resets it and so rolls it back.
pub(crate) struct MySqlSession {
    engine: MySqlEngine,
    connection: Option<Conn>,
}

impl fmt::Debug for MySqlSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MySqlSession")
    }
}

impl MySqlSession {
    /// Runs a statement within the transaction.
    pub(crate) async fn execute(
        &mut self,
        statement: SqlStatement,
    ) -> EngineResult<Vec<StatementResult>> {
        let connection = self.connection.take().ok_or(EngineError::LinkFailure)?;
        let (result, connection) = self
            .engine
            .run(connection, statement, BatchScope::Transaction)
            .await?;
        self.connection = connection;
        result
    }

    pub(crate) async fn commit(self) -> EngineResult<()> {
        self.finish("COMMIT").await
    }

    pub(crate) async fn rollback(self) -> EngineResult<()> {
        self.finish("ROLLBACK").await
    }

    async fn finish(self, how: &str) -> EngineResult<()> {
        let mut connection = self.connection.ok_or(EngineError::LinkFailure)?;
        connection
            .query_drop(how)
            .await
            .map_err(|error| failure(&error))
    }
}
