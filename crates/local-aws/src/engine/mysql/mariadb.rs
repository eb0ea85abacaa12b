//! A MariaDB server run by this process: found on the machine, stored under the data folder, and reachable only through
//! a socket.
//!
//! It survives a kill of either process: it ends with this process, however that ends, and is restarted if it is killed
//! itself.

use std::{
    env,
    path::Path,
    process::Command,
    sync::{Mutex, PoisonError, mpsc},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use mysql_async::{Conn, OptsBuilder, prelude::Queryable};
use tokio::task::spawn_blocking;

use crate::{
    engine::{
        Rights,
        mysql::{
            mariadb_process::{
                MariaDbProcess, ServerPaths, ServerPrograms, failed, install, last_words,
                server_command,
            },
            target::DatabaseAddress,
        },
    },
    options::{LocalAwsError, SecretOption, Storage},
    temporary::TemporaryFolder,
};

/// How long a start may take, including recovery after a crash.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How long a stop may take before the process is killed, which InnoDB survives.
const STOP_LIMIT: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(50);
/// A running MariaDB. Dropped without [`MariaDbServer::stop`], it is killed.
#[derive(Debug)]
pub(crate) struct MariaDbServer {
    places: ServerPaths,
    supervisor: Mutex<Option<Supervisor>>,
    /// The folder of in-memory data; removed last.
    _temporary: Option<TemporaryFolder>,
}

#[derive(Debug)]
struct Supervisor {
    orders: mpsc::Sender<SupervisorCommand>,
    thread: JoinHandle<()>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SupervisorCommand {
    /// The server has been asked to stop: wait for it to end.
    Wait,
    Kill,
}

impl MariaDbServer {
    /// Finds MariaDB, sets up its folder if it is new, starts it, and makes `secret`'s user the owner of `database`.
    pub(crate) async fn start(
        storage: &Storage,
        database: &str,
        secret: &SecretOption,
    ) -> Result<Self, LocalAwsError> {
        let programs = ServerPrograms::find()?;
        let (folder, temporary) = match storage {
            Storage::Folder(folder) => (folder.clone(), None),
            Storage::InMemory => {
                let folder = TemporaryFolder::create_in(&env::temp_dir())?;
                (folder.path().to_owned(), Some(folder))
            }
        };
        let places = ServerPaths::in_folder(&folder)?;
        let durable = temporary.is_none();
        end_left_over(&places).await?;
        let prepared = places.clone();
        let mut command = spawn_blocking(move || {
            install(&programs, &prepared)?;
            Ok::<_, LocalAwsError>(server_command(&programs, &prepared, durable))
        })
        .await
        .map_err(failed)??;
        let mut process = MariaDbProcess::spawn(&mut command, &places).map_err(failed)?;
        until_ready(&mut process, &places).await?;
        let (orders, received) = mpsc::channel();
        let supervised = places.clone();
        let thread = thread::Builder::new()
            .name("mariadb".into())
            .spawn(move || supervise(process, &mut command, &supervised, &received))?;
        let server = Self {
            places,
            supervisor: Mutex::new(Some(Supervisor { orders, thread })),
            _temporary: temporary,
        };
        server.own(database, secret).await.map_err(failed)?;
        Ok(server)
    }

    /// The address of its database.
    pub(crate) fn target(&self) -> DatabaseAddress {
        DatabaseAddress::socket(&self.places.socket)
    }

    /// Its data folder.
    pub(crate) fn data_folder(&self) -> &Path {
        &self.places.data
    }

    /// Lets it write everything and exit.
    pub(crate) async fn stop(&self) {
        let Some(supervisor) = self.supervisor() else {
            return;
        };
        // This comes first, or it would be restarted.
        let _ = supervisor.orders.send(SupervisorCommand::Wait);
        if let Ok(mut root) = root(&self.places.socket).await {
            // The response may get lost in the shutdown.
            let _ = root.query_drop("SHUTDOWN").await;
        }
        let _ = spawn_blocking(move || supervisor.thread.join()).await;
    }

    fn supervisor(&self) -> Option<Supervisor> {
        self.supervisor
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// Creates a reader and a writer of `database` with these passwords and the rights that `create_schema.sh` grants.
    /// The writer may write to those `tables` that exist.
    pub(crate) async fn limit(
        &self,
        database: &str,
        tables: &[String],
        passwords: &[String; 2],
    ) -> Result<(), LocalAwsError> {
        let mut root = root(&self.places.socket).await.map_err(failed)?;
        let found: Vec<String> = root
            .exec(
                "SELECT table_name FROM information_schema.tables WHERE table_schema = ?",
                (database,),
            )
            .await
            .map_err(failed)?;
        let database = name(database);
        let [reader, writer] = [Rights::Reader, Rights::Writer]
            .map(|rights| format!("{}@localhost", text(rights.user())));
        let mut statements = Vec::new();
        for (user, password) in [&reader, &writer].into_iter().zip(passwords) {
            let password = text(password);
            statements.push(format!(
                "CREATE OR REPLACE USER {user} IDENTIFIED BY {password}"
            ));
        }
        for user in [&reader, &writer] {
            statements.push(format!("GRANT SELECT ON {database}.* TO {user}"));
        }
        for table in tables.iter().filter(|table| found.contains(table)) {
            let table = name(table);
            statements.push(format!(
                "GRANT INSERT, DELETE ON {database}.{table} TO {writer}"
            ));
        }
        for sql in statements {
            root.query_drop(sql).await.map_err(failed)?;
        }
        root.disconnect().await.map_err(failed)
    }

    async fn own(&self, database: &str, secret: &SecretOption) -> Result<(), mysql_async::Error> {
        let database = name(database);
        let user = format!("{}@localhost", text(&secret.username));
        let password = text(&secret.password);
        let mut root = root(&self.places.socket).await?;
        for sql in [
            format!("CREATE DATABASE IF NOT EXISTS {database}"),
            format!("CREATE OR REPLACE USER {user} IDENTIFIED BY {password}"),
            format!("GRANT ALL ON {database}.* TO {user}"),
        ] {
            root.query_drop(sql).await?;
        }
        root.disconnect().await
    }
}

impl Drop for MariaDbServer {
    fn drop(&mut self) {
        if let Some(supervisor) = self.supervisor() {
            let _ = supervisor.orders.send(SupervisorCommand::Kill);
            let _ = supervisor.thread.join();
        }
    }
}

/// Quotes a name for a statement.
fn name(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// Quotes a text for a statement.
fn text(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

async fn root(socket: &Path) -> Result<Conn, mysql_async::Error> {
    let options = OptsBuilder::default()
        .socket(Some(socket.to_string_lossy()))
        .user(Some("root"));
    Conn::new(options).await
}

/// Stops a server that a killed process left running on this folder.
async fn end_left_over(places: &ServerPaths) -> Result<(), LocalAwsError> {
    let Ok(mut root) = root(&places.socket).await else {
        return Ok(());
    };
    tracing::info!("stopping the mariadbd that a killed server left behind");
    let _ = root.query_drop("SHUTDOWN").await;
    let started = Instant::now();
    while places.pid.exists() {
        if started.elapsed() > START_LIMIT {
            return Err(failed(
                "the one that an earlier server has left does not stop",
            ));
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

async fn until_ready(
    process: &mut MariaDbProcess,
    places: &ServerPaths,
) -> Result<(), LocalAwsError> {
    let started = Instant::now();
    let log = places.log.display();
    while root(&places.socket).await.is_err() {
        if process.exit_status().is_some() {
            let words = last_words(places);
            return Err(failed(format!("mariadbd ended at its start: {words}")));
        }
        if started.elapsed() > START_LIMIT {
            let limit = START_LIMIT.as_secs();
            return Err(failed(format!(
                "mariadbd was not ready within {limit} s: see {log}"
            )));
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// Restarts the process whenever it ends, until it is meant to end.
fn supervise(
    mut process: MariaDbProcess,
    command: &mut Command,
    places: &ServerPaths,
    orders: &mpsc::Receiver<SupervisorCommand>,
) {
    let order = loop {
        match orders.recv_timeout(PAUSE) {
            Ok(order) => break order,
            Err(mpsc::RecvTimeoutError::Disconnected) => break SupervisorCommand::Kill,
            Err(mpsc::RecvTimeoutError::Timeout) => {}
        }
        if process.exit_status().is_some() {
            tracing::warn!("mariadbd has ended; restarting it");
            match MariaDbProcess::spawn(command, places) {
                Ok(again) => process = again,
                Err(error) => tracing::error!(%error, "mariadbd cannot be restarted"),
            }
        }
    };
    let asked = Instant::now();
    while order == SupervisorCommand::Wait
        && asked.elapsed() < STOP_LIMIT
        && process.exit_status().is_none()
    {
        thread::sleep(PAUSE);
    }
}
