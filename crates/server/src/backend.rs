//! The stores behind the functions: local AWS endpoints in this process, or AWS.

use std::{env, fs, io, path::PathBuf};

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use fleet_aws::{DimensionsSettings, InventorySettings, SdkConfig};
use fleet_local_aws::{
    Engine, LimitedSecrets, LocalAws, Schema, SecretOption, Storage, TableOption, Timeouts,
};
use tracing::info;

use crate::{
    clients::Clients,
    credentials::with_credentials,
    error::StartError,
    functions::FunctionSettings,
    options::{Backend, ServerOptions, SqlEngine},
    private,
};

pub(crate) const REGION: &str = "us-east-1";
const ACCOUNT: &str = "000000000000";
/// The key of the dimensions table, as in template.yaml.
const DIMENSION_KEY: &str = "scalableTargetDimensionId";
/// The tables that functions write to.
const INVENTORY_TABLES: [&str; 2] = ["ec2", "ec2_package"];
/// The local settings: the names in the embedded backend, unless the environment sets others.
const LOCAL_SETTINGS: [(&str, &str); 4] = [
    (
        "DB_CLUSTER_ARN",
        "arn:aws:rds:us-east-1:000000000000:cluster:fleet",
    ),
    ("DB_SECRET", "fleet-db"),
    ("DB_NAME", "ec2_inventory_db"),
    ("DIMENSIONS_TABLE", "fleet-dimensions"),
];

/// The variables through which the SDK finds a proxy.
const PROXIES: [&str; 6] = [
    "https_proxy",
    "HTTPS_PROXY",
    "http_proxy",
    "HTTP_PROXY",
    "all_proxy",
    "ALL_PROXY",
];

/// Open stores, and how to reach them.
pub(crate) struct OpenStores {
    pub(crate) clients: Clients,
    /// The settings of the hosted functions.
    pub(crate) settings: FunctionSettings,
    /// The local endpoints; they stop when this is dropped.
    pub(crate) local: Option<LocalAws>,
    /// The data folder, if there is one.
    pub(crate) folder: Option<PathBuf>,
}

impl OpenStores {
    /// Opens the stores that `options` request. `api_url` is the API's own URL on this machine.
    pub(crate) async fn open(
        options: &ServerOptions,
        api_url: Option<&str>,
    ) -> Result<Self, StartError> {
        if options.backend == Backend::Aws {
            only_embedded(options)?;
        }
        match options.backend {
            _ if !options.hosted().iter().any(|name| name.needs_a_store()) => Self::none(options),
            Backend::Embedded => Self::embedded(options, api_url).await,
            Backend::Aws => Self::aws(options).await,
        }
    }

    /// No store at all, so no credentials, folder or address.
    fn none(options: &ServerOptions) -> Result<Self, StartError> {
        let region = ["AWS_REGION", "AWS_DEFAULT_REGION"]
            .into_iter()
            .find_map(variable)
            .map(Region::new);
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(region)
            .build();
        Ok(Self {
            clients: Clients::new(config),
            settings: FunctionSettings::read(options.hosted(), variable)?,
            local: None,
            folder: None,
        })
    }

    async fn embedded(options: &ServerOptions, api_url: Option<&str>) -> Result<Self, StartError> {
        let local = |name: &str| {
            LOCAL_SETTINGS
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        };
        let lookup = |name: &str| variable(name).or_else(|| local(name));
        let mut settings = FunctionSettings::read(options.hosted(), lookup)?;
        let (inventory, mut dimensions) = (
            InventorySettings::read(lookup)?,
            DimensionsSettings::read(lookup)?,
        );
        let owner = secret_name(&inventory.secret);
        let limited = LimitedSecrets {
            reader: format!("{owner}-reader"),
            writer: format!("{owner}-writer"),
            tables: INVENTORY_TABLES.map(str::to_owned).to_vec(),
        };
        if let Some(inventory) = &mut settings.inventory {
            inventory.secret.clone_from(&limited.reader);
            settings.writer_secret = Some(limited.writer.clone());
        }
        // The embedded DynamoDB knows tables only by name.
        dimensions.table = table_name(&dimensions.table).to_owned();
        settings.dimensions = settings.dimensions.map(|_| dimensions.clone());
        if let Some(name) = proxy(&["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]) {
            info!("{name} is set; calls to the local AWS endpoints do not use that proxy");
        }
        let engine = engine(options)?;
        let folder = if options.in_memory {
            None
        } else {
            Some(data_folder(options)?)
        };
        let local = LocalAws::start(fleet_local_aws::LocalAwsOptions {
            listen: options.aws_listen,
            storage: folder.clone().map_or(Storage::InMemory, Storage::Folder),
            engine,
            region: REGION.to_owned(),
            account: ACCOUNT.to_owned(),
            cluster_arn: inventory.cluster_arn,
            database: inventory.database,
            secret: SecretOption {
                name: inventory.secret,
                username: "fleet".to_owned(),
                password: "fleet".to_owned(),
            },
            limited: Some(limited),
            schema: Schema::fleet(),
            tables: vec![TableOption {
                name: dimensions.table,
                partition_key: DIMENSION_KEY.to_owned(),
            }],
            timeouts: Timeouts::default(),
            api_url: api_url.map(str::to_owned),
            pace: options.pace,
        })
        .await?;
        Ok(Self {
            clients: local_clients(&local),
            settings,
            local: Some(local),
            folder,
        })
    }

    async fn aws(options: &ServerOptions) -> Result<Self, StartError> {
        let settings = FunctionSettings::read(options.hosted(), variable)?;
        let config = fleet_aws::sdk_config().await;
        if config.region().is_none() {
            return Err(StartError::NoRegion);
        }
        let config = with_credentials(config).await?;
        if let Some(name) = proxy(&PROXIES) {
            info!("{name} is set; calls to AWS use that proxy, as no_proxy says");
        }
        Ok(Self {
            clients: Clients::new(config),
            settings,
            local: None,
            folder: None,
        })
    }
}

/// The first of the variables `names` that sets a proxy. The value may contain a password.
fn proxy(names: &[&'static str]) -> Option<&'static str> {
    names.iter().copied().find(|name| variable(name).is_some())
}

/// Rejects options that have no effect without the embedded backend.
fn only_embedded(options: &ServerOptions) -> Result<(), StartError> {
    if options.database_url_file.is_some() {
        return Err(StartError::EmbeddedOnly("--database-url-file"));
    }
    if database_url(options)?.is_some() {
        return Err(StartError::EmbeddedOnly("--database-url"));
    }
    if options.engine != SqlEngine::default() {
        return Err(StartError::EmbeddedOnly("--engine"));
    }
    if options.in_memory {
        return Err(StartError::EmbeddedOnly("--in-memory"));
    }
    Ok(())
}

/// The name of a secret given by name or ARN.
fn secret_name(secret: &str) -> &str {
    secret.rsplit(':').next().unwrap_or(secret)
}

/// The name of a table given by name or ARN.
fn table_name(table: &str) -> &str {
    table.rsplit('/').next().unwrap_or(table)
}

/// A variable of this process. An empty one counts as unset, since that is what `NAME=` in a shell or a compose file means.
fn variable(name: &str) -> Option<String> {
    env::var_os(name)
        .map(|value| value.to_string_lossy().into_owned())
        .filter(|value| !value.is_empty())
}

/// The SQL engine; with the user's own database there is no choice.
fn engine(options: &ServerOptions) -> Result<Engine, StartError> {
    match (database_url(options)?, options.engine) {
        (None, SqlEngine::Sqlite) => Ok(Engine::Embedded),
        (None, SqlEngine::Mariadb) => Ok(Engine::MariaDb),
        (Some(url), SqlEngine::Sqlite) => Ok(Engine::MySql(url)),
        (Some(_), SqlEngine::Mariadb) => Err(StartError::EngineAndUrl),
    }
}

fn database_url(options: &ServerOptions) -> Result<Option<String>, StartError> {
    let Some(file) = &options.database_url_file else {
        return Ok(options.database_url.clone().filter(|url| !url.is_empty()));
    };
    let failed = |cause: io::Error| StartError::DatabaseUrlFile {
        file: file.clone(),
        cause: cause.kind(),
    };
    let url = fs::read_to_string(file).map_err(failed)?.trim().to_owned();
    // An empty file would silently mean the embedded database.
    if url.is_empty() {
        Err(failed(io::ErrorKind::UnexpectedEof.into()))
    } else {
        Ok(Some(url))
    }
}

/// Creates the data folder, accessible only to its owner, and returns its full path.
fn data_folder(options: &ServerOptions) -> Result<PathBuf, StartError> {
    let folder = &options.data_dir;
    let failed = |cause: io::Error| StartError::DataFolder {
        folder: folder.clone(),
        cause: cause.kind(),
    };
    private::make_folder(folder).map_err(failed)?;
    folder.canonicalize().map_err(failed)
}

/// The clients of the local endpoints. Their configuration reads neither the environment nor profiles, so that a shell
/// that is set up for AWS cannot send local data there. No call leaves this process, so a proxy does not matter.
fn local_clients(local: &LocalAws) -> Clients {
    let credentials = Credentials::new("local", "local", None, None, "fleet-server");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static(REGION))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(local.endpoint_url())
        .build();
    Clients::in_process(&config, local.in_process())
}
