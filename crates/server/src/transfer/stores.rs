//! The stores of a transfer, opened as the server does.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use clap::Args;
use fleet_aws::{DataApiInventory, DynamoDimensions, InventorySettings};

use crate::{
    backend::OpenStores,
    error::StartError,
    options::{Backend, DATA_DIR, ServerOptions, SqlEngine},
};

/// The stores to read or write.
#[derive(Clone, Args)]
pub(super) struct StoreOptions {
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

/// The stores, through the functions' ports.
pub(super) struct Ports {
    pub(super) reads: DataApiInventory,
    pub(super) writes: DataApiInventory,
    pub(super) dimensions: DynamoDimensions,
}

/// Opens the stores.
pub(super) async fn open(options: &StoreOptions) -> Result<(OpenStores, Ports), StartError> {
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

/// Closes the stores.
pub(super) async fn close(stores: OpenStores) {
    if let Some(local) = stores.local {
        local.stop().await;
    }
}
