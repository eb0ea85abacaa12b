//! The Lambda function `health`.

use std::process::ExitCode;

use fleet_aws::{
    DataApiInventory, DatabaseSecret, DimensionsSettings, DynamoDimensions, InventoryRole,
    InventorySettings, sdk_config,
};
use health::Health;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    fleet_http::run(async || {
        let (table, database) = (
            DimensionsSettings::from_env()?,
            InventorySettings::from_env()?,
        );
        let role = InventoryRole::from_env()?;
        let config = sdk_config().await;
        let secret = DatabaseSecret::new(&config, &database);
        Ok(Health::new(
            DynamoDimensions::new(&config, table),
            DataApiInventory::new(&config, database),
            secret,
            role,
        ))
    })
    .await
}
