//! The Lambda function `ec2-inventory-add`.

use std::process::ExitCode;

use ec2_inventory_add::Add;
use fleet_aws::{DataApiInventory, InventorySettings, function_config};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    fleet_http::run(async || {
        let settings = InventorySettings::from_env()?;
        Ok(Add::new(DataApiInventory::new(
            &function_config().await?,
            settings,
        )))
    })
    .await
}
