//! The Lambda function `health`.

use std::{process::ExitCode, time::Duration};

use fleet_aws::{
    DataApiInventory, DeferredConfig, DimensionsSettings, DynamoDimensions, InventorySettings,
    SecretProbe,
};
use fleet_core::settings::InventoryRole;
use fleet_core::store::Store;
use health::Health;

/// How long the states of the stores are cached. A DNS health check fails over after several responses, 10 s apart or
/// more.
const KEPT: Duration = Duration::from_secs(3);

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    fleet_http::run(async || {
        let (table, database) = (
            DimensionsSettings::from_env()?,
            InventorySettings::from_env()?,
        );
        let role = InventoryRole::from_env()?;
        // `/v1/health` touches no store, and starts this function most often.
        let config = DeferredConfig::default();
        let (dynamodb, data_api, secret) = (table, database.clone(), database);
        Ok(Health::new(
            config.probe(Store::Dimensions, move |config| {
                DynamoDimensions::new(config, dynamodb.clone())
            }),
            config.probe(Store::Inventory, move |config| {
                DataApiInventory::new(config, data_api.clone())
            }),
            config.probe(Store::Secret, move |config| {
                SecretProbe::new(config, &secret)
            }),
            role,
        )
        .with_cache_time(KEPT))
    })
    .await
}
