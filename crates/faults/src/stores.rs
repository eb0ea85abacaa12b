//! A test's own stores.

use std::{
    net::SocketAddr,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

use aws_sdk_rdsdata::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use fleet_aws::{
    DataApiInventory, DimensionsSettings, DynamoDimensions, InventorySettings, SdkConfig,
};
use fleet_local_aws::{
    Engine, LocalAws, LocalAwsOptions, Schema, SecretOption, Storage, TableOption, Timeouts,
};
use fleet_server::Clients;
use fleet_testing::fresh_database;

/// The stores' settings, as in the local server.
#[must_use]
pub fn settings() -> (InventorySettings, DimensionsSettings) {
    let inventory = InventorySettings {
        cluster_arn: "arn:aws:rds:us-east-1:000000000000:cluster:fleet".into(),
        secret: "fleet-db".into(),
        database: "ec2_inventory_db".into(),
    };
    (
        inventory,
        DimensionsSettings {
            table: "fleet-dimensions".into(),
        },
    )
}

/// Running local AWS endpoints.
#[derive(Debug)]
pub struct Stores {
    local: LocalAws,
    /// Clients for inspecting them, with connections that stay open.
    data_api: aws_sdk_rdsdata::Client,
    dynamodb: aws_sdk_dynamodb::Client,
    inventory: DataApiInventory,
}

impl Stores {
    /// Starts empty stores.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts stores on an existing folder.
    pub async fn in_folder(folder: &Path) -> Self {
        Self::start_with(|options| options.storage = Storage::Folder(folder.to_owned())).await
    }

    /// Starts stores with other options.
    pub async fn start_with(change: impl FnOnce(&mut LocalAwsOptions)) -> Self {
        let (inventory, dimensions) = settings();
        let mut options = LocalAwsOptions {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            storage: Storage::InMemory,
            engine: fresh_database().map_or(Engine::Embedded, Engine::MySql),
            region: "us-east-1".into(),
            account: "000000000000".into(),
            cluster_arn: inventory.cluster_arn,
            database: inventory.database,
            secret: SecretOption {
                name: inventory.secret,
                username: "fleet".into(),
                password: "fleet".into(),
            },
            limited: None,
            schema: Schema::fleet(),
            tables: vec![TableOption {
                name: dimensions.table,
                partition_key: "scalableTargetDimensionId".into(),
            }],
            timeouts: Timeouts::default(),
            api_url: None,
            pace: fleet_local_aws::ScalingPace::default(),
        };
        change(&mut options);
        let local = LocalAws::start(options).await.unwrap();
        let config = config(&local.endpoint_url());
        Self {
            local,
            data_api: aws_sdk_rdsdata::Client::new(&config),
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
            inventory: DataApiInventory::new(&config, settings().0),
        }
    }

    /// Their address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.local.local_addr()
    }

    /// An SDK configuration that connects directly to them.
    #[must_use]
    pub fn config(&self) -> SdkConfig {
        config(&self.local.endpoint_url())
    }

    /// The inventory in them.
    #[must_use]
    pub fn inventory(&self) -> &DataApiInventory {
        &self.inventory
    }

    /// Clients without connections, like those of the server's own functions.
    #[must_use]
    pub fn clients_in_process(&self) -> Clients {
        Clients::in_process(&self.config(), self.local.in_process())
    }

    /// The dimensions in them, through a separate SDK client.
    #[must_use]
    pub fn dimensions(&self) -> DynamoDimensions {
        self.clients_in_process().dimensions(settings().1)
    }

    /// The single integer that a query returns.
    pub async fn count(&self, sql: &str) -> i64 {
        let (settings, _) = settings();
        let call = self
            .data_api
            .execute_statement()
            .database(settings.database)
            .sql(sql);
        let answer = call
            .resource_arn(settings.cluster_arn)
            .secret_arn(settings.secret)
            .send()
            .await
            .unwrap();
        *answer.records()[0][0].as_long_value().unwrap()
    }

    /// How often the item of a dimension has been written; 0 if it does not exist.
    pub async fn revision(&self, id: &str) -> u64 {
        use aws_sdk_dynamodb::types::AttributeValue;
        let key = AttributeValue::S(id.to_owned());
        let call = self.dynamodb.get_item().table_name(settings().1.table);
        let answer = call
            .key("scalableTargetDimensionId", key)
            .consistent_read(true)
            .send()
            .await
            .unwrap();
        answer
            .item
            .map_or(0, |item| item["revision"].as_n().unwrap().parse().unwrap())
    }

    /// Stops them and waits for that.
    pub async fn stop(self) {
        self.local.stop().await;
    }
}

/// An SDK configuration for the services at `endpoint`, independent of the environment.
///
/// Each has a separate region. An SDK counts the failures of all clients that a process has in one region, and stops
/// their retries if there are too many; the functions of different tests must be as independent of each other as two
/// Lambda instances.
#[must_use]
pub fn config(endpoint: &str) -> SdkConfig {
    static REGIONS: AtomicUsize = AtomicUsize::new(1);
    let region = format!("us-east-{}", REGIONS.fetch_add(1, Ordering::Relaxed));
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            "test", "test", None, None, "tests",
        )))
        .endpoint_url(endpoint)
        .build()
}
