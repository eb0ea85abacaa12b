//! Why the server does not start.

use std::{io, net::SocketAddr, path::PathBuf};

use fleet_core::settings::SettingsError;
use fleet_edge::words;
use fleet_http::telemetry::LevelsError;
use thiserror::Error;

use crate::{access::AccessError, conflicts::Conflicts, template::TemplateError, tls::TlsError};

/// Why the server does not start: one sentence for people at a terminal, which says what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// The template file cannot be read.
    #[error("Cannot read the template {} ({reason}): choose another file with --template.", file.display(), reason = words(*cause))]
    TemplateFile {
        /// The file.
        file: PathBuf,
        /// The operating system's error.
        cause: io::ErrorKind,
    },
    /// The template cannot be served.
    #[error("The template {name} cannot be served: {cause}.")]
    Template {
        /// The file, or a name for the built-in one.
        name: String,
        /// What is wrong with it.
        cause: TemplateError,
    },
    /// Other programs use what this server needs.
    #[error("{0}")]
    InUse(Box<Conflicts>),
    /// Another process listens on the address.
    #[error(
        "The address {0} is already in use: stop what listens there, or choose another address with --listen."
    )]
    AddressInUse(SocketAddr),
    /// The address cannot be bound for another reason.
    #[error("Cannot listen on {address} ({reason}): choose another address with --listen.", reason = words(*cause))]
    Listen {
        /// The requested address.
        address: SocketAddr,
        /// The operating system's error.
        cause: io::ErrorKind,
    },
    /// The file with the database's URL cannot be read, or is empty.
    #[error("Cannot read a database's address from {} ({reason}): the file of --database-url-file must hold mysql://user:password@host:3306/database.", file.display(), reason = words(*cause))]
    DatabaseUrlFile {
        /// The file.
        file: PathBuf,
        /// The operating system's error.
        cause: io::ErrorKind,
    },
    /// The data folder cannot be created or written to.
    #[error("Cannot write to the data folder {} ({reason}): choose another one with --data-dir, or use --in-memory.", folder.display(), reason = words(*cause))]
    DataFolder {
        /// The folder.
        folder: PathBuf,
        /// The operating system's error.
        cause: io::ErrorKind,
    },
    /// Another server uses the data folder.
    #[error("The data folder {} is in use by another server: stop that one, or choose another folder with --data-dir.", .0.display())]
    DataFolderInUse(PathBuf),
    /// The local AWS endpoints do not start for another reason.
    #[error(transparent)]
    LocalAws(fleet_local_aws::LocalAwsError),
    /// The address for redirecting plain HTTP is in use, or cannot be bound.
    #[error("Cannot listen on {address} ({reason}): choose another address with --http-redirect.", reason = words(*cause))]
    ListenPlain {
        /// The requested address.
        address: SocketAddr,
        /// The operating system's error.
        cause: io::ErrorKind,
    },
    /// HTTPS cannot be set up as requested.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The access rules cannot be set up as requested.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// An option that has no effect with this backend.
    #[error(
        "The option {0} is for the embedded backend: leave it out, or leave out --backend aws."
    )]
    EmbeddedOnly(&'static str),
    /// Events cannot be sent.
    #[error(
        "--events-to cannot be used, since HTTP could not be set up: are the system's CA certificates installed?"
    )]
    Events,
    /// Both the user's own database and one that the server runs.
    #[error("--engine mariadb and a database URL name two databases: leave out one of them.")]
    EngineAndUrl,
    /// The AWS SDK has no region.
    #[error("No AWS region is set: set AWS_REGION, or AWS_PROFILE to a profile that has one.")]
    NoRegion,
    /// The AWS SDK finds no credentials, with the reason.
    #[error(
        "There are no AWS credentials ({0}): sign in again, set AWS_PROFILE, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
    )]
    Credentials(String),
    /// A setting of the functions is missing or invalid.
    #[error(transparent)]
    Setting(#[from] SettingsError),
    /// The log levels are invalid.
    #[error(transparent)]
    LogLevels(#[from] LevelsError),
    /// Data that is compiled into a function is broken; its tests rule this out.
    #[error(
        "The built-in {list} cannot be read ({cause}): build the server again from a clean checkout."
    )]
    BuiltIn {
        /// The data that cannot be read.
        list: &'static str,
        /// What is wrong with it.
        cause: serde_json::Error,
    },
    /// The operating system refused something that every server needs.
    #[error("The operating system does not let the server start ({}).", words(*.0))]
    System(io::ErrorKind),
}

impl From<fleet_local_aws::LocalAwsError> for StartError {
    /// Adds advice, since the endpoints themselves do not know the option.
    fn from(error: fleet_local_aws::LocalAwsError) -> Self {
        match error {
            fleet_local_aws::LocalAwsError::Folder { folder, cause } => Self::DataFolder {
                folder,
                cause: cause.kind(),
            },
            fleet_local_aws::LocalAwsError::FolderInUse(folder) => Self::DataFolderInUse(folder),
            other => Self::LocalAws(other),
        }
    }
}
