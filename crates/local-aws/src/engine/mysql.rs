//! A real MySQL or MariaDB behind the Data API.

use std::{fmt, time::Duration};

use mysql_async::{
    Conn, DriverError, Error, Opts, OptsBuilder, Params, Pool, PoolConstraints, PoolOpts, UrlError,
    prelude::{Protocol, Queryable},
};
use tokio::{
    task::JoinHandle,
    time::{Instant, timeout, timeout_at},
};

use super::{
    EngineError, EngineResult, Meter, Outcome, Parameters, Statement, moment_after,
    mysql_values::{self as values, Positional},
};
use crate::options::{Secret, StartError};

/// How many connections the pool opens; open transactions keep one each.
const MAX_CONNECTIONS: usize = 64;
/// How long to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a statement may take to notice that it was stopped, before its connection is dropped.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);
/// What each session starts with: strictness, so that nothing is cut or guessed, and the service's time zone.
const SESSION: [&str; 2] = [
    "SET NAMES utf8mb4",
    "SET SESSION time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,ONLY_FULL_GROUP_BY,NO_ZERO_DATE,NO_ZERO_IN_DATE,\
     ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'",
];
/// The commands that MySQL cannot prepare; they are sent as text.
const NOT_PREPARABLE: u16 = 1295;

/// Where a database is.
pub(crate) struct Target {
    options: Opts,
}

impl Target {
    pub(crate) fn host(&self) -> &str {
        self.options.ip_or_hostname()
    }

    pub(crate) fn port(&self) -> u16 {
        self.options.tcp_port()
    }

    fn address(&self) -> String {
        format!("{}:{}", self.host(), self.port())
    }
}

/// Reads a database URL; the answer names the credentials to use, the URL's or the secret's.
pub(crate) fn target(url: &str, secret: &Secret) -> Result<(Target, Secret), StartError> {
    let options = Opts::from_url(url).map_err(|error| {
        // The driver's own text may hold a part of the URL, and so of the password.
        StartError::DatabaseUrl(match error {
            UrlError::UnsupportedScheme { .. } => "its scheme is not mysql".into(),
            UrlError::UnknownParameter { param } => format!("the parameter {param} is not known"),
            UrlError::InvalidParamValue { param, .. } => {
                format!("the value of the parameter {param} is not valid")
            }
            _ => "it is not a URL".into(),
        })
    })?;
    let credentials = match options.user() {
        Some(user) => Secret {
            name: secret.name.clone(),
            username: user.to_owned(),
            password: options.pass().unwrap_or_default().to_owned(),
        },
        None => secret.clone(),
    };
    Ok((Target { options }, credentials))
}

/// The engine; clones share its pool.
#[derive(Clone)]
pub(crate) struct Engine {
    pool: Pool,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MySql")
    }
}

impl Engine {
    /// Connects, creates the database where it is missing, and runs the schema.
    pub(crate) async fn open(
        target: &Target,
        credentials: &Secret,
        database: &str,
        schema: &[String],
    ) -> Result<Self, StartError> {
        let unreachable = |cause: String| StartError::DatabaseUnreachable {
            address: target.address(),
            cause,
        };
        let name = target.options.db_name().unwrap_or(database).to_owned();
        let constraints = PoolConstraints::new(0, MAX_CONNECTIONS).unwrap_or_default();
        let builder = OptsBuilder::from_opts(target.options.clone())
            .user(Some(&credentials.username))
            .pass(Some(&credentials.password))
            .client_found_rows(true)
            .setup(SESSION.to_vec())
            .pool_opts(PoolOpts::default().with_constraints(constraints));
        create(&builder, &name).await.map_err(unreachable)?;
        let engine = Self {
            pool: Pool::new(builder.db_name(Some(name))),
        };
        let mut connection = engine
            .connection()
            .await
            .map_err(|error| unreachable(error.to_string()))?;
        for sql in schema {
            connection
                .query_drop(sql)
                .await
                .map_err(|error| StartError::Schema(error.to_string()))?;
        }
        Ok(engine)
    }

    /// Runs a statement on its own.
    pub(crate) async fn execute(&self, statement: Statement) -> EngineResult<Vec<Outcome>> {
        let connection = self.connection().await?;
        let (result, _) = self.run(connection, statement, Scope::Alone).await?;
        result
    }

    /// Opens a transaction.
    pub(crate) async fn begin(&self) -> EngineResult<Session> {
        let mut connection = self.connection().await?;
        // Rather than START TRANSACTION, after which a definition would leave the session committing by itself.
        connection
            .query_drop("SET autocommit = 0")
            .await
            .map_err(|error| failure(&error))?;
        Ok(Session {
            engine: self.clone(),
            connection: Some(connection),
        })
    }

    /// Closes the pool.
    pub(crate) async fn close(&self) {
        if let Err(error) = self.pool.clone().disconnect().await {
            tracing::debug!(%error, "the database pool did not close cleanly");
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

    /// Runs a statement; when its time is up it is stopped, unless it is to go on unwatched. The connection comes back
    /// where it is still of use.
    async fn run(
        &self,
        mut connection: Conn,
        statement: Statement,
        scope: Scope,
    ) -> EngineResult<(EngineResult<Vec<Outcome>>, Option<Conn>)> {
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

    async fn stop(&self, id: u32, mut task: JoinHandle<(EngineResult<Vec<Outcome>>, Conn)>) {
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

/// Creates the database where the server has it not.
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
    // It has done its work, however it ends.
    let _ = connection.disconnect().await;
    Ok(())
}

/// Whether a batch has a transaction around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    Alone,
    Transaction,
}

/// Runs a statement once for each set of parameters: all of them or, where one fails, none.
async fn run_all(
    connection: &mut Conn,
    statement: &Statement,
    scope: Scope,
) -> EngineResult<Vec<Outcome>> {
    let positional = values::positional(&statement.sql)?;
    let mut meter = Meter::new(statement.max_bytes);
    if let [one] = statement.sets.as_slice() {
        return Ok(vec![
            run_one(connection, &positional, one, statement.metadata, &mut meter).await?,
        ]);
    }
    let [begin, commit, rollback] = match scope {
        Scope::Alone => ["START TRANSACTION", "COMMIT", "ROLLBACK"],
        Scope::Transaction => [
            "SAVEPOINT fleet",
            "RELEASE SAVEPOINT fleet",
            "ROLLBACK TO SAVEPOINT fleet",
        ],
    };
    connection
        .query_drop(begin)
        .await
        .map_err(|error| failure(&error))?;
    let mut all = Vec::with_capacity(statement.sets.len());
    for set in &statement.sets {
        match run_one(connection, &positional, set, statement.metadata, &mut meter).await {
            Ok(outcome) => all.push(outcome),
            Err(error) => {
                // The first error says more than a failed rollback would.
                let _ = connection.query_drop(rollback).await;
                return Err(error);
            }
        }
    }
    connection
        .query_drop(commit)
        .await
        .map_err(|error| failure(&error))?;
    Ok(all)
}

async fn run_one(
    connection: &mut Conn,
    positional: &Positional,
    parameters: &Parameters,
    metadata: bool,
    meter: &mut Meter,
) -> EngineResult<Outcome> {
    let mut list = Vec::with_capacity(positional.names.len());
    for name in &positional.names {
        let value = parameters
            .get(name)
            .ok_or_else(|| EngineError::MissingParameter(name.clone()))?;
        list.push(values::to_mysql(value));
    }
    let parameters = if list.is_empty() {
        Params::Empty
    } else {
        Params::Positional(list)
    };
    match connection
        .exec_iter(positional.sql.as_str(), parameters)
        .await
    {
        Ok(result) => collect(result, metadata, meter).await,
        Err(Error::Server(error))
            if error.code == NOT_PREPARABLE && positional.names.is_empty() =>
        {
            let result = connection
                .query_iter(positional.sql.as_str())
                .await
                .map_err(|error| failure(&error))?;
            collect(result, metadata, meter).await
        }
        Err(error) => Err(failure(&error)),
    }
}

async fn collect<P: Protocol>(
    mut result: mysql_async::QueryResult<'_, 'static, P>,
    metadata: bool,
    meter: &mut Meter,
) -> EngineResult<Outcome> {
    let columns = result.columns().filter(|columns| !columns.is_empty());
    let Some(columns) = columns else {
        let outcome = Outcome {
            updated: result.affected_rows(),
            generated: values::generated(result.last_insert_id(), result.affected_rows()),
            ..Outcome::default()
        };
        result
            .drop_result()
            .await
            .map_err(|error| failure(&error))?;
        return Ok(outcome);
    };
    let mut rows = Vec::new();
    while let Some(row) = result.next().await.map_err(|error| failure(&error))? {
        let row = values::row(row.unwrap(), &columns);
        meter.row(&row)?;
        rows.push(row);
    }
    result
        .drop_result()
        .await
        .map_err(|error| failure(&error))?;
    let columns = columns
        .iter()
        .map(|column| values::column(column, metadata))
        .collect();
    Ok(Outcome {
        columns: Some(columns),
        rows,
        ..Outcome::default()
    })
}

fn failure(error: &Error) -> EngineError {
    match error {
        Error::Server(error) => match error.code {
            1213 => EngineError::Deadlock,
            // Interrupted, and MariaDB's own number for a statement that took too long.
            1317 | 1969 | 3024 => EngineError::Timeout,
            // The server goes down, or someone ended the connection.
            1053 | 1077 | 1079 | 1927 | 4031 => EngineError::LinkFailure,
            code => EngineError::Database {
                message: error.message.clone(),
                code,
                state: error.state.clone(),
            },
        },
        Error::Io(_) | Error::Driver(DriverError::ConnectionClosed) => EngineError::LinkFailure,
        Error::Driver(DriverError::PoolDisconnected) => EngineError::Unavailable,
        other => EngineError::Internal(other.to_string()),
    }
}

/// An open transaction. Dropped, its connection goes back to the pool, which resets and so rolls it back.
pub(crate) struct Session {
    engine: Engine,
    connection: Option<Conn>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MySqlSession")
    }
}

impl Session {
    /// Runs a statement within the transaction.
    pub(crate) async fn execute(&mut self, statement: Statement) -> EngineResult<Vec<Outcome>> {
        let connection = self.connection.take().ok_or(EngineError::LinkFailure)?;
        let (result, connection) = self
            .engine
            .run(connection, statement, Scope::Transaction)
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
