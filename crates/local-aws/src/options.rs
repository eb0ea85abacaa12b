//! The options of the local endpoints, and why a start can fail.

use std::{fmt, io, net::SocketAddr, path::PathBuf, time::Duration};

use fleet_edge::error_words;

use crate::{autoscaling::ScalingPace, schema::Schema};

/// Everything [`LocalAws::start`](crate::LocalAws::start) needs.
#[derive(Debug, Clone)]
pub struct LocalAwsOptions {
    /// Where to listen; port 0 means any free port. Signatures are not verified, so this should be a loopback address.
    pub listen: SocketAddr,
    /// Where data is stored.
    pub storage: Storage,
    /// The engine that runs the Data API's SQL.
    pub engine: Engine,
    /// The region in the secret's ARN, such as `us-east-1`.
    pub region: String,
    /// The account in the secret's ARN: twelve digits.
    pub account: String,
    /// The one cluster that the Data API knows.
    pub cluster_arn: String,
    /// The one database of that cluster.
    pub database: String,
    /// The secret of the database's owner: the Data API requires it, and Secrets Manager returns it.
    pub secret: SecretOption,
    /// The secrets of two users with fewer rights, if any. A database given by URL keeps its own users: there these
    /// secrets lead to the owner.
    pub limited: Option<LimitedSecrets>,
    /// The schema that the database is migrated to at startup.
    pub schema: Schema,
    /// DynamoDB tables to create if they are missing.
    pub tables: Vec<TableOption>,
    /// The Data API's time limits.
    pub timeouts: Timeouts,
    /// The base address of the API on this machine, which stands for APIs on AWS in the resource ids of scalable
    /// targets.
    pub api_url: Option<String>,
    /// The pace of Application Auto Scaling.
    pub pace: ScalingPace,
}

/// Where data is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Storage {
    /// Lost at the end of the process. DynamoDB's data is only in memory. SQL data is kept in a folder `fleet-rds-…` in
    /// the system's temporary folder, because several connections to one in-memory SQLite database would block each
    /// other. Only the user of this process can read it. A clean shutdown removes it. A killed process or a power
    /// failure leaves it behind with its data; the next server of the same user that keeps its SQL data in the same
    /// temporary folder removes it at startup.
    InMemory,
    /// Files in this folder, which must exist: `dynamodb.sqlite` and `rds.sqlite`.
    Folder(PathBuf),
}

/// The engine that runs the Data API's SQL.
#[derive(Clone, PartialEq, Eq)]
pub enum Engine {
    /// SQLite within this process.
    Embedded,
    /// A MySQL or MariaDB, by URL: `mysql://user:password@host:port/database`. The user and password of the URL, if
    /// present, replace those of the secret, and the Data API then takes them from the secret as the service does.
    MySql(String),
    /// A `mariadbd` run by the server, in the data folder and reachable only through a socket.
    MariaDb,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded => f.write_str("Embedded"),
            Self::MySql(_) => f.write_str("MySql(…)"),
            Self::MariaDb => f.write_str("MariaDb"),
        }
    }
}

/// A database secret.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretOption {
    /// Its name; the ARN is derived from it.
    pub name: String,
    /// The database user.
    pub username: String,
    /// The password; never logged.
    pub password: String,
}

impl fmt::Debug for SecretOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// The names of the secrets for the two users that functions connect as. Each start generates new passwords.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitedSecrets {
    /// For the user `fleet_reader`, who may read every table.
    pub reader: String,
    /// For the user `fleet_writer`, who may read, add and delete rows of `tables`.
    pub writer: String,
    /// The tables that the writer may write to. SQLite does not check the table, as functions' statements name no
    /// others.
    pub tables: Vec<String>,
}

/// A DynamoDB table with a string partition key and on-demand capacity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableOption {
    /// Its name.
    pub name: String,
    /// The attribute that is the partition key.
    pub partition_key: String,
}

/// The Data API's time limits. The default is the service's own:
/// <https://docs.aws.amazon.com/rdsdataservice/latest/APIReference/API_BeginTransaction.html>.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// A transaction that is idle for this long is rolled back: 3 minutes.
    pub transaction_idle: Duration,
    /// A transaction that is open for this long is rolled back: 24 hours.
    pub transaction_whole: Duration,
    /// A statement that runs for this long is stopped: 45 seconds.
    pub statement: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            transaction_idle: Duration::from_secs(3 * 60),
            transaction_whole: Duration::from_secs(24 * 60 * 60),
            statement: Duration::from_secs(45),
        }
    }
}

/// Why the endpoints could not start: one sentence for a person at a terminal, without any password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocalAwsError {
    /// Another process is listening there.
    #[error(
        "The address {0} for the local AWS endpoints is already in use: choose another one with --aws-listen."
    )]
    AddressInUse(SocketAddr),
    /// The address cannot be bound for another reason.
    #[error("Cannot listen on {address} for the local AWS endpoints ({}): choose another address with --aws-listen.", error_words(.cause))]
    Listen {
        /// The requested address.
        address: SocketAddr,
        /// The operating system's error.
        cause: io::Error,
    },
    /// The data folder does not exist, or is not writable.
    #[error("Cannot write to the data folder {} ({}).", folder.display(), error_words(.cause))]
    Folder {
        /// The requested folder.
        folder: PathBuf,
        /// The operating system's error.
        cause: io::Error,
    },
    /// Another process serves the same data.
    #[error("The data folder {} is in use by another running server.", .0.display())]
    FolderInUse(PathBuf),
    /// Something that is not a database is in the place of a data file.
    #[error("The file {} is not a database of this server: move it away, or choose another data folder with --data-dir.", .0.display())]
    NotADatabase(PathBuf),
    /// A data file is damaged, or cannot be opened.
    #[error("Cannot open the database file {} ({cause}).", file.display())]
    Storage {
        /// The file.
        file: PathBuf,
        /// The storage engine's error.
        cause: String,
    },
    /// A table cannot be created.
    #[error("Cannot create the DynamoDB table '{table}' ({cause}).")]
    Table {
        /// Its name.
        table: String,
        /// The storage engine's error.
        cause: String,
    },
    /// The database URL does not parse.
    #[error(
        "The database URL is invalid ({0}): it must look like mysql://user:password@host:3306/database."
    )]
    DatabaseUrl(String),
    /// The database does not respond, or refuses the connection.
    #[error("The database at {address} cannot be reached ({cause}).")]
    DatabaseUnreachable {
        /// Host and port.
        address: String,
        /// The driver's error.
        cause: String,
    },
    /// The machine has no MariaDB server.
    #[error(
        "mariadbd, mariadb-install-db and my_print_defaults are not all on the PATH or in /usr/sbin: install the packages \
         mariadb-server-core and mariadb-client-core (Debian, Ubuntu), mariadb-server (Fedora) or mariadb (Arch, Homebrew), \
         or leave --engine mariadb out."
    )]
    MariaDbMissing,
    /// The MariaDB server does not start.
    #[error("The server's own MariaDB cannot start ({0}).")]
    MariaDb(String),
    /// A statement of the schema failed.
    #[error("The database schema cannot be applied ({0}).")]
    Schema(String),
    /// A later version migrated the database, and it no longer supports this one.
    #[error(
        "The database's schema is version {version}, which requires a server that knows version {needed}, but this one only \
         knows {known}: start a newer server, or choose another data folder with --data-dir or another database with --database-url."
    )]
    SchemaTooNew {
        /// The newest migration in the database.
        version: u32,
        /// The oldest schema that a server must have been built with.
        needed: u32,
        /// The schema that this server was built with.
        known: u32,
    },
    /// A migration differs from the one in the database.
    #[error(
        "The database has a migration {0} that differs from this server's: start the version of the server that the database \
         belongs to, or choose another data folder with --data-dir or another database with --database-url."
    )]
    SchemaEdited(u32),
    /// The database has tables with the same names but a different layout.
    #[error(
        "The database has tables with a different layout from this server's ({0}): choose another data folder with --data-dir or \
         another database with --database-url."
    )]
    SchemaLayout(String),
    /// The operating system refused a thread or a similar resource.
    #[error("The local AWS endpoints cannot start ({}).", error_words(.0))]
    System(#[from] io::Error),
}
