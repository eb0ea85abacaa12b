//! `fleet-server export` and `fleet-server import`: the whole inventory and all dimensions as JSON Lines.
//!
//! An export reads the API itself (`--url`), or the stores through the ports of the functions. An import writes to the stores,
//! since no route of the API sets a creation date.

mod api;
mod export;
mod import;
mod line;
mod page;
mod source;

use std::{
    env,
    io::{self, Write as _},
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use clap::{Args, Parser};
use fleet_aws::{DataApiInventory, DynamoDimensions, InventorySettings};
use fleet_core::store::StoreError;
use fleet_edge::words;
use reqwest::Url;
use thiserror::Error;

use crate::{
    backend::OpenStores,
    error::StartError,
    options::{Backend, DATA_DIR, ServerOptions, SqlEngine},
};
use api::ApiClient;
use source::ExportSource;

/// How many instances are requested, or added, at once.
const AT_ONCE: usize = 16;
/// How often a store or an API that is unavailable is asked again.
const PATIENCE: usize = 10;

#[derive(Clone, Parser)]
#[command(name = "fleet-server", version)]
enum Transfer {
    /// Writes all instances and all dimensions to a file of JSON Lines, or continues an unfinished file.
    ///
    /// The API stays in use: an instance that is added or removed meanwhile may be in the file or not.
    Export(ExportOptions),
    /// Adds what such a file contains. Existing equal records stay, so it can be run again.
    ///
    /// A record that exists with other contents is named and not changed, and the exit code is 4.
    Import(ImportOptions),
}

#[derive(Clone, Args)]
struct ExportOptions {
    /// The file of JSON Lines
    file: PathBuf,

    /// Read the API at this base URL instead of the stores: that of a local server, or ApiEndpoint of the stack's outputs
    #[arg(long, env = "FLEET_URL", value_name = "URL", value_parser = base_url, hide_env_values = true)]
    url: Option<Url>,

    /// A file whose first line is the API key to send
    #[arg(long, value_name = "FILE", requires = "url")]
    api_key_file: Option<PathBuf>,

    /// Sign the requests for this region (SigV4) with the credentials of the AWS configuration
    #[arg(long, value_name = "REGION", requires = "url")]
    sign: Option<String>,

    #[command(flatten)]
    stores: StoreOptions,
}

#[derive(Clone, Args)]
struct ImportOptions {
    /// The file of JSON Lines
    file: PathBuf,

    #[command(flatten)]
    stores: StoreOptions,
}

/// The stores to read or write.
#[derive(Clone, Args)]
struct StoreOptions {
    /// Where the stores are
    #[arg(long, env = "FLEET_BACKEND", value_enum, value_name = "BACKEND", default_value_t = Backend::Embedded, hide_env_values = true)]
    backend: Backend,

    /// The data folder; no server may be running on it
    #[arg(long, env = "FLEET_DATA_DIR", value_name = "DIR", default_value = DATA_DIR, hide_env_values = true)]
    data_dir: PathBuf,

    /// A MySQL or MariaDB that holds the inventory: mysql://user:password@host:3306/database
    #[arg(
        long,
        env = "FLEET_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    database_url: Option<String>,

    /// A file that holds the value of --database-url
    #[arg(
        long,
        env = "FLEET_DATABASE_URL_FILE",
        value_name = "FILE",
        conflicts_with = "database_url",
        hide_env_values = true
    )]
    database_url_file: Option<PathBuf>,

    /// What runs the SQL of the data folder
    #[arg(long, env = "FLEET_ENGINE", value_enum, value_name = "ENGINE", default_value_t = SqlEngine::Sqlite, hide_env_values = true)]
    engine: SqlEngine,
}

/// Why a transfer ended early: one sentence for a person at a terminal.
#[derive(Debug, Error)]
enum TransferError {
    /// The stores cannot be opened.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The file cannot be read or written.
    #[error("Cannot use the file {} ({reason}).", file.display(), reason = words(*cause))]
    File {
        /// The file.
        file: PathBuf,
        /// What the operating system said.
        cause: io::ErrorKind,
    },
    /// A line that no export writes.
    #[error("Line {number} of {} is not a line of an export ({reason}).", file.display())]
    Line {
        /// The file.
        file: PathBuf,
        /// Its number, from 1.
        number: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// The position in the file is not one of this source.
    #[error(
        "The file was started from another source ({0}): continue it from that one, or start a new file."
    )]
    Token(String),
    /// The file ends before the last line of an export.
    #[error("{} is an unfinished export: run the export again with this file, then the import.", .0.display())]
    Unfinished(PathBuf),
    /// A store failed; the cause is shown, since the person who runs this has the credentials.
    #[error("{0} ({cause}). Run it again to continue.", cause = causes(.0))]
    Store(StoreError),
    /// The API refused a request, or does not answer.
    #[error("{url} failed ({reason}). Run it again to continue.")]
    Api {
        /// The request's URL.
        url: String,
        /// What the response said.
        reason: String,
    },
    /// A request cannot be signed.
    #[error("Cannot sign the requests: {0}.")]
    Signature(String),
}

impl From<StoreError> for TransferError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

fn causes(error: &StoreError) -> String {
    let first = std::error::Error::source(error);
    let causes = std::iter::successors(first, |error| error.source());
    let texts: Vec<_> = causes.map(ToString::to_string).collect();
    texts.join(": ")
}

/// Reads a base URL.
fn base_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("it must begin with http:// or https://".into());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("it must be the base of the API, without a query".into());
    }
    Ok(url)
}

/// The stores, connected to as the functions are.
struct Ports {
    reads: DataApiInventory,
    writes: DataApiInventory,
    dimensions: DynamoDimensions,
}

/// Whether the program was started as `export` or `import` and not as a server.
pub(crate) fn is_requested() -> bool {
    env::args_os()
        .nth(1)
        .is_some_and(|word| word == "export" || word == "import")
}

/// The program `name` with `export` or `import` as its first argument.
pub(crate) async fn program(name: &str) -> ExitCode {
    let ended = match Transfer::parse() {
        Transfer::Export(options) => export(&options).await,
        Transfer::Import(options) => import(&options).await,
    };
    match ended {
        Ok((text, code)) => {
            let _ = writeln!(io::stdout(), "{text}");
            code
        }
        Err(error) => {
            let _ = writeln!(io::stderr(), "{name}: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn export(options: &ExportOptions) -> Result<(String, ExitCode), TransferError> {
    let ExportOptions {
        file,
        url,
        api_key_file,
        sign,
        stores,
    } = options;
    if let Some(url) = url {
        let api = ApiClient::new(url, api_key_file.as_deref(), sign.as_deref()).await?;
        return export::run(&ExportSource::Api(api), file).await;
    }
    let (stores, ports) = open(stores).await?;
    let source = ExportSource::Stores {
        inventory: ports.reads,
        dimensions: ports.dimensions,
    };
    let ended = export::run(&source, file).await;
    close(stores).await;
    ended
}

async fn import(options: &ImportOptions) -> Result<(String, ExitCode), TransferError> {
    let (stores, ports) = open(&options.stores).await?;
    let ended = import::run(&ports, &options.file).await;
    close(stores).await;
    ended
}

async fn close(stores: OpenStores) {
    if let Some(local) = stores.local {
        local.stop().await;
    }
}

async fn open(options: &StoreOptions) -> Result<(OpenStores, Ports), StartError> {
    let options = ServerOptions {
        aws_listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        backend: options.backend,
        data_dir: options.data_dir.clone(),
        database_url: options.database_url.clone(),
        database_url_file: options.database_url_file.clone(),
        engine: options.engine,
        ..ServerOptions::default()
    };
    let stores = OpenStores::open(&options, None).await?;
    let settings = &stores.settings;
    let (Some(inventory), Some(dimensions)) = (&settings.inventory, &settings.dimensions) else {
        // All functions are hosted by default, so both are set.
        return Err(StartError::System(io::ErrorKind::Other));
    };
    let writes = InventorySettings {
        secret: settings
            .writer_secret
            .clone()
            .unwrap_or_else(|| inventory.secret.clone()),
        ..inventory.clone()
    };
    let ports = Ports {
        reads: stores.clients.inventory(inventory.clone()),
        writes: stores.clients.inventory(writes),
        dimensions: stores.clients.dimensions(dimensions.clone()),
    };
    Ok((stores, ports))
}

/// Repeats `ask` while the store is unavailable, at most [`PATIENCE`] times.
async fn with_retries<T>(ask: impl AsyncFn() -> Result<T, StoreError>) -> Result<T, StoreError> {
    for _ in 0..PATIENCE {
        match ask().await {
            Err(StoreError::Unavailable { retry_after, .. }) => {
                tokio::time::sleep(retry_after.max(Duration::from_millis(100))).await;
            }
            answer => return answer,
        }
    }
    ask().await
}
