//! Starts the services and stops them.

use std::{
    collections::HashMap,
    fs::{self, TryLockError},
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use fleet_edge::{Hosting, PlainHttp};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use crate::{
    autoscaling::AutoScaling,
    changes::ChangeStream,
    data_api::DataApi,
    data_file::DataFile,
    dynamodb::DynamoDb,
    engine::{
        Database, Rights,
        mysql::{self, mariadb, target as mysql_target},
        sqlite,
    },
    front::{self, Front, FrontResponder},
    in_process::InProcess,
    migrate,
    options::{Engine, LocalAwsError, LocalAwsOptions, SecretOption, Storage},
    secrets::{DatabaseSecret, Secrets, StoredSecret},
};
use uuid::Uuid;

/// Held locked while a process serves the folder.
const LOCK_FILE: &str = "local-aws.lock";
/// The endpoint in the secret for an engine without a port: there is no such server, but clients expect these fields.
const EMBEDDED_ENDPOINT: (&str, u16) = ("127.0.0.1", 3306);

/// The running endpoints. If dropped without [`LocalAws::stop`], they stop a little later.
#[derive(Debug)]
pub struct LocalAws {
    address: SocketAddr,
    in_process: InProcess,
    changes: HashMap<String, ChangeStream>,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
    data_files: DataFiles,
}

/// The watched places where data is stored.
#[derive(Debug, Clone)]
pub struct DataFiles {
    /// The Data API's data.
    pub inventory: Arc<DataFile>,
    /// DynamoDB's data.
    pub dimensions: Arc<DataFile>,
}

impl LocalAws {
    /// Opens the storage, applies the schema, creates the tables, binds the address and serves in background tasks.
    ///
    /// # Errors
    ///
    /// Each [`LocalAwsError`] is one sentence that names what to change.
    pub async fn start(options: LocalAwsOptions) -> Result<Self, LocalAwsError> {
        // This comes first, because a second server on the same address should report that, and not complain about the
        // folder.
        let listener = bind(options.listen).await?;
        let address = listener.local_addr()?;
        let lock = match &options.storage {
            Storage::InMemory => None,
            Storage::Folder(folder) => Some(lock(folder)?),
        };
        let owner = database(&options).await?;
        let file = owner.file.clone();
        let patience = match options.engine {
            // Only this process can reach it.
            Engine::Embedded | Engine::MariaDb => Duration::ZERO,
            Engine::MySql(_) => migrate::PATIENCE,
        };
        migrate::apply(&owner.database, &options.schema, patience).await?;
        let (databases, secrets) = users(owner, &options).await?;
        let secrets = Arc::new(Secrets::new(secrets));
        let storage = options.storage.clone();
        let tables = options.tables;
        let names: Vec<String> = tables.iter().map(|table| table.name.clone()).collect();
        let place = (options.region.clone(), options.account.clone());
        let dynamodb = tokio::task::spawn_blocking(move || {
            DynamoDb::start(&storage, &tables, (&place.0, &place.1))
        })
        .await
        .map_err(|error| io::Error::other(error.to_string()))??;
        let data_files = DataFiles {
            inventory: Arc::new(DataFile::watch(file)?),
            dimensions: dynamodb.file(),
        };
        let data_api = Arc::new(DataApi::new(
            databases,
            Arc::clone(&secrets),
            options.cluster_arn,
            options.database,
            options.timeouts,
            Arc::clone(&data_files.inventory),
        ));
        let folder = match &options.storage {
            Storage::InMemory => None,
            Storage::Folder(folder) => Some(folder.clone()),
        };
        let autoscaling = Arc::new(AutoScaling::start(
            folder,
            options.api_url,
            options.pace,
            (&options.region, &options.account),
        ));
        let changes = names
            .into_iter()
            .map(|name| (name.clone(), dynamodb.changes(&name)))
            .collect();
        let front = Arc::new(Front::new(
            Arc::clone(&autoscaling),
            dynamodb.forwarder(),
            Arc::clone(&data_api),
            secrets,
        ));
        let in_process = InProcess::new(&front);
        let hosting = Hosting::start(listener, FrontResponder(front), PlainHttp, front::limits())?;
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(async move {
            // A dropped sender stops it, too.
            let _ = stopped.await;
            hosting.stop().await;
            autoscaling.stop();
            data_api.close().await;
            dynamodb.close().await;
            drop(lock);
        });
        tracing::debug!(%address, "the local AWS endpoints are ready");
        Ok(Self {
            address,
            in_process,
            changes,
            stop,
            served,
            data_files,
        })
    }

    /// Where the data is stored. Requests for data that is gone or cannot be written to are refused anyway; this tells
    /// in advance.
    pub fn data_files(&self) -> DataFiles {
        self.data_files.clone()
    }

    /// The address it listens on, with the actual port if port 0 was requested.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The value for `AWS_ENDPOINT_URL`.
    pub fn endpoint_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Access to the endpoints for clients in this process, which need no connection.
    pub fn in_process(&self) -> InProcess {
        self.in_process.clone()
    }

    /// The changes to one of the tables that it was started with. Holding the stream keeps the storage open.
    pub fn changes(&self, table: &str) -> Option<ChangeStream> {
        self.changes.get(table).cloned()
    }

    /// Stops accepting requests, lets those in progress finish, rolls back open transactions and closes the storage.
    pub async fn stop(self) {
        // Both fail only if the task has already ended.
        drop(self.changes);
        let _ = self.stop.send(());
        let _ = self.served.await;
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, LocalAwsError> {
    TcpListener::bind(address)
        .await
        .map_err(|cause| match cause.kind() {
            io::ErrorKind::AddrInUse => LocalAwsError::AddressInUse(address),
            _ => LocalAwsError::Listen { address, cause },
        })
}

/// Whether a running server keeps its data in `folder`.
pub fn is_in_use(folder: &Path) -> bool {
    fs::File::options()
        .write(true)
        .open(folder.join(LOCK_FILE))
        .is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

fn lock(folder: &Path) -> Result<fs::File, LocalAwsError> {
    let failed = |cause| LocalAwsError::Folder {
        folder: folder.to_owned(),
        cause,
    };
    let file = fs::File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join(LOCK_FILE))
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(LocalAwsError::FolderInUse(folder.to_owned())),
        Err(TryLockError::Error(cause)) => Err(failed(cause)),
    }
}

/// The SQL database, connected to as its owner.
struct OwnerDatabase {
    database: Database,
    credentials: SecretOption,
    endpoint: (String, u16),
    /// Where its data is stored on this machine.
    file: Option<PathBuf>,
}

/// Opens the SQL database.
async fn database(options: &LocalAwsOptions) -> Result<OwnerDatabase, LocalAwsError> {
    let (host, port) = EMBEDDED_ENDPOINT;
    let embedded = (host.to_owned(), port);
    let (database, credentials, endpoint, file) = match &options.engine {
        Engine::Embedded => {
            let (storage, name) = (options.storage.clone(), options.database.clone());
            let open = move || sqlite::SqliteEngine::open(&storage, &name);
            let engine = tokio::task::spawn_blocking(open)
                .await
                .map_err(|error| io::Error::other(error.to_string()))??;
            let file = engine.file().to_owned();
            (
                Database::Sqlite(engine),
                options.secret.clone(),
                embedded,
                Some(file),
            )
        }
        Engine::MySql(url) => {
            let (target, credentials) = mysql_target::target(url, &options.secret)?;
            let engine = mysql::MySqlEngine::open(&target, &credentials, &options.database).await?;
            let endpoint = (target.host().to_owned(), target.port());
            (Database::MySql(engine), credentials, endpoint, None)
        }
        Engine::MariaDb => {
            let server =
                mariadb::MariaDbServer::start(&options.storage, &options.database, &options.secret)
                    .await?;
            let engine =
                mysql::MySqlEngine::open(&server.target(), &options.secret, &options.database)
                    .await?;
            let folder = server.data_folder().to_owned();
            let database = Database::MySql(engine.on(server));
            (database, options.secret.clone(), embedded, Some(folder))
        }
    };
    Ok(OwnerDatabase {
        database,
        credentials,
        endpoint,
        file,
    })
}

/// A database connection for each user, and the user's secret: first the owner's, then, if requested, the reader's and
/// the writer's.
async fn users(
    owner: OwnerDatabase,
    options: &LocalAwsOptions,
) -> Result<(Vec<Database>, Vec<StoredSecret>), LocalAwsError> {
    let secret = |credentials: &SecretOption| {
        let value = DatabaseSecret {
            username: &credentials.username,
            password: &credentials.password,
            host: &owner.endpoint.0,
            port: owner.endpoint.1,
            database: &options.database,
        };
        StoredSecret::new(&options.region, &options.account, &credentials.name, &value)
    };
    let mut secrets = vec![secret(&owner.credentials)];
    let Some(limited) = &options.limited else {
        return Ok((vec![owner.database], secrets));
    };
    let passwords = [(); 2].map(|()| Uuid::new_v4().simple().to_string());
    let credentials = [
        (&limited.reader, Rights::Reader, &passwords[0]),
        (&limited.writer, Rights::Writer, &passwords[1]),
    ]
    .map(|(name, rights, password)| {
        let made = SecretOption {
            name: name.clone(),
            username: rights.user().to_owned(),
            password: password.clone(),
        };
        (rights, made)
    });
    let mut databases = vec![owner.database.clone()];
    for (rights, made) in credentials {
        let (database, credentials) = match &owner.database {
            Database::Sqlite(engine) => (Database::Sqlite(engine.of(rights)), made),
            Database::MySql(engine) => match engine.server() {
                Some(server) => {
                    if rights == Rights::Reader {
                        server
                            .limit(&options.database, &limited.tables, &passwords)
                            .await?;
                    }
                    let of_user = engine.of(&server.target(), &made, &options.database);
                    (Database::MySql(of_user), made)
                }
                // A database by URL keeps its own users.
                None => {
                    let name = made.name;
                    let owned = SecretOption {
                        name,
                        ..owner.credentials.clone()
                    };
                    (owner.database.clone(), owned)
                }
            },
        };
        databases.push(database);
        secrets.push(secret(&credentials));
    }
    Ok((databases, secrets))
}
